use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc;

use crate::Cluster;

/// A cluster that the tests of a file share, because starting one takes longer than most tests.
///
/// It runs on its own thread until the process ends, and its nodes end with it.
#[derive(Debug)]
pub struct Shared(Arc<Cluster>);

/// A test's reference to a shared cluster. When the test fails, it prints the messages of the
/// nodes.
#[derive(Debug)]
pub struct Borrowed(Arc<Cluster>);

impl Shared {
    /// Starts the cluster.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start<F, Starting>(start: F) -> Shared
    where
        F: FnOnce() -> Starting + Send + 'static,
        Starting: Future<Output = Cluster>,
    {
        let (sender, started) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be made");
            runtime.block_on(async {
                let cluster = Arc::new(start().await);
                let _ = sender.send(cluster);
                std::future::pending::<()>().await;
            });
        });
        Shared(started.recv().expect("the cluster starts"))
    }

    /// Returns a reference for one test.
    pub fn borrow(&self) -> Borrowed {
        Borrowed(Arc::clone(&self.0))
    }
}

impl Deref for Borrowed {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for node in self.frontends.iter().chain([&self.backend]) {
                eprintln!("──── messages of {}\n{}", node.name(), node.messages());
            }
        }
    }
}
