//! How much may be under way for one connection of HTTP/2.
//!
//! A client can reset a stream as soon as it has sent a request, and send the next one: HTTP/2 then
//! counts no stream, while a controller runs on. So what counts here is the work itself. Each request
//! takes a place before the handler gets it, and whatever is done for it holds the place until it has
//! really ended: a fill goes on without its visitors, and a call whose visitor is gone is seen
//! through to its answer, because only that says that the controller has ended. A call can also fail
//! while its controller runs on: the client resets a request in the middle of its body, or the answer is
//! late. When that controller ends is not known here, so the place stays taken for as long as an answer
//! may take. A request for which there is no place waits, on its stream. There are as many places as
//! streams, so a client that resets nothing never waits.
//!
//! Over HTTP/1.1 a connection has one request at a time, and ends with it when the client goes away.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::Either;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of a connection.
#[derive(Debug, Clone)]
pub(super) struct WorkPermits(Arc<Semaphore>);

impl WorkPermits {
    /// So many: as many as the connection may have streams.
    pub(super) fn new(places: u32) -> WorkPermits {
        WorkPermits(Arc::new(Semaphore::new(places as usize)))
    }

    /// A place for a request, if there is one.
    pub(super) fn try_take(&self) -> Option<Work> {
        let permit = self.0.clone().try_acquire_owned().ok()?;
        Some(Work { _permit: Arc::new(permit) })
    }

    /// Waits until there is a place for a request.
    pub(super) async fn take(&self) -> Work {
        let permit = self.0.clone().acquire_owned().await;
        Work { _permit: Arc::new(permit.expect("the semaphore is never closed")) }
    }
}

/// Work for a request. Its place is free when the last copy of this is dropped.
#[derive(Debug, Clone)]
pub struct Work {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Work {
    /// The future, which goes on by itself when it is dropped and is `work` for a request. Its place stays
    /// taken for as long as `runs_on` says of the output that something may still be done elsewhere.
    pub(crate) fn see_through<F>(
        work: Option<Work>,
        future: F,
        runs_on: impl FnOnce(&F::Output) -> Option<Duration> + Send + 'static,
    ) -> impl Future<Output = F::Output> + Send
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Some(work) = work else { return Either::Left(future) };
        Either::Right(SeenThrough(Some(Box::pin(async move {
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

struct SeenThrough<T: Send + 'static>(Option<Pin<Box<dyn Future<Output = T> + Send>>>);

impl<T: Send + 'static> Future for SeenThrough<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<T> {
        let future = self.0.as_mut().expect("it is not polled after its end");
        let output = ready!(future.as_mut().poll(task));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for SeenThrough<T> {
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
    async fn work_that_is_dropped_keeps_its_place_until_it_has_ended() {
        let places = WorkPermits::new(200);
        let (end, ended) = oneshot::channel::<()>();
        let work = places.take().await;
        drop(Work::see_through(Some(work.clone()), ended, |_| None));
        drop(work);
        tokio::task::yield_now().await;
        assert_eq!(places.0.available_permits(), 200 - 1);
        end.send(()).unwrap();
        while places.0.available_permits() < 200 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_that_ends_frees_its_place_at_once() {
        let places = WorkPermits::new(200);
        let work = places.take().await;
        assert_eq!(Work::see_through(Some(work), async { 7 }, |_| None).await, 7);
        assert_eq!(places.0.available_permits(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_runs_on_elsewhere_keeps_its_place_for_a_while() {
        let places = WorkPermits::new(200);
        let time = Duration::from_secs(30);
        let see_through = |work, number: u8| {
            Work::see_through(Some(work), async move { number }, move |_| Some(time))
        };
        assert_eq!(see_through(places.take().await, 7).await, 7);
        drop(see_through(places.take().await, 8));
        tokio::time::sleep(time - Duration::from_millis(1)).await;
        assert_eq!(places.0.available_permits(), 200 - 2);
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert_eq!(places.0.available_permits(), 200);
    }
}
