use std::sync::Arc;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use tokio::sync::watch;

use super::*;
use crate::body::BodyError;

#[tokio::test]
async fn a_call_and_its_answer_arrive_as_they_were_sent() {
    let (backend, link) = pair().await;
    let sent = call("echo");
    let (answer, body) = link.call(sent.clone(), Body::from("a new story")).await.unwrap();
    assert_eq!(answer.headers, sent.headers);
    assert_eq!(answer.groups, ["stories"]);
    assert_eq!(answer.log, backend.host.log);
    assert_eq!(text(body).await, "a new story");
}

#[tokio::test]
async fn a_back_end_in_the_same_process_is_called_in_the_same_way() {
    let (connector, incoming) = in_memory();
    let _backend = Backend::serve(TestHost::new("b1"), incoming, ServerOptions::default());
    let link = Link::start(options(vec![connector]), Reader::new());
    soon("the front end connects", link.connected()).await;
    assert_eq!(echo(&link, "near").await, "near");
    assert_eq!(link.status().backends[0].address, "in this process");
}

#[tokio::test]
async fn bodies_of_unknown_length_are_streamed_both_ways() {
    let (_backend, link) = pair().await;
    let taken = Arc::new(watch::Sender::new(0));
    let body = flood(8 << 20, taken);
    let (_, mut body) = soon("the answer", link.call(call("echo"), body)).await.unwrap();
    let mut received = 0;
    while let Some(frame) = soon("the next piece", body.frame()).await {
        received += frame.unwrap().into_data().unwrap().len();
    }
    assert_eq!(received, 8 << 20);
}

#[tokio::test]
async fn a_hundred_calls_are_in_flight_at_once() {
    let (_backend, link) = pair().await;
    let calls = join_all((0..100).map(|_| link.call(call("gather"), Body::empty())));
    for answer in soon("all of them meet", calls).await {
        answer.unwrap();
    }
    assert_eq!(link.status().backends[0].calls_in_flight, 0);
}

#[tokio::test]
async fn without_a_back_end_a_call_fails_at_once() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    backend.stopped().await;
    let link = Link::start(options(vec![tcp(address)]), Reader::new());
    let error = link.call(call("echo"), Body::empty()).await.unwrap_err();
    assert!(matches!(error, CallError::NoBackend), "{error}");
}

#[tokio::test]
async fn a_back_end_that_starts_later_is_found() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    backend.stopped().await;
    let link = Link::start(options(vec![tcp(address)]), Reader::new());
    let problem = problem(&link).await;
    assert!(problem.starts_with("cannot connect: "), "{problem}");

    let incoming = Incoming::tcp(TcpListener::bind(address).await.unwrap());
    let _backend = Backend::serve(TestHost::new("b1"), incoming, ServerOptions::default());
    soon("the front end connects", link.connected()).await;
    assert_eq!(echo(&link, "here").await, "here");
}

#[tokio::test]
async fn a_wrong_secret_is_named_as_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let secret = Some("river".to_owned());
    let server = ServerOptions { secret: secret.clone(), ..ServerOptions::default() };
    let backend = Backend::serve(TestHost::new("b1"), Incoming::tcp(listener), server);

    let wrong = LinkOptions { secret: Some("rivet".to_owned()), ..options(vec![tcp(address)]) };
    let link = Link::start(wrong, Reader::new());
    let problem = problem(&link).await;
    assert!(problem.contains("does not accept this front end's secret"), "{problem}");
    assert!(!link.is_connected());

    let right = LinkOptions { secret, ..options(vec![tcp(address)]) };
    let link = Link::start(right, Reader::new());
    soon("the front end connects", link.connected()).await;
    assert_eq!(echo(&link, "open").await, "open");
    assert_eq!(*backend.host.calls.borrow(), 1);
}

#[tokio::test]
async fn another_version_of_the_link_is_named_as_the_reason() {
    let (_backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let future = LinkOptions { version: 99, ..options(vec![tcp(address)]) };
    let link = Link::start(future, Reader::new());
    let problem = problem(&link).await;
    let expected = format!("this back end speaks version {VERSION}");
    assert!(problem.contains("does not speak version 99 of the link"), "{problem}");
    assert!(problem.contains(&expected), "{problem}");
}

#[tokio::test]
async fn a_call_has_its_deadline() {
    let (_backend, link) = pair().await;
    let mut call = call("never");
    call.deadline = 50;
    let error = soon("the deadline", link.call(call, Body::empty())).await.unwrap_err();
    assert!(matches!(error, CallError::Deadline(_)), "{error}");
}

#[tokio::test]
async fn a_controller_that_panics_affects_no_other_call() {
    let (backend, link) = pair().await;
    let waiting = link.call(call("wait"), Body::empty());
    let panicking = async {
        until("the other call runs", &backend.host.calls, |calls| *calls == 1).await;
        let error = link.call(call("panic"), Body::empty()).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { status: 500, .. }), "{error}");
        backend.host.gate.add_permits(1);
    };
    let (answer, ()) = soon("both end", async { tokio::join!(waiting, panicking) }).await;
    assert_eq!(text(answer.unwrap().1).await, "done");
}

