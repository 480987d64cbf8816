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

/// What is known of a request's body on its way to the back end.
#[derive(Debug)]
pub(super) struct Upload {
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    /// When the last piece was taken from the body.
    last: Instant,
    /// Why the body could not be read on.
    failure: Option<BodyError>,
}

impl Upload {
    /// Watches a body.
    pub(super) fn watch(body: Body) -> (Body, Arc<Upload>) {
        let progress = Progress { last: Instant::now(), failure: None };
        let upload = Arc::new(Upload { progress: Mutex::new(progress) });
        if body.size_hint().exact() == Some(0) || body.as_bytes().is_some() {
            return (body, upload);
        }
        (Body::stream(Watched { body, upload: upload.clone() }), upload)
    }

    /// Why the body could not be read on, if that is what happened.
    pub(super) fn take_failure(&self) -> Option<BodyError> {
        self.progress().failure.take()
    }

    /// What the future says; `None` when it has not said it `deadline` after the last piece of the
    /// body was taken.
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
        let mut progress = self.upload.progress();
        progress.last = Instant::now();
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
