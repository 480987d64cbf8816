//! What a connection reads from and writes to.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::pulse::Pulse;

/// A client that takes less than this within the write timeout takes nothing: so much is made up
/// of answers to HTTP/2 pings and the like.
const WORTH_MENTIONING: usize = 512;

/// How much of what a client still sends is read after the last response, in bytes.
const LINGER_BYTES: usize = 1024 * 1024;

/// How long that is done.
const LINGER_TIME: Duration = Duration::from_secs(1);

/// When the heads of requests are looked out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// Bytes that come between two exchanges are the head of a request (HTTP/1).
    Noted,
    /// They may be anything (HTTP/2).
    Ignored,
}

/// A stream that tells the connection's pulse what moves, and closes without taking the last
/// response back: while the client is still sending, closing would reset the connection, and the
/// client would lose what it has not yet read (RFC 9112, section 9.6).
pub(super) struct Socket<S> {
    stream: S,
    /// What was read from the stream already.
    read_before: Bytes,
    pulse: Arc<Pulse>,
    heads: Heads,
    written: usize,
    end: End,
}

enum End {
    NotYet,
    /// Our side is shut, and all that came was read.
    Shut,
    /// Our side is shut; so many bytes are read until the time is over.
    Lingering(usize, Pin<Box<Sleep>>),
}

impl<S> Socket<S> {
    pub(super) fn new(stream: S, read_before: Bytes, pulse: Arc<Pulse>, heads: Heads) -> Socket<S> {
        Socket { stream, read_before, pulse, heads, written: 0, end: End::NotYet }
    }

    fn note_write(&mut self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.pulse.blocked(),
            Poll::Ready(Ok(bytes)) => {
                self.pulse.unblocked();
                self.written += bytes;
                if self.written >= WORTH_MENTIONING {
                    self.written = 0;
                    self.pulse.taken();
                }
            }
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        if self.read_before.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        } else {
            let bytes = self.read_before.len().min(into.remaining());
            into.put_slice(&self.read_before[..bytes]);
            self.read_before.advance(bytes);
            if self.read_before.is_empty() {
                self.read_before = Bytes::new();
            }
        }
        if self.heads == Heads::Noted && into.filled().len() > before {
            self.pulse.head_arrives();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_write(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.end, End::NotYet) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.end = End::Shut;
        }
        loop {
            let mut space = [0; 4096];
            let mut unread = ReadBuf::new(&mut space);
            let polled = Pin::new(&mut self.stream).poll_read(context, &mut unread);
            let bytes = unread.filled().len();
            match (polled, &mut self.end) {
                (Poll::Ready(Ok(())), End::Lingering(left, _)) if bytes > 0 && *left > bytes => {
                    *left -= bytes;
                }
                (Poll::Ready(Ok(())), End::Shut) if bytes > 0 => {
                    let timer = Box::pin(tokio::time::sleep(LINGER_TIME));
                    self.end = End::Lingering(LINGER_BYTES, timer);
                }
                (Poll::Pending, End::Lingering(_, timer)) => {
                    return timer.as_mut().poll(context).map(Ok);
                }
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
