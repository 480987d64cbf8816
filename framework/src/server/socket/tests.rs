use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::server::exchange::Exchange;

/// Returns a connection whose last request was answered, before all of it had arrived if it has a body, and the
/// client's side of it.
fn answered(has_body: bool) -> (Socket<DuplexStream>, Arc<Timers>, DuplexStream) {
    let (stream, client) = duplex(64 * 1024);
    let timers = Timers::new();
    drop(Exchange::begin(timers.clone(), has_body));
    (Socket::new(stream, Bytes::new(), timers.clone(), RequestHeads::Noted), timers, client)
}

/// Returns the time that the socket takes to close, in seconds.
async fn closing(mut socket: Socket<DuplexStream>) -> f64 {
    let start = Instant::now();
    timeout(Duration::from_secs(600), socket.shutdown()).await.expect("it ends").unwrap();
    start.elapsed().as_secs_f64()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_sent_its_request_is_not_waited_for() {
    let (socket, _, _client) = answered(false);
    assert!(closing(socket).await < 0.1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_waited_for_briefly() {
    let (socket, _, mut client) = answered(true);
    let silent = async {
        sleep(Duration::from_secs(3)).await;
        client.write_all(b"x").await.unwrap();
        client
    };
    let (took, _client) = tokio::join!(closing(socket), silent);
    assert!((8.0..8.1).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_forever_is_cut_off() {
    for (bytes, pause) in [(1, 1000), (64 * 1024, 1)] {
        let (socket, _, mut client) = answered(true);
        let sending = async move {
            let piece = vec![b'x'; bytes];
            while client.write_all(&piece).await.is_ok() {
                sleep(Duration::from_millis(pause)).await;
            }
        };
        let (took, ()) = tokio::join!(closing(socket), sending);
        assert!((30.0..30.1).contains(&took), "{bytes}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_ends_the_waiting() {
    let (socket, _, mut client) = answered(true);
    let reading = async move {
        client.write_all(&[b'x'; 200_000]).await.unwrap();
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
    };
    let (took, ()) = tokio::join!(closing(socket), reading);
    assert!(took < 0.1, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_waits_no_longer_than_a_second() {
    let (mut socket, timers, mut client) = answered(true);
    let start = Instant::now();
    let sending = tokio::spawn(async move {
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(timeout(Duration::from_secs(3), socket.shutdown()).await.is_err());
    timers.close();
    assert!((1.0..1.1).contains(&closing(socket).await), "{:?}", start.elapsed());
    sending.await.unwrap();
    // A client whose response was complete before is not waited for.
    let (socket, timers, _client) = answered(true);
    timers.close();
    assert!(closing(socket).await < 0.1);
}
