//! The runtime of feeds, leases and acknowledgements.

use tokio::runtime::{Builder, Handle, Runtime};

use crate::problem::Problem;

/// A runtime with one thread that follows or serves feeds. It runs no code of the site and answers no visitors, so it
/// renews leases and acknowledges records however busy the rest of the node is.
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

    /// Returns the handle of the runtime.
    pub(super) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it is taken only when this is dropped").handle()
    }
}

/// Shuts down in the background, because a runtime that waits for its threads must not be dropped within another one.
impl Drop for Feeds {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
