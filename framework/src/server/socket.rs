//! The stream of a connection.

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

/// The minimum number of bytes that a client must receive within the write timeout to count as reading. Over HTTP/2
/// this applies per waiting response; otherwise a client could hold all of them for the price of one.
const MIN_PROGRESS: usize = 512;

/// The size of the pieces that are read from a client after its last response, in bytes.
const PIECE: usize = 16 * 1024;

/// The maximum number of bytes that are read ahead while a request waits for its response.
const AHEAD: usize = 2 * 1024;

/// How received bytes relate to the heads of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestHeads {
    /// Bytes between two exchanges are the head of a request (HTTP/1).
    Noted,
    /// Bytes may be anything (HTTP/2).
    Ignored,
}

/// A stream that reports its progress to the connection's timers, and closes without losing the last response: closing
/// while the client is still sending would reset the connection, and the client would lose the part of the response
/// that it has not yet read (RFC 9112, section 9.6). So the socket continues to read for a [while](Linger).
pub(super) struct Socket<S> {
    stream: S,
    /// Bytes that were already read from the stream.
    read_before: Bytes,
    timers: Arc<Timers>,
    heads: RequestHeads,
    /// Only over HTTP/2.
    frames: Option<Frames>,
    written: usize,
    end: Closing,
}

enum Closing {
    NotYet,
    /// The sending side is shut down.
    Shut,
    /// The sending side is shut down, and bytes from the client are read and dropped.
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

    /// Notes the part of `slices` that was written.
    fn note_write<'a>(
        &mut self,
        written: &Poll<io::Result<usize>>,
        slices: impl IntoIterator<Item = &'a [u8]>,
    ) {
        match written {
            Poll::Pending => self.timers.blocked(),
            Poll::Ready(Ok(bytes)) => {
                self.timers.unblocked();
                let (mut content, mut minimum) = (*bytes, MIN_PROGRESS);
                if let Some(frames) = &mut self.frames {
                    let mut left = *bytes;
                    content = 0;
                    for slice in slices {
                        let written = &slice[..slice.len().min(left)];
                        left -= written.len();
                        content += frames.content_of(written);
                    }
                    minimum *= self.timers.waiting_for_client().max(1);
                }
                self.written += content;
                if self.written >= minimum {
                    self.written = 0;
                    self.timers.taken();
                }
            }
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl<S: AsyncRead + Unpin> Socket<S> {
    /// Fails if the client has reset the connection while its request waits for this node. Hyper does not read then,
    /// because clients may half-close, and would not notice. Bytes of the next request are kept, one piece at most, and
    /// end the check.
    fn check_for_reset(&mut self, context: &mut Context<'_>) -> io::Result<()> {
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
            self.check_for_reset(context)?;
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
