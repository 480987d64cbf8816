use std::io::Write;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a write waits for a pipe that is not being read: the supervisor has children to watch.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes a line to stdout.
pub(super) async fn say(line: &str) {
    let line = format!("{line}\n");
    let _ = timeout(PATIENCE, write(std::io::stdout(), line.into_bytes())).await;
}

/// Writes a line of the supervisor's own to stderr.
pub(super) async fn report(line: &str) {
    let line = format!("cluster | {line}\n");
    let _ = timeout(PATIENCE, write(std::io::stderr(), line.into_bytes())).await;
}

/// Writes a line that the node `name` has written, to stderr. Waits as long as it takes: a node
/// that writes more than is read must feel it.
pub(super) async fn relay(name: &str, line: &[u8]) {
    let whole = [name.as_bytes(), b" | ", line, b"\n"].concat();
    write(std::io::stderr(), whole).await;
}

/// Writes `bytes` in one piece, on a thread where it may block.
async fn write(mut out: impl Write + Send + 'static, bytes: Vec<u8>) {
    // An error means that the pipe is closed: the output is no longer wanted.
    let _ = spawn_blocking(move || out.write_all(&bytes).and_then(|()| out.flush())).await;
}
