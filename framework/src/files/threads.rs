//! Work with files that must be waited for, on threads of their own.
//!
//! The runtime starts as many threads as there is work for, up to 512, and each takes memory: its stack,
//! and a heap of its own with most allocators, which is 2 MiB where these use huge pages. A burst of requests for
//! files would take a gigabyte, and read no faster for it. So only few of them work at a time, and
//! the rest waits for its turn, in the order in which it came.

use std::io;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many threads work at a time: enough to keep a disk busy.
const MOST: usize = 8;

static PLACES: Semaphore = Semaphore::const_new(MOST);

/// Runs this on a thread. It runs to its end, even if no request waits for it any more.
///
/// # Errors
/// When it panics, or the runtime ends.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let place = PLACES.acquire().await.map_err(io::Error::other)?;
    let working = spawn_blocking(move || {
        let _place = place;
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
    async fn no_more_threads_work_than_there_are_places() {
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
                // Until the gate is taken away.
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
    async fn what_panics_is_an_error_and_leaves_its_place() {
        for _ in 0..2 * MOST {
            assert!(run(|| panic!("as intended")).await.is_err());
        }
        assert_eq!(run(|| 1).await.unwrap(), 1);
    }
}
