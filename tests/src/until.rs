use std::time::{Duration, Instant};

/// The longest time that a test waits for a condition, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Calls `probe` repeatedly until it returns a value, for at most [`PATIENCE`].
///
/// # Panics
/// When it does not return one. The message contains `what`.
pub async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
