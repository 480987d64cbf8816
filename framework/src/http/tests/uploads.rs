//! Requests that are answered before all of them has come.

use super::*;

fn upload(headers: &str) -> Vec<u8> {
    format!("POST /echo HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn who_sends_far_too_much_and_then_reads_gets_the_whole_answer() {
    let server = start(Limits::default()).await;
    let declared = upload(&format!("content-length: {HUGE}"));
    let piece = vec![b'x'; 64 * 1024];
    let chunk = [b"10000\r\n", &piece[..], b"\r\n"].concat();
    for (head, piece) in [(declared, piece), (upload("transfer-encoding: chunked"), chunk)] {
        let mut stream = server.connect().await;
        stream.write_all(&head).await.unwrap();
        for _ in 0..HUGE / (64 * 1024) {
            within(stream.write_all(&piece)).await.unwrap();
        }
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.ends_with("longer than the 1000 bytes that are allowed here"), "{answer}");
    }
}

#[tokio::test]
async fn who_is_still_far_away_with_its_body_gets_the_answer_too() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&upload("content-length: 2000")).await.unwrap();
    // The answer is there, and our side shut, before any of the body is sent.
    let mut first = [0; 12];
    within(stream.read_exact(&mut first)).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 413");
    for _ in 0..20 {
        stream.write_all(&[b'x'; 100]).await.unwrap();
        // A reset would have come at the end of this.
        server.talk(format!("GET / HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    }
    rest(&mut stream).await;
}

#[tokio::test]
async fn who_asks_before_it_sends_is_refused_at_once() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    let asking = upload(&format!("content-length: {HUGE}\r\nexpect: 100-continue"));
    stream.write_all(&asking).await.unwrap();
    let start = Instant::now();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_goes_on_sending() {
    let server = start(Limits { drain: Duration::from_secs(15), ..Limits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(&upload("content-length: 2000")).await.unwrap();
    let mut first = [0; 12];
    within(stream.read_exact(&mut first)).await.unwrap();
    let start = Instant::now();
    server.stop.cancel();
    assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 0 });
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
