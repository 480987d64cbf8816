use std::time::{Duration, Instant};

/// How long a test waits for what must come about, on a machine that may have a lot else to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until `probe` gives something, for as long as [`PATIENCE`].
///
/// # Panics
/// When it does not come about; `what` says what was awaited.
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
