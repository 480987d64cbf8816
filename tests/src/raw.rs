//! Raw bytes on a socket, for requests that no client library would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The maximum number of bytes of an answer that are read.
const MOST: u64 = 1 << 20;

/// Sends `bytes` and reads the answer until the node closes the connection or `patience` has
/// elapsed.
pub async fn exchange(address: SocketAddr, bytes: &[u8], patience: Duration) -> String {
    let mut answer = Vec::new();
    let talk = async {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        // The node may refuse before it has read everything; its answer still counts.
        let _ = stream.write_all(bytes).await;
        let _ = stream.take(MOST).read_to_end(&mut answer).await;
    };
    let _ = tokio::time::timeout(patience, talk).await;
    String::from_utf8_lossy(&answer).into_owned()
}