#[tokio::test]
async fn a_controller_runs_to_its_end_after_its_visitor_has_disconnected() {
    let (backend, link) = pair().await;
    let running = until("it runs", &backend.host.calls, |calls| *calls == 1);
    tokio::select! {
        _ = link.call(call("wait"), Body::empty()) => panic!("the gate is closed"),
        _ = running => {}
    }
    // The reset has been read when a later call has been answered.
    assert_eq!(echo(&link, "next").await, "next");
    backend.host.gate.add_permits(1);
    until("it finishes", &backend.host.finished, |finished| *finished == 1).await;
}

#[tokio::test]
async fn an_interrupted_answer_is_not_taken_for_complete() {
    let (_backend, link) = pair().await;
    // The error may overtake the head of the answer.
    match soon("the answer", link.call(call("break"), Body::empty())).await {
        Ok((_, body)) => {
            let error = soon("the break", body.collect(1 << 20)).await.unwrap_err();
            assert!(matches!(error, BodyError::Broken(_)), "{error}");
        }
        Err(error) => assert!(matches!(error, CallError::Broken { sent: true, .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_failure_of_the_visitors_body_is_reported() {
    let (_backend, link) = pair().await;
    let pieces = [Err::<http_body::Frame<Bytes>, _>(BodyError::TooLarge { limit: 8 })];
    let stream = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
    let error = soon("the error", link.call(call("count"), Body::stream(stream))).await;
    let error = error.unwrap_err();
    assert!(matches!(error, CallError::Body(BodyError::TooLarge { limit: 8 })), "{error}");
}

#[tokio::test]
async fn back_ends_take_turns_and_a_stopped_one_is_skipped() {
    let log = crate::log::LogEpoch::first_of(7);
    let (first, first_address) = Backend::on_tcp(TestHost::with_log("b1", log)).await;
    let (_second, second_address) = Backend::on_tcp(TestHost::with_log("b2", log)).await;
    let link = Link::start(options(vec![tcp(first_address), tcp(second_address)]), Reader::new());
    all_connected(&link).await;
    let name = async || text(link.call(call("name"), Body::empty()).await.unwrap().1).await;
    let mut names = [name().await, name().await];
    names.sort();
    assert_eq!(names, ["b1", "b2"]);

    first.stopped().await;
    for _ in 0..4 {
        assert_eq!(name().await, "b2");
    }
}

#[tokio::test]
async fn a_back_end_that_stops_lets_calls_finish() {
    let (backend, link) = pair().await;
    let Backend { host, stop, serving } = backend;
    let waiting = link.call(call("wait"), Body::empty());
    let stopping = async {
        until("the call runs", &host.calls, |calls| *calls == 1).await;
        stop.cancel();
        host.gate.add_permits(1);
    };
    let (answer, ()) = soon("the call ends", async { tokio::join!(waiting, stopping) }).await;
    assert_eq!(text(answer.unwrap().1).await, "done");
    soon("the back end stops", serving).await.unwrap();
}

#[tokio::test]
async fn a_get_in_flight_when_its_back_end_died_is_sent_to_the_next() {
    let log = crate::log::LogEpoch::first_of(7);
    let (first, first_address) = Backend::on_tcp(TestHost::with_log("b1", log)).await;
    let relay = relay::Relay::to(first_address).await;
    let (second, second_address) = Backend::on_tcp(TestHost::with_log("b2", log)).await;
    second.host.gate.add_permits(10);
    let link = Link::start(options(vec![tcp(relay.address), tcp(second_address)]), Reader::new());
    all_connected(&link).await;

    // One of the two is sent to the first back end, whose gate is closed.
    let get = || Call { method: "GET".to_owned(), ..call("wait") };
    let calls = join_all([link.call(get(), Body::empty()), link.call(get(), Body::empty())]);
    let dying = async {
        until("it has one of them", &first.host.calls, |calls| *calls == 1).await;
        relay.set(relay::Mode::Cut);
    };
    let (answers, ()) = soon("both are answered", async { tokio::join!(calls, dying) }).await;
    for answer in answers {
        assert_eq!(text(answer.unwrap().1).await, "done");
    }
    assert_eq!(*second.host.calls.borrow(), 2);
}

#[tokio::test]
async fn a_post_in_flight_when_its_back_end_died_is_not_repeated() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let relay = relay::Relay::to(address).await;
    let link = Link::start(options(vec![tcp(relay.address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    let posting = link.call(call("wait"), Body::empty());
    let dying = async {
        until("it runs", &backend.host.calls, |calls| *calls == 1).await;
        relay.set(relay::Mode::Cut);
    };
    let (answer, ()) = soon("it fails", async { tokio::join!(posting, dying) }).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, CallError::Broken { sent: true, .. }), "{error}");
    assert_eq!(*backend.host.calls.borrow(), 1);
}

/// Returns the error that the link reports of its only back end.
async fn problem(link: &Link) -> String {
    let wrong = |it: &LinkStatus| it.backends[0].last_error.is_some();
    status("something goes wrong", link, wrong).await.backends[0].last_error.clone().unwrap()
}
