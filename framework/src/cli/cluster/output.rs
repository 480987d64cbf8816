use std::io::Write;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The time limit for writing to a pipe that is not being read, because the supervisor has children to watch.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a line to stdout.
pub(super) async fn print(line: &str) {
    let line = format!("{line}\n");
    let _ = timeout(PATIENCE, write(std::io::stdout(), line.into_bytes())).await;
}

/// Writes a message of the supervisor to stderr.
pub(super) async fn report(line: &str) {
    let line = format!("cluster | {line}\n");
    let _ = timeout(PATIENCE, write(std::io::stderr(), line.into_bytes())).await;
}

/// Writes a line of the node `name` to stderr. Waits without a limit, so that a slow reader slows the node down.
pub(super) async fn relay(name: &str, line: &[u8]) {
    let whole = [name.as_bytes(), b" | ", line, b"\n"].concat();
    write(std::io::stderr(), whole).await;
}

/// Writes `bytes` at once, on a thread that may block.
async fn write(mut out: impl Write + Send + 'static, bytes: Vec<u8>) {
    // An error means that the pipe is closed and nobody reads the output.
    let _ = spawn_blocking(move || out.write_all(&bytes).and_then(|()| out.flush())).await;
}
