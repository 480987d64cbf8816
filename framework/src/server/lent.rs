//! A stream that is returned to its lender on drop.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

/// A stream that is returned to its lender when the last owner drops it, whether that is hyper or, after an upgrade, a
/// service of the site.
pub(super) struct Lent<S>(Option<(S, oneshot::Sender<S>)>);

impl<S> Lent<S> {
    /// Lends `stream`. The receiver yields it when it is returned.
    pub(super) fn new(stream: S) -> (Lent<S>, oneshot::Receiver<S>) {
        let (back, returned) = oneshot::channel();
        (Lent(Some((stream, back))), returned)
    }
}

impl<S: Unpin> Lent<S> {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut S> {
        let (stream, _) =
            self.get_mut().0.as_mut().expect("the stream is there until it is dropped");
        Pin::new(stream)
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        if let Some((stream, back)) = self.0.take() {
            // The lender may no longer wait for it.
            let _ = back.send(stream);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(task, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(task, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.as_ref().is_some_and(|(stream, _)| stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(task)
    }
}
