//! The runtime of feeds, leases and acknowledgements.

use tokio::runtime::{Builder, Handle, Runtime};

use crate::problem::Problem;

/// One thread that follows feeds, or serves them. It runs no code of the site and answers no
/// visitor, so a lease is renewed and a record acknowledged whatever the rest of the node is at.
pub(super) struct Feeds(Option<Runtime>);

impl Feeds {
    /// Starts the thread.
    pub(super) fn start() -> Result<Feeds, Problem> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(4)
            .thread_name("headwater-link")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| {
            Problem::new(format!("the runtime of the link cannot start: {error}"))
        })?;
        Ok(Feeds(Some(runtime)))
    }

    /// The way to it.
    pub(super) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it is taken only when this is dropped").handle()
    }
}

/// A runtime that waits for its threads must not be dropped within another one.
impl Drop for Feeds {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
