//! Runs blocking work with files on threads of its own.
//!
//! The runtime starts a thread for each blocking task, up to 512, and each takes memory: its stack, and with most
//! allocators a separate heap, which is 2 MiB where huge pages are used. A burst of requests for files would take a
//! gigabyte, without reading any faster. So only few tasks run at a time, and the others wait in the order of their
//! arrival.

use std::io;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The maximum number of threads that work at a time: enough to keep a disk busy.
const MOST: usize = 8;

static PERMITS: Semaphore = Semaphore::const_new(MOST);

/// Runs `work` on a thread. It runs to its end, even if the request no longer waits for it.
///
/// # Errors
/// Fails if `work` panics, or the runtime shuts down.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let permit = PERMITS.acquire().await.map_err(io::Error::other)?;
    let working = spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    working.await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn no_more_threads_work_than_there_are_permits() {
        let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (begun, all_begun) = mpsc::channel();
        let (go, gate) = mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        let work = (0..5 * MOST).map(|_| {
            let (working, most) = (Arc::clone(&working), Arc::clone(&most));
            let (begun, gate) = (begun.clone(), Arc::clone(&gate));
            run(move || {
                most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                begun.send(()).unwrap();
                // Until the gate is dropped.
                let _ = gate.lock().unwrap().recv();
                working.fetch_sub(1, Ordering::SeqCst);
            })
        });
        let all = tokio::spawn(join_all(work.collect::<Vec<_>>()));
        spawn_blocking(move || {
            (0..MOST).for_each(|_| all_begun.recv().unwrap());
            drop(go);
            all_begun.iter().take(4 * MOST).count()
        })
        .await
        .unwrap();
        assert!(all.await.unwrap().iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), MOST);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_releases_its_permit() {
        for _ in 0..2 * MOST {
            assert!(run(|| panic!("as intended")).await.is_err());
        }
        assert_eq!(run(|| 1).await.unwrap(), 1);
    }
}
