//! Responses to given bytes.

use super::*;

#[tokio::test]
async fn a_request_is_answered_and_the_connection_kept() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    for path in ["/one", "/two", "/three"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = response(&mut stream).await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.ends_with(path), "{response}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = start(Limits::default()).await;
    let requests = format!(
        "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nPOST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nabGET /3 HTTP/1.1\r\n{CLOSE}"
    );
    let answers = server.talk(requests.as_bytes()).await;
    let bodies = answers.split("\r\n\r\n").map(|part| part.split("HTTP/1.1").next().unwrap());
    assert_eq!(bodies.collect::<Vec<_>>(), ["", "/1", "ab", "/3"]);
}

#[tokio::test]
async fn http_2_is_spoken_on_the_same_port() {
    let server = start(Limits { idle_timeout: Duration::from_secs(2), ..Limits::default() }).await;
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for path in ["/one", "/panic", "/two"] {
        let request = Request::get(format!("http://x{path}")).body(Empty::<Bytes>::new()).unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        let expected = if path == "/panic" { 500 } else { 200 };
        assert_eq!(response.status(), expected);
    }
    let mut many = Request::get("http://x/").body(Empty::<Bytes>::new()).unwrap();
    for n in 0..101 {
        many.headers_mut()
            .insert(http::HeaderName::try_from(format!("a{n}")).unwrap(), "b".parse().unwrap());
    }
    assert_eq!(within(client.send_request(many)).await.unwrap().status(), 431);
    // Without requests the server ends the connection.
    within(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_preface_in_two_pieces_is_recognised() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
    tokio::task::yield_now().await;
    stream.write_all(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    within(stream.read_exact(&mut frame)).await.unwrap();
    assert_eq!(frame[3], 4, "the answer must begin with a SETTINGS frame");
}

#[tokio::test]
async fn malformed_requests_get_400() {
    let server = start(Limits::default()).await;
    for request in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/3.7\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nbad name: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\nconnection: close\r\n\r\n",
    ] {
        let answer = server.talk(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{request:?}: {answer}");
    }
    assert_eq!(server.site.answered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn every_response_has_the_common_headers() {
    let limits =
        Limits { header_timeout: Duration::from_millis(200), connections: 1, ..Limits::default() };
    let server = start(limits).await;
    let chunked = "transfer-encoding: chunked, chunked\r\n";
    for (request, status) in [
        (format!("GET /page HTTP/1.1\r\n{CLOSE}"), 200),
        (format!("GET /panic HTTP/1.1\r\n{CLOSE}"), 500),
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(), 400),
        (format!("POST / HTTP/1.1\r\n{chunked}{CLOSE}"), 501),
        ("GET / HTTP/1.1\r\n".to_owned(), 408),
    ] {
        let answer = server.talk(request.as_bytes()).await;
        assert!(has_common_headers(&answer, status), "{request:?}: {answer}");
    }
    let mut first = server.connect().await;
    first.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    response(&mut first).await;
    let answer = server.talk(format!("GET /2 HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    assert!(has_common_headers(&answer, 503), "{answer}");
}

fn has_common_headers(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
        && answer.contains("\r\nx-content-type-options: nosniff\r\n")
        && answer.contains("\r\ndate: ")
}

#[tokio::test]
async fn every_way_to_name_the_host_yields_one_host() {
    let server = start(Limits::default()).await;
    for (target, host, expected) in [
        ("/host", "A.example:80", "a.example"),
        ("/host", "a.example:8080", "a.example:8080"),
        ("http://B.example/host", "a.example", "b.example"),
    ] {
        for rest in ["", "connection: close\r\n"] {
            let mut stream = server.connect().await;
            let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\n{rest}\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = response(&mut stream).await;
            assert!(answer.ends_with(&format!("\r\n\r\n{expected}")), "{request}: {answer}");
        }
    }
    let stream = TokioIo::new(server.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (host, status, body) in [
        (None, 200, &b"b.example"[..]),
        (Some("b.EXAMPLE:80"), 200, b"b.example"),
        (Some("a.example"), 400, b""),
        (Some("a b"), 400, b""),
    ] {
        let mut request = Request::get("http://B.example/host");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = within(client.send_request(request)).await.unwrap();
        assert_eq!(response.status(), status, "{host:?}");
        let found = within(response.into_body().collect()).await.unwrap().to_bytes();
        assert!(status != 200 || found == body, "{host:?}: {found:?}");
    }
}

#[tokio::test]
async fn an_invalid_host_is_rejected_with_and_without_hyper() {
    let server = start(Limits::default()).await;
    for host in ["a b", "", "user@a", "a/b", "a, b"] {
        for rest in ["", "content-length: 0\r\n"] {
            let mut stream = server.connect().await;
            let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\n{rest}\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let answer = response(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 400 "), "{request}: {answer}");
        }
    }
    let absolute = format!("GET http://user@x/ HTTP/1.1\r\n{CLOSE}");
    assert!(server.talk(absolute.as_bytes()).await.starts_with("HTTP/1.1 400 "));
    assert_eq!(server.site.answered.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_transfer_coding_other_than_chunked_ends_the_connection() {
    let server = start(Limits::default()).await;
    let inner = "0\r\n\r\nGET /inner HTTP/1.1\r\nhost: x\r\n\r\n";
    for (version, coding, status) in [
        ("1.1", "chunked, chunked", "501"),
        ("1.1", "gzip, chunked", "501"),
        ("1.1", ",chunked", "501"),
        ("1.1", "chunked\r\ntransfer-encoding: chunked", "501"),
        ("1.1", "chunked, gzip", "400"),
        ("1.1", "xchunked", "400"),
        ("1.0", "chunked", "400"),
    ] {
        let request = format!(
            "POST /echo HTTP/{version}\r\nhost: x\r\ntransfer-encoding: {coding}\r\n\r\n{inner}"
        );
        let answer = server.talk(request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{coding}: {answer}");
        assert!(answer.contains("connection: close"), "{coding}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{coding}: {answer}");
    }
    let any_case =
        format!("POST /echo HTTP/1.1\r\ntransfer-encoding: Chunked\r\n{CLOSE}2\r\nab\r\n0\r\n\r\n");
    assert!(server.talk(any_case.as_bytes()).await.ends_with("ab"));
}

#[tokio::test]
async fn heads_that_are_too_long_get_431_even_while_they_are_sent() {
    let server = start(Limits { header_bytes: 16 * 1024, ..Limits::default() }).await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "a".repeat(700_000));
    let answer = server.talk(long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(100));
    let answer = server.talk(many.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let longer = format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "a".repeat(20_000));
    let answer = server.talk(longer.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let few = format!("GET / HTTP/1.1\r\n{}{CLOSE}", "a: b\r\n".repeat(98));
    assert!(server.talk(few.as_bytes()).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_client_that_is_still_sending_is_not_reset() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\na: ").await.unwrap();
    stream.write_all(&[b'a'; 500_000]).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    for _ in 0..3 {
        stream.write_all(b"aaa").await.unwrap();
        // A reset would have come at the end of this.
        server.talk(format!("GET / HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    }
}

#[tokio::test]
async fn a_panic_is_500_and_the_connection_remains_open() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(response(&mut stream).await.starts_with("HTTP/1.1 500 "));
    stream.write_all(b"GET /fine HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(response(&mut stream).await.ends_with("/fine"));
}

#[tokio::test]
async fn bodies_are_held_to_their_limits() {
    let server = start(Limits::default()).await;
    let post = |headers: &str, body: &str| {
        format!("POST /echo HTTP/1.1\r\n{headers}\r\n{CLOSE}{body}").into_bytes()
    };
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let chunked = "transfer-encoding: chunked";
    let fits = server.talk(&post(chunked, &format!("{chunk}0\r\n\r\n"))).await;
    assert!(fits.starts_with("HTTP/1.1 200 "), "{fits}");
    let longer = server.talk(&post(chunked, &format!("{chunk}1\r\ny\r\n0\r\n\r\n"))).await;
    assert!(longer.starts_with("HTTP/1.1 413 "), "{longer}");
    // Refused by its length alone, before any of it is sent.
    let declared = server.talk(&post("content-length: 1001", "")).await;
    assert!(declared.starts_with("HTTP/1.1 413 "), "{declared}");
    let slow = server.talk(&post("content-length: 10", "12345")).await;
    assert!(slow.starts_with("HTTP/1.1 408 "), "{slow}");
    // The response arrives although the client is still sending.
    let flood = server.talk(&post("content-length: 700000", &"x".repeat(700_000))).await;
    assert!(flood.starts_with("HTTP/1.1 413 "), "{flood}");
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it() {
    let server = start(Limits::default()).await;
    let mut stream = server.connect().await;
    let head = "POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n";
    stream.write_all(format!("{head}{CLOSE}").as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    within(stream.read_exact(&mut go_on)).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ab").await.unwrap();
    assert!(rest(&mut stream).await.ends_with("ab"));
    let refused = server.talk(
        b"POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2000\r\n\r\n",
    );
    assert!(refused.await.starts_with("HTTP/1.1 413 "));
}

#[tokio::test]
async fn a_response_to_head_tells_the_length_and_has_no_body() {
    let server = start(Limits::default()).await;
    let head = server.talk(format!("HEAD /page HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    let get = server.talk(format!("GET /page HTTP/1.1\r\n{CLOSE}").as_bytes()).await;
    assert!(head.contains("content-length: 5\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(get.contains("content-length: 5\r\n") && get.ends_with("/page"), "{get}");
}
