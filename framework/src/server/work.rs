//! Limits the work in progress for one HTTP/2 connection.
//!
//! A client can reset a stream as soon as it has sent a request, and send the next one: HTTP/2 then no longer counts
//! the stream, while a controller is still running. So the work itself is counted here. Each request takes a permit
//! before the handler receives it, and all work for it holds the permit until it has really ended:
//!
//! - A fill continues without its visitors.
//! - A call whose visitor has disconnected is continued until its response, because only the response shows that the
//!   controller has ended.
//! - A call can also fail while its controller is still running: the client resets a request in the middle of its body,
//!   or the response is late. The end of that controller is unknown here, so the permit is held for as long as a
//!   response may take.
//!
//! A request without a permit waits, on its stream. There are as many permits as streams, so a client that resets
//! nothing never waits.
//!
//! Over HTTP/1.1 a connection has one request at a time, and ends with it when the client disconnects.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::Either;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits of a connection.
#[derive(Debug, Clone)]
pub(super) struct WorkPermits(Arc<Semaphore>);

impl WorkPermits {
    /// Creates the permits: as many as the connection may have streams.
    pub(super) fn new(permits: u32) -> WorkPermits {
        WorkPermits(Arc::new(Semaphore::new(permits as usize)))
    }

    /// Returns a permit for a request, if one is free.
    pub(super) fn try_take(&self) -> Option<Work> {
        let permit = self.0.clone().try_acquire_owned().ok()?;
        Some(Work { _permit: Arc::new(permit) })
    }

    /// Waits for a permit for a request.
    pub(super) async fn take(&self) -> Work {
        let permit = self.0.clone().acquire_owned().await;
        Work { _permit: Arc::new(permit.expect("the semaphore is never closed")) }
    }
}

/// A permit for the work on a request, which is free when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Work {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Work {
    /// Wraps a future that is part of `work` for a request: if it is dropped, it continues in a task. Afterwards the
    /// permit is held for the time that `runs_on` returns for the output, during which work elsewhere may continue.
    pub(crate) fn run_to_end<F>(
        work: Option<Work>,
        future: F,
        runs_on: impl FnOnce(&F::Output) -> Option<Duration> + Send + 'static,
    ) -> impl Future<Output = F::Output> + Send
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Some(work) = work else { return Either::Left(future) };
        Either::Right(RunToEnd(Some(Box::pin(async move {
            let output = future.await;
            if let Some(time) = runs_on(&output) {
                tokio::spawn(async move {
                    tokio::time::sleep(time).await;
                    drop(work);
                });
            }
            output
        }))))
    }
}

struct RunToEnd<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Future for RunToEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<T> {
        let future = self.0.as_mut().expect("it is not polled after its end");
        let output = ready!(future.as_mut().poll(task));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for RunToEnd<T> {
    fn drop(&mut self) {
        if let Some(future) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(future);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn dropped_work_keeps_its_permit_until_it_has_ended() {
        let permits = WorkPermits::new(200);
        let (end, ended) = oneshot::channel::<()>();
        let work = permits.take().await;
        drop(Work::run_to_end(Some(work.clone()), ended, |_| None));
        drop(work);
        tokio::task::yield_now().await;
        assert_eq!(permits.0.available_permits(), 200 - 1);
        end.send(()).unwrap();
        while permits.0.available_permits() < 200 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_that_ends_frees_its_permit_immediately() {
        let permits = WorkPermits::new(200);
        let work = permits.take().await;
        assert_eq!(Work::run_to_end(Some(work), async { 7 }, |_| None).await, 7);
        assert_eq!(permits.0.available_permits(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_continues_elsewhere_keeps_its_permit_for_a_while() {
        let permits = WorkPermits::new(200);
        let time = Duration::from_secs(30);
        let run_to_end = |work, number: u8| {
            Work::run_to_end(Some(work), async move { number }, move |_| Some(time))
        };
        assert_eq!(run_to_end(permits.take().await, 7).await, 7);
        drop(run_to_end(permits.take().await, 8));
        tokio::time::sleep(time - Duration::from_millis(1)).await;
        assert_eq!(permits.0.available_permits(), 200 - 2);
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(permits.0.available_permits(), 200);
    }
}
