use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::body::{Body, BodyError};
use crate::budget::Share;

/// The longest body that is kept so that it can be sent again, in bytes.
const LONGEST_KEPT: u64 = 64 << 10;

/// The progress of a request's body on its way to the back end.
#[derive(Debug)]
pub(super) struct Upload {
    progress: Mutex<Progress>,
}

/// The pieces of a body, as long as the body is short enough.
#[derive(Debug)]
struct Kept {
    pieces: Vec<Bytes>,
    length: u64,
    /// Whether they are the complete body.
    is_whole: bool,
    share: Share,
}

#[derive(Debug)]
struct Progress {
    /// When the last piece was read from the body.
    last: Instant,
    /// Why reading the body failed.
    failure: Option<BodyError>,
    /// The body, if it may have to be sent again.
    kept: Option<Kept>,
}

impl Upload {
    /// Watches a body, and keeps it if it may have to be sent again, in memory of the share.
    pub(super) fn watch(body: Body, share: Option<Share>) -> (Body, Arc<Upload>) {
        let kept =
            share.map(|share| Kept { pieces: Vec::new(), length: 0, is_whole: false, share });
        let progress = Progress { last: Instant::now(), failure: None, kept };
        let upload = Arc::new(Upload { progress: Mutex::new(progress) });
        if body.size_hint().exact() == Some(0) || body.as_bytes().is_some() {
            let mut progress = upload.progress();
            progress.keep(body.as_bytes());
            progress.end();
            drop(progress);
            return (body, upload);
        }
        (Body::stream(Watched { body, upload: upload.clone() }), upload)
    }

    /// Returns the body, if it was sent to its end and was kept.
    pub(super) fn take_kept(&self) -> Option<Body> {
        let kept = self.progress().kept.take().filter(|kept| kept.is_whole)?;
        Some(Body::pieces(kept.pieces))
    }

    /// Returns the error if reading the body failed.
    pub(super) fn take_failure(&self) -> Option<BodyError> {
        self.progress().failure.take()
    }

    /// Returns the result of the future; `None` if it is not ready `deadline` after the last piece
    /// of the body was read.
    pub(super) async fn within<T>(
        &self,
        deadline: Duration,
        mut future: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        loop {
            let last = self.progress().last;
            let until = last + deadline;
            if let Ok(output) = tokio::time::timeout_at(until, future.as_mut()).await {
                return Some(output);
            }
            if self.progress().last == last {
                return None;
            }
        }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Keeps a piece of the body that was sent.
    fn keep(&mut self, piece: Option<&Bytes>) {
        let (Some(kept), Some(piece)) = (&mut self.kept, piece) else { return };
        let length = piece.len() as u64;
        kept.length += length;
        if kept.length > LONGEST_KEPT || kept.share.take(length).is_err() {
            self.kept = None;
        } else {
            kept.pieces.push(piece.clone());
        }
    }

    /// Records that the whole body was sent.
    fn end(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.is_whole = true;
        }
    }
}

/// A body that reports to its `Upload`.
#[derive(Debug)]
struct Watched {
    body: Body,
    upload: Arc<Upload>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let is_last = self.body.is_end_stream();
        let mut progress = self.upload.progress();
        progress.last = Instant::now();
        if let Some(Ok(frame)) = &frame {
            progress.keep(frame.data_ref());
        }
        if frame.is_none() || (is_last && matches!(frame, Some(Ok(_)))) {
            progress.end();
        }
        Poll::Ready(match frame {
            Some(Err(error)) => {
                let reported = BodyError::broken(error.to_string());
                progress.failure = Some(error);
                Some(Err(reported))
            }
            frame => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
