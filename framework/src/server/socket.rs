//! What a connection reads from and writes to.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::linger::Linger;
use super::timers::Timers;

/// A client that takes less than this within the write timeout takes nothing; over HTTP/2 for each
/// response that waits for it, or it could hold all of them for the price of one.
const WORTH_MENTIONING: usize = 512;

/// How much of what a client still sends after its last response is read at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// How much of the next request is read while one waits for its response, in bytes.
const AHEAD: usize = 2 * 1024;

/// When the heads of requests are looked out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestHeads {
    /// Bytes that come between two exchanges are the head of a request (HTTP/1).
    Noted,
    /// They may be anything (HTTP/2).
    Ignored,
}

/// A stream that tells the connection's timers what moves, and closes without taking the last
/// response back: while the client is still sending, closing would reset the connection, and the
/// client would lose what it has not yet read (RFC 9112, section 9.6). So it is read on for a
/// [while](Linger).
pub(super) struct Socket<S> {
    stream: S,
    /// What was read from the stream already.
    read_before: Bytes,
    timers: Arc<Timers>,
    heads: RequestHeads,
    /// Over HTTP/2.
    frames: Option<Frames>,
    written: usize,
    end: Closing,
}

enum Closing {
    NotYet,
    /// Our side is shut.
    Shut,
    /// Our side is shut, and what the client still sends is read.
    Lingering(Linger),
}

impl<S> Socket<S> {
    pub(super) fn new(
        stream: S,
        read_before: Bytes,
        timers: Arc<Timers>,
        heads: RequestHeads,
    ) -> Socket<S> {
        let frames = (heads == RequestHeads::Ignored).then(Frames::default);
        Socket { stream, read_before, timers, heads, frames, written: 0, end: Closing::NotYet }
    }

    /// Notes what was written of `slices`.
    fn note_write<'a>(
        &mut self,
        written: &Poll<io::Result<usize>>,
        slices: impl IntoIterator<Item = &'a [u8]>,
    ) {
        match written {
            Poll::Pending => self.timers.blocked(),
            Poll::Ready(Ok(bytes)) => {
                self.timers.unblocked();
                let (mut content, mut worth) = (*bytes, WORTH_MENTIONING);
                if let Some(frames) = &mut self.frames {
                    let mut left = *bytes;
                    content = 0;
                    for slice in slices {
                        let written = &slice[..slice.len().min(left)];
                        left -= written.len();
                        content += frames.content_of(written);
                    }
                    worth *= self.timers.waiting_for_client().max(1);
                }
                self.written += content;
                if self.written >= worth {
                    self.written = 0;
                    self.timers.taken();
                }
            }
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl<S: AsyncRead + Unpin> Socket<S> {
    /// Fails when the client has reset the connection while its request waits for this node. Hyper
    /// reads nothing then, because of clients that half-close, so that it would not notice. What comes
    /// of the next request is kept, one piece of it at most, and ends the looking.
    fn look_for_reset(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if !self.read_before.is_empty() {
            return Ok(());
        }
        let mut space = [MaybeUninit::uninit(); AHEAD];
        let mut ahead = ReadBuf::uninit(&mut space);
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, &mut ahead) {
            read?;
            self.read_before = Bytes::copy_from_slice(ahead.filled());
        }
        Ok(())
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
        if self.heads == RequestHeads::Noted && into.filled().len() > before {
            self.timers.head_arrives();
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
        self.note_write(&written, [bytes]);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(&written, slices.iter().map(|slice| &**slice));
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.heads == RequestHeads::Noted && self.timers.waits_for_handler() {
            self.look_for_reset(context)?;
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if matches!(this.end, Closing::NotYet) {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            this.end = Closing::Shut;
        }
        loop {
            if let Closing::Lingering(linger) = &mut this.end {
                if this.timers.is_closing() {
                    linger.hurry();
                }
                if linger.is_over() {
                    return Poll::Ready(Ok(()));
                }
            }
            let mut space = [MaybeUninit::uninit(); PIECE];
            let mut unread = ReadBuf::uninit(&mut space);
            let polled = Pin::new(&mut this.stream).poll_read(context, &mut unread);
            match (polled, &mut this.end) {
                (Poll::Ready(Ok(())), end) if !unread.filled().is_empty() => {
                    this.timers.lingers();
                    match end {
                        Closing::Lingering(linger) => linger.note_read(),
                        Closing::NotYet | Closing::Shut => {
                            *end = Closing::Lingering(Linger::begin())
                        }
                    }
                }
                (Poll::Pending, Closing::Lingering(linger)) => return linger.poll(context).map(Ok),
                (Poll::Pending, end) if this.timers.may_go_on() => {
                    this.timers.lingers();
                    *end = Closing::Lingering(Linger::begin());
                }
                // The client has closed, or has nothing to send.
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests;
