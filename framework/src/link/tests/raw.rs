//! Peers that violate the protocol.

use std::convert::Infallible;

use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::*;
use crate::body::BodyError;
use crate::link::connector::FEED_PREFACE;
use crate::link::feed::{Down, Up};
use crate::link::frame::Frames;
use crate::link::multiplex::{Queue, ServerMessage, numbered};

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Returns the answer of an action of the link to these bytes, without the closing trailer.
pub(super) async fn exchange(
    address: SocketAddr,
    action: &str,
    body: Vec<u8>,
) -> (StatusCode, Bytes) {
    let response = unread(address, action, body).await;
    let status = response.status();
    (status, soon("its body", response.into_body().collect()).await.unwrap().to_bytes())
}

/// Does the same, without reading the body.
pub(super) async fn unread(
    address: SocketAddr,
    action: &str,
    body: Vec<u8>,
) -> Response<hyper::body::Incoming> {
    let uri = format!("http://headwater{}", path(VERSION, action));
    let request = Request::post(uri).body(Full::new(body.into())).unwrap();
    let mut sender = connect(address).await;
    soon("the answer", sender.send_request(request)).await.unwrap()
}

async fn post(address: SocketAddr, path: &str, body: impl Into<Bytes>) -> (StatusCode, String) {
    let uri = format!("http://headwater{path}");
    let request = Request::post(uri).body(Full::new(body.into())).unwrap();
    let mut sender = connect(address).await;
    let response = soon("the answer", sender.send_request(request)).await.unwrap();
    let status = response.status();
    let body = soon("its body", response.into_body().collect()).await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn requests_that_are_no_calls_get_clear_answers() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let (status, text) = post(address, "/headwater/99/call", "").await;
    let spoken = format!("this back end speaks version {VERSION} of the link");
    assert_eq!((status.as_u16(), text), (400, spoken));
    assert_eq!(post(address, "/", "").await.0, 404);
    assert_eq!(post(address, &path(VERSION, "else"), "").await.0, 404);
    assert_eq!(post(address, &path(VERSION, "call"), "").await.0, 400);
    assert_eq!(post(address, &path(VERSION, "call"), vec![0, 0, 0, 9, 1]).await.0, 400);
    assert_eq!(post(address, &path(VERSION, "call"), vec![0, 0, 0, 2, 255, 255]).await.0, 400);
    assert_eq!(post(address, &path(VERSION, "call"), vec![255; 8]).await.0, 413);
    for action in ["lookup", "content"] {
        let action = path(VERSION, action);
        assert_eq!(post(address, &action, "").await.0, 400);
        assert_eq!(post(address, &action, vec![0, 0, 0, 2, 255, 255]).await.0, 400);
        assert_eq!(post(address, &action, vec![255; 8]).await.0, 413);
    }
    assert_eq!(*backend.host.calls.borrow(), 0);
}

#[tokio::test]
async fn a_feed_that_does_not_begin_with_an_introduction_is_closed() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    for nonsense in [vec![], vec![255; 64], vec![0, 0, 0, 1, 3]] {
        let (status, body) = post(address, &path(VERSION, "feed"), nonsense).await;
        assert_eq!((status.as_u16(), body.len()), (200, 0));
    }
    assert!(backend.host.members.borrow().is_empty());
}

#[tokio::test]
async fn an_acknowledgement_of_a_record_that_was_not_sent_ends_the_feed() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let open = Open { name: "liar".to_owned(), incarnation: 1, followed: None, predecessor: None };
    let mut messages = frame::encode(&Up::Open(open), UP_LIMIT).unwrap().to_vec();
    let lie = Up::Ack { position: Position(5) };
    messages.extend(frame::encode(&lie, UP_LIMIT).unwrap());
    post(address, &path(VERSION, "feed"), messages).await;
    let members = backend.host.members.borrow().clone();
    let liar = members.values().next().unwrap();
    assert_eq!(liar.acknowledged, Position::START);
    assert_eq!(liar.left, Some(Departure::Cut));
}

