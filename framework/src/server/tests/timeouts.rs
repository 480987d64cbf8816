//! The timeouts of connections.

use super::*;

/// Short times, so that the tests are fast; none depends on their exact values.
fn limits() -> Limits {
    Limits {
        header_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(400),
        write_timeout: Duration::from_millis(200),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_slow_head_gets_408() {
    let server = start(limits()).await;
    let start = Instant::now();
    let answer = server.talk(b"GET / HTTP/1.1\r\nhost: x\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(start.elapsed() >= limits().header_timeout);
}

#[tokio::test]
async fn a_head_that_arrives_byte_by_byte_gets_no_more_time() {
    let server = start(limits()).await;
    let (mut read, mut write) = server.connect().await.into_split();
    let drip = tokio::spawn(async move {
        write.write_all(b"GET / HTTP/1.1\r\na: ").await?;
        loop {
            write.write_all(b"a").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        #[expect(unreachable_code, reason = "it names the type of the error")]
        io::Result::Ok(())
    });
    let mut answer = [0; 12];
    within(read.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(within(drip).await.unwrap().is_err());
}

#[tokio::test]
async fn connections_without_a_request_are_closed() {
    let server = start(limits()).await;
    assert_eq!(server.talk(b"").await, "");
    let start = Instant::now();
    let answer = server.talk(b"GET /one HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.ends_with("/one"), "{answer}");
    assert!(start.elapsed() >= limits().idle_timeout);
    // Half of a preface is neither HTTP/1 nor HTTP/2.
    assert_eq!(server.talk(b"PRI * HT").await, "");
}

#[tokio::test]
async fn a_connection_with_a_slow_answer_is_not_idle() {
    let server = start(limits()).await;
    for end in [CLOSE, "host: x\r\n\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(format!("GET /slow HTTP/1.1\r\n{end}").as_bytes()).await.unwrap();
        server.site.came.notified().await;
        tokio::time::sleep(limits().idle_timeout * 2).await;
        server.site.go_on.notify_one();
        assert!(rest(&mut stream).await.ends_with("slow"));
    }
}

/// Returns limits with which only the write timeout can end a connection soon.
fn impatient_writer() -> Limits {
    Limits { write_timeout: Duration::from_millis(200), ..Limits::default() }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    for path in ["/huge", "/later/huge", "/pieces"] {
        let server = start(impatient_writer()).await;
        let mut stream = server.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        // The server stops only after it has cut the connection, because it would wait for it otherwise.
        within(async {
            while server.site.answered.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        server.stop.cancel();
        let start = Instant::now();
        assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 0 });
        assert!(start.elapsed() >= Duration::from_millis(200));
    }
}

#[tokio::test]
async fn an_http_2_client_that_opens_no_window_is_cut() {
    for path in ["/huge", "/pieces"] {
        let server =
            start(Limits { idle_timeout: Duration::from_secs(1), ..impatient_writer() }).await;
        let stream = TokioIo::new(server.connect().await);
        let (mut client, connection) =
            hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(1000)
                .initial_connection_window_size(100_000)
                .handshake(stream)
                .await
                .unwrap();
        let connection = tokio::spawn(connection);
        let request = Request::get(format!("http://x{path}")).body(Empty::<Bytes>::new()).unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        // The response is held and its body is not read; the connection ends anyway.
        let _ = within(connection).await.unwrap();
        drop(response);
    }
}

/// Builds an HTTP/2 frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    let head = [&[a, b, c, kind, flags][..], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// Builds a whole HTTP/2 request.
fn request(stream: u32, path: &str) -> Vec<u8> {
    // `:method: GET`, `:scheme: http`, then literals: `:path` and `:authority` (RFC 7541).
    let block = [b"\x82\x86\x04", &[path.len() as u8][..], path.as_bytes(), b"\x01\x01x"];
    frame(1, 5, stream, &block.concat())
}

/// Requests large responses, opens no window for them, and continues to send the frames that `further` returns for each
/// further stream, until the server cuts the connection.
async fn open_no_window_and_send(further: fn(u32) -> Vec<u8>) {
    let settings = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    // An immediate response, a delayed one, and one that continues while another never ends.
    for paths in [&["/huge"][..], &["/pieces"], &["/later/huge"], &["/slow", "/pieces"]] {
        let server = start(impatient_writer()).await;
        let (mut read, mut write) = server.connect().await.into_split();
        let mut begin = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        begin.extend_from_slice(&settings);
        for (number, path) in (0..).zip(paths) {
            begin.extend(request(2 * number + 1, path));
        }
        write.write_all(&begin).await.unwrap();
        let streams = (2 * paths.len() as u32 + 3..).step_by(2);
        let sending = tokio::spawn(async move {
            for stream in streams {
                write.write_all(&further(stream)).await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            io::Result::Ok(())
        });
        let mut answers = vec![0; 64 * 1024];
        within(async { while read.read(&mut answers).await.is_ok_and(|read| read > 0) {} }).await;
        sending.abort();
        server.site.go_on.notify_one();
    }
}

#[tokio::test]
async fn an_http_2_client_that_opens_no_window_and_goes_on_pinging_is_cut() {
    // More of them than needed to look like progress: 17 bytes each.
    open_no_window_and_send(|_| frame(6, 0, 0, b"are you?").repeat(40)).await;
}

#[tokio::test]
async fn an_http_2_client_that_opens_no_window_and_goes_on_resetting_requests_is_cut() {
    // Each is reset when it has a response. Before the first there is no stream, so that reset is skipped.
    open_no_window_and_send(|stream| {
        [request(stream, "/one"), frame(3, 0, stream - 2, &[0, 0, 0, 8])].concat()
    })
    .await;
}

#[tokio::test]
async fn beyond_the_limit_of_connections_there_is_503_until_one_ends() {
    let server = start(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = server.connect().await;
    first.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    response(&mut first).await;
    let second = server.talk(format!("GET /2 HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    assert!(second.starts_with("HTTP/1.1 503 "), "{second}");
    assert!(second.ends_with("There are too many connections\n"), "{second}");
    drop(first);
    within(async {
        loop {
            let third = server.talk(format!("GET /3 HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
            if third.ends_with("/3") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_stop_answers_received_requests_and_closes_other_connections() {
    let server = start(Limits {
        // Only the stop itself can close a connection before the drain time is over.
        header_timeout: Duration::from_secs(60),
        write_timeout: Duration::from_secs(60),
        drain: Duration::from_secs(3),
        ..Limits::default()
    })
    .await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    response(&mut idle).await;
    let mut silent = server.connect().await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.site.came.notified().await;

    server.stop.cancel();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut silent).await, "");
    assert!(TcpStream::connect(server.addr).await.is_err());
    server.site.go_on.notify_one();
    let answer = rest(&mut busy).await;
    assert!(answer.ends_with("slow"), "{answer}");
    assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_stop_answers_the_first_request_that_is_on_its_way() {
    let server = start(Limits::default()).await;
    let mut early = server.connect().await;
    // Connections are accepted one after the other, so the first one was accepted, too.
    server.talk(format!("GET /1 HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    server.stop.cancel();
    while TcpStream::connect(server.addr).await.is_ok() {}
    early.write_all(b"GET /2 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = rest(&mut early).await;
    assert!(answer.ends_with("/2"), "{answer}");
    assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn a_stop_cuts_connections_after_the_drain_time() {
    let server = start(Limits { drain: Duration::from_millis(50), ..Limits::default() }).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.site.came.notified().await;
    server.stop.cancel();
    assert_eq!(within(server.ended).await.unwrap(), Drained { cut: 1 });
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn a_request_behind_an_unread_response_is_not_a_slow_head() {
    let long = Duration::from_secs(60);
    let server = start(Limits { write_timeout: long, idle_timeout: long, ..limits() }).await;
    for path in ["/huge", "/later/huge"] {
        let mut stream = server.connect().await;
        let start = Instant::now();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut begun = [0; 12];
        within(stream.read_exact(&mut begun)).await.unwrap();
        stream.write_all(format!("GET /next HTTP/1.1\r\n{CLOSE}").as_bytes()).await.unwrap();
        // A client that pauses for longer than the timeout of a head.
        tokio::time::sleep_until((start + 3 * limits().header_timeout).into()).await;
        let all = rest(&mut stream).await;
        assert!(!all.contains("408"), "{path}");
        assert!(all.ends_with("/next"), "{path}");
    }
}
