//! Requests that are answered before all of them has arrived.

use super::*;

fn upload(headers: &str) -> Vec<u8> {
    format!("POST /echo HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n").into_bytes()
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_and_then_reads_receives_the_whole_answer() {
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
async fn a_client_that_is_still_sending_its_body_gets_the_answer_too() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(&upload("content-length: 200000")).await.unwrap();
    // The response has arrived, and the client's reading side is at its end, before any of the body
    // is sent.
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
async fn a_client_that_expects_100_continue_is_refused_at_once() {
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
async fn a_stop_does_not_wait_for_clients_that_continue_to_send() {
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

fn unread(headers: &str) -> String {
    format!("POST /unread HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n")
}

#[tokio::test]
async fn a_short_unread_body_ends_no_connection() {
    let server = start(Limits::default()).await;
    let body = "x".repeat(60_000);
    // Answered by a handler that does not read the body, and by one that stops reading.
    for path in ["/at-once", "/unread", "/echo"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n");
        let next = "GET /next HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut stream = server.connect().await;
        stream.set_nodelay(true).unwrap();
        for _ in 0..2 {
            // All at once, or the body only after the response has arrived.
            stream.write_all(format!("{head}{body}{next}").as_bytes()).await.unwrap();
            let first = response(&mut stream).await;
            assert!(!first.contains("connection: close"), "{first}");
            assert!(response(&mut stream).await.ends_with("/next"), "{path}");
            stream.write_all(head.as_bytes()).await.unwrap();
            response(&mut stream).await;
            for piece in body.as_bytes().chunks(9000) {
                stream.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            stream.write_all(next.as_bytes()).await.unwrap();
            assert!(response(&mut stream).await.ends_with("/next"), "{path}");
        }
    }
}

#[tokio::test]
async fn the_rest_of_a_body_is_no_slow_head() {
    let header_timeout = Duration::from_millis(200);
    let server = start(Limits { header_timeout, ..Limits::default() }).await;
    for path in ["/at-once", "/unread", "/echo"] {
        let mut stream = server.connect().await;
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = response(&mut stream).await;
        assert!(!answer.contains("connection: close"), "{answer}");
        for piece in vec![b'x'; 60_000].chunks(3000) {
            tokio::time::sleep(header_timeout / 4).await;
            stream.write_all(piece).await.unwrap();
        }
        stream.write_all(b"GET /next HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let next = response(&mut stream).await;
        assert!(next.ends_with("/next"), "{path}: {next}");
    }
}

#[tokio::test]
async fn over_http_2_the_rest_of_a_body_ends_no_connection_in_a_crowd() {
    // A tick is a quarter of a second, and one connection is already the limit.
    let header_timeout = Duration::from_secs(1);
    let server = start(Limits { header_timeout, connections: 1, ..Limits::default() }).await;
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let ended = CancellationToken::new();
    let begin = (0, ended.clone().drop_guard());
    let pieces = futures_util::stream::unfold(begin, async |(sent, until_the_end)| {
        // The request is refused after the first piece of its body.
        if sent > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let piece = Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[0; 2000])));
        (sent < 30).then_some((piece, (sent + 1, until_the_end)))
    });
    let body = Body::stream(StreamBody::new(Box::pin(pieces)));
    let request = Request::post("http://x/echo").body(body).unwrap();
    let response = within(client.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 413);
    within(response.into_body().collect()).await.unwrap();
    within(ended.cancelled()).await;
    let next = Request::get("http://x/next").body(Body::empty()).unwrap();
    assert_eq!(within(client.send_request(next)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_answer_that_ends_the_connection_declares_it() {
    let server = start(Limits::default()).await;
    for headers in [
        "content-length: 70000",
        "transfer-encoding: chunked",
        "expect: 100-continue\r\ncontent-length: 5",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(unread(headers).as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{headers}: {answer}");
    }
    let start = Instant::now();
    for head in
        [upload("content-length: 10"), unread("connection: close\r\ncontent-length: 10").into()]
    {
        let answer = server.talk(&head).await;
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn over_http_2_the_rest_of_a_body_is_read_before_the_stream_ends() {
    /// In bytes.
    const PIECE: usize = 64 * 1024;
    const ALL: usize = 20 * 1024 * 1024;
    let server = start(Limits::default()).await;
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for path in ["/echo", "/unread", "/at-once"] {
        let taken = Arc::new(AtomicUsize::new(0));
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        let count = taken.clone();
        let pieces = (0..ALL / PIECE).map(move |_| {
            let _until_the_end = &guard;
            count.fetch_add(PIECE, Ordering::SeqCst);
            Ok::<_, BodyError>(Frame::data(Bytes::from_static(&[0; PIECE])))
        });
        let body = Body::stream(StreamBody::new(futures_util::stream::iter(pieces)));
        let request = Request::post(format!("http://x{path}")).body(body).unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        assert_eq!(response.status(), if path == "/echo" { 413 } else { 200 });
        within(response.into_body().collect()).await.unwrap();
        within(ended.cancelled()).await;
        assert_eq!(taken.load(Ordering::SeqCst), ALL, "{path}");
    }
}
