//! Calls that are sent for the second time, because the link broke before the answer.

use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;

use super::relay::{Mode, Relay};
use super::*;
use crate::body::BodyError;

/// A call that may be sent twice.
fn identified() -> Call {
    Call { id: Some(9), ..call("again") }
}

/// A body in pieces, as a client sends it.
fn pieces(pieces: impl IntoIterator<Item = Bytes>) -> Body {
    let frames = pieces.into_iter().map(|piece| Ok::<_, BodyError>(Frame::data(piece)));
    Body::stream(StreamBody::new(stream::iter(frames.collect::<Vec<_>>())))
}

/// A back end behind a relay, and a front end that is connected to it.
async fn behind_a_relay() -> (Backend, Relay, Link) {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let relay = Relay::to(address).await;
    let link = Link::start(options(vec![tcp(relay.address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    (backend, relay, link)
}

/// Cuts the link as soon as the back end has read the bodies of so many calls.
async fn cut_at(backend: &Backend, relay: &Relay, calls: usize) {
    until("it has the call", &backend.host.finished, |read| *read == calls).await;
    relay.set(Mode::Cut);
}

#[tokio::test]
async fn a_call_with_an_id_is_sent_again_with_its_body_after_a_reconnection() {
    let (backend, relay, link) = behind_a_relay().await;
    let body = pieces(["to", "", "be"].map(Bytes::from));
    let posting = link.call(identified(), body);
    let trouble = async {
        cut_at(&backend, &relay, 1).await;
        status("the link is cut", &link, |it| !it.backends[0].connected).await;
        relay.set(Mode::Carry);
        until("it comes again", &backend.host.finished, |read| *read == 2).await;
        backend.host.gate.add_permits(2);
    };
    let (answer, ()) = soon("it is answered", async { tokio::join!(posting, trouble) }).await;
    assert_eq!(text(answer.unwrap().1).await, "true Some(9) tobe");
    assert_eq!(*backend.host.calls.borrow(), 2);
}

#[tokio::test]
async fn another_back_end_may_answer_a_call_that_is_sent_again() {
    let log = crate::log::LogEpoch::first_of(7);
    let (first, first_address) = Backend::on_tcp(TestHost::with_log("b1", log)).await;
    let relay = Relay::to(first_address).await;
    let (second, second_address) = Backend::on_tcp(TestHost::with_log("b2", log)).await;
    second.host.gate.add_permits(2);
    let link = Link::start(options(vec![tcp(relay.address), tcp(second_address)]), Reader::new());
    all_connected(&link).await;
    // One of the two is sent to the first back end, whose gate is closed.
    let post = || link.call(identified(), Body::from("a"));
    let both = async { tokio::join!(post(), post()) };
    let trouble = cut_at(&first, &relay, 1);
    let ((one, other), ()) = soon("both end", async { tokio::join!(both, trouble) }).await;
    let mut texts = [text(one.unwrap().1).await, text(other.unwrap().1).await];
    texts.sort();
    assert_eq!(texts, ["false Some(9) a", "true Some(9) a"]);
}

#[tokio::test]
async fn a_call_is_sent_twice_at_most() {
    let (backend, relay, link) = behind_a_relay().await;
    let posting = link.call(identified(), Body::from("a"));
    let trouble = async {
        for calls in 1..=2 {
            cut_at(&backend, &relay, calls).await;
            status("the link is cut", &link, |it| !it.backends[0].connected).await;
            relay.set(Mode::Carry);
        }
        soon("the link is there", link.connected()).await;
    };
    let (answer, ()) = soon("it fails", async { tokio::join!(posting, trouble) }).await;
    assert!(matches!(answer.unwrap_err(), CallError::Broken { sent: true, .. }));
    assert_eq!(*backend.host.calls.borrow(), 2);
}

#[tokio::test]
async fn a_long_body_is_not_kept_to_be_sent_again() {
    let (backend, relay, link) = behind_a_relay().await;
    let body = pieces((0..3).map(|_| Bytes::from_static(&[b'x'; 30_000])));
    let posting = link.call(identified(), body);
    let trouble = async {
        cut_at(&backend, &relay, 1).await;
        status("the link is cut", &link, |it| !it.backends[0].connected).await;
        relay.set(Mode::Carry);
    };
    let (answer, ()) = soon("it fails", async { tokio::join!(posting, trouble) }).await;
    assert!(matches!(answer.unwrap_err(), CallError::Broken { sent: true, .. }));
    assert_eq!(*backend.host.calls.borrow(), 1);
}

#[tokio::test]
async fn a_call_that_no_back_end_accepts_again_ends_with_its_deadline() {
    let (backend, relay, link) = behind_a_relay().await;
    let call = Call { deadline: 500, ..identified() };
    let trouble = cut_at(&backend, &relay, 1);
    let posting = link.call(call, Body::from("a"));
    let (answer, ()) = soon("it fails", async { tokio::join!(posting, trouble) }).await;
    assert!(matches!(answer.unwrap_err(), CallError::Deadline(_)));
}