/// A back end that answers the greeting correctly, and everything else with the given bodies.
async fn imposter(answer: impl Fn(&str) -> Body + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = [0];
            stream.peek(&mut first).await.unwrap();
            if first[0] == FEED_PREFACE[0] {
                stream.read_exact(&mut [0; FEED_PREFACE.len()]).await.unwrap();
            }
            let answer = answer.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let body = match request.uri().path() {
                    hello if hello == path(VERSION, "hello") => {
                        let log = crate::log::LogId(1);
                        let greeting = Greeting { backend: "imposter".to_owned(), log };
                        Body::from(frame::encode(&greeting, 1000).unwrap())
                    }
                    calls if calls == path(VERSION, "calls") => hold_all(request.into_body()),
                    path => answer(path),
                };
                async move { Ok::<_, Infallible>(Response::new(body)) }
            });
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(builder.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Accepts calls, and holds all their answers.
fn hold_all(calls: hyper::body::Incoming) -> Body {
    let queue = Queue::<()>::default();
    let body = Body::stream(queue.body());
    tokio::spawn(async move {
        let mut calls = Frames::new(calls, CALL_LIMIT);
        let held = postcard::to_stdvec(&ServerMessage::Held(1)).unwrap();
        while let Ok(Some(call)) = calls.message().await {
            queue.send(numbered(call).unwrap().0, &[&held], None);
        }
    });
    body
}

/// A body that ends like any other, but declares its length nowhere.
fn unclosed(bytes: Bytes) -> Body {
    let frames = [Ok::<_, Infallible>(Frame::data(bytes))];
    Body::stream(StreamBody::new(futures_util::stream::iter(frames)))
}

#[tokio::test]
async fn an_answer_without_its_closing_trailer_is_not_taken_for_complete() {
    let address = imposter(|_| {
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            content: AnswerContent::Body,
            groups: Vec::new(),
            recorded: Some(Vec::new()),
            widened: None,
            cache: None,
            has_session: false,
            flash: None,
            session: None,
            log: crate::log::LogEpoch::first_of(1),
            as_of: Position(1),
        };
        let mut bytes = frame::encode(&answer, ANSWER_LIMIT).unwrap().to_vec();
        bytes.extend(b"<html><body>half a pa");
        unclosed(bytes.into())
    })
    .await;
    let link = Link::start(options(vec![tcp(address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    let (_, body) = soon("the answer", link.call(call("echo"), Body::empty())).await.unwrap();
    let error = soon("its end", body.collect(1 << 20)).await.unwrap_err();
    assert!(matches!(error, BodyError::Broken(_)), "{error}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_is_an_error() {
    let address = imposter(|_| Body::from(vec![0, 0, 0, 3, 255, 255, 255])).await;
    let link = Link::start(options(vec![tcp(address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    let error = soon("the answer", link.call(call("echo"), Body::empty())).await.unwrap_err();
    assert!(matches!(error, CallError::Broken { sent: true, .. }), "{error}");
}

fn welcome(start: Position) -> Bytes {
    let welcome = Welcome {
        log: crate::log::LogEpoch::first_of(1),
        fingerprint: 0,
        lease: Duration::from_millis(100),
        backend: "imposter".to_owned(),
        start,
        resumed: false,
        snapshot: 0,
        openings: Vec::new(),
    };
    frame::encode(&Down::Welcome(welcome), DOWN_LIMIT).unwrap()
}

#[tokio::test]
async fn a_back_end_that_answers_pings_but_renews_nothing_is_given_up() {
    let address = imposter(|_| {
        let welcome = Ok::<_, Infallible>(Frame::data(welcome(Position(1))));
        let silence = futures_util::stream::pending();
        let stream = futures_util::stream::once(std::future::ready(welcome)).chain(silence);
        Body::stream(StreamBody::new(stream))
    })
    .await;
    let reader = Reader::new();
    let link = Link::start(options(vec![tcp(address)]), reader.clone());
    until("the feed is cut", &reader.state, |state| state.cuts >= 1).await;
    let problem = link.status().backends[0].last_error.clone();
    assert_eq!(problem.as_deref(), Some("was silent for longer than a lease"));
}

#[tokio::test]
async fn an_answer_to_a_renewal_that_was_not_sent_ends_the_feed() {
    let address = imposter(|_| {
        let mut messages = welcome(Position(1)).to_vec();
        let renewed = Down::Renewed { stamp: u64::MAX };
        messages.extend(frame::encode(&renewed, DOWN_LIMIT).unwrap());
        unclosed(messages.into())
    })
    .await;
    let reader = Reader::new();
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    let state = until("the feed is cut", &reader.state, |state| state.cuts >= 2).await;
    assert_eq!(state.renewals, 0);
}

#[tokio::test]
async fn records_with_decreasing_positions_are_not_applied() {
    let address = imposter(|_| {
        let mut messages = welcome(Position(5)).to_vec();
        let record = FeedRecord { position: Position(5), payload: Bytes::from_static(b"again") };
        let run = Down::Records { records: vec![record], through: Position(6) };
        messages.extend(frame::encode(&run, DOWN_LIMIT).unwrap());
        unclosed(messages.into())
    })
    .await;
    let reader = Reader::new();
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    let state = until("the feed is cut", &reader.state, |state| state.cuts >= 1).await;
    assert_eq!(state.records, []);
}
