use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The time that a test waits for any operation of its site.
const PATIENCE: Duration = Duration::from_secs(60);

/// The threads of one site. They are separate from the test's thread, so that the test may block, with or without a
/// runtime of its own.
pub(super) struct Worker {
    runtime: Handle,
    /// Dropped to end the threads.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the threads. Their output is captured with that of the test that starts them.
    pub(super) fn start() -> Worker {
        let (started, runtime) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let body = move || {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
            let runtime = runtime.expect("the threads of a site can be started");
            let _ = started.send(runtime.handle().clone());
            let _ = runtime.block_on(stopped);
        };
        let thread = thread::Builder::new().name("headwater-test".to_owned()).spawn(body);
        let thread = thread.expect("a thread can be started");
        let runtime = runtime.recv().expect("the runtime of a site starts");
        Worker { runtime, stop: Some(stop), thread: Some(thread) }
    }

    /// Runs `work` on the site's threads and waits for its result. A panic in it is resumed in the caller.
    #[track_caller]
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (sender, done) = mpsc::channel();
        self.runtime.spawn(async move {
            let _ = sender.send(AssertUnwindSafe(work).catch_unwind().await);
        });
        match done.recv_timeout(PATIENCE) {
            Ok(Ok(output)) => output,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => panic!("the site has not completed an operation within {PATIENCE:?}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
