//! Multiplexed calls.

use super::*;
use crate::link::multiplex::{MAX_ANSWER, MAX_CALLS, ServerMessage};

/// The back end's messages on a stream that ends after these bytes: number, message, and the rest.
async fn received(address: SocketAddr, calls: Vec<u8>) -> Vec<(u32, ServerMessage, Vec<u8>)> {
    let (status, received) = raw::exchange(address, "calls", calls).await;
    assert_eq!(status, 200);
    let mut received = &received[..];
    let mut all = Vec::new();
    while let Some((length, rest)) = received.split_first_chunk() {
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        let (number, message) = message.split_first_chunk().unwrap();
        let (event, message) = postcard::take_from_bytes(message).unwrap();
        all.push((u32::from_be_bytes(*number), event, message.to_vec()));
        received = rest;
    }
    all
}

/// A call as it is sent on the shared stream.
fn framed(number: u32, call: &Call) -> Vec<u8> {
    let call = postcard::to_stdvec(call).unwrap();
    let length = (call.len() + 4) as u32;
    [&length.to_be_bytes()[..], &number.to_be_bytes(), &call].concat()
}

#[tokio::test]
async fn each_multiplexed_call_is_answered_under_its_number() {
    let (_backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let calls = [(7, "name"), (1, "panic"), (u32::MAX, "flood"), (2, "name")];
    let calls = calls.map(|(number, name)| framed(number, &call(name))).concat();
    let mut received = received(address, calls).await;
    received.sort_by_key(|(number, ..)| *number);
    let [
        (1, ServerMessage::Refused(500, _), _),
        (2, ServerMessage::Answered, two),
        (7, ServerMessage::Answered, seven),
        (u32::MAX, ServerMessage::Held(_), rest),
    ] = &received[..]
    else {
        panic!("{received:?}")
    };
    assert!(two.ends_with(b"b1") && seven.ends_with(b"b1") && rest.is_empty());
}

#[tokio::test]
async fn malformed_bytes_end_the_shared_stream_and_nothing_else() {
    let (_backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    for nonsense in [vec![0, 0, 0, 2, 1, 1], vec![0, 0, 0, 5, 0, 0, 0, 1, 255], vec![255; 64]] {
        let mut calls = framed(3, &call("name"));
        calls.extend(nonsense);
        calls.extend(framed(4, &call("name")));
        let numbers: Vec<u32> =
            received(address, calls).await.iter().map(|(number, ..)| *number).collect();
        assert_eq!(numbers, [3]);
    }
    let (status, _) = raw::exchange(address, "held", vec![0, 0, 0, 1, 9]).await;
    assert_eq!(status, 410);
}

#[tokio::test]
async fn answers_that_are_too_long_to_share_a_stream_arrive_complete() {
    let (_backend, link) = pair().await;
    for length in [0, 1, MAX_ANSWER - 1000, MAX_ANSWER - 1, MAX_ANSWER, MAX_ANSWER + 1, 1 << 20] {
        let params = vec![("length".to_owned(), length.to_string())];
        let call = Call { params, ..call("repeat") };
        let (_, body) = soon("the answer", link.call(call, Body::empty())).await.unwrap();
        assert_eq!(text(body).await.len(), length);
    }
}

#[tokio::test]
async fn an_answer_streamed_after_the_stop_arrives_complete() {
    let (backend, link) = pair().await;
    let Backend { host, stop, serving } = backend;
    let waiting = link.call(call("wait, then flood"), Body::empty());
    let stopping = async {
        until("the call runs", &host.calls, |calls| *calls == 1).await;
        stop.cancel();
        // It is sent no more calls.
        status("it is leaving", &link, |it| !it.backends[0].connected).await;
        host.gate.add_permits(1);
    };
    let (answer, ()) = soon("the call ends", async { tokio::join!(waiting, stopping) }).await;
    assert_eq!(text(answer.unwrap().1).await.len(), 1 << 20);
    soon("the back end stops", serving).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_answers_is_not_served_without_bound() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let params = vec![("length".to_owned(), "32000".to_owned())];
    let call = Call { params, ..call("repeat") };
    let calls = (1..=5000).flat_map(|number| framed(number, &call)).collect();
    let _unread = raw::unread(address, "calls", calls).await;
    // As many as there are permits; more than that only as the transport accepts answers.
    until("the places are taken", &backend.host.calls, |calls| *calls >= 1024).await;
    let link = Link::start(options(vec![tcp(address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    for _ in 0..100 {
        assert_eq!(echo(&link, "meanwhile").await, "meanwhile");
    }
    let calls = *backend.host.calls.borrow();
    assert!(calls < 3000, "{calls} calls were answered");
}

/// A call that changes nothing, so that it is multiplexed.
fn reading(controller: &str) -> Call {
    Call { method: "GET".to_owned(), ..call(controller) }
}

#[tokio::test]
async fn cancelled_calls_hold_no_permit() {
    let (backend, link) = pair().await;
    let link = Arc::new(link);
    for round in 1..=3 {
        let waiting: Vec<_> = (0..MAX_CALLS)
            .map(|_| {
                let link = link.clone();
                tokio::spawn(async move { link.call(reading("wait"), Body::empty()).await })
            })
            .collect();
        until("they run", &backend.host.calls, |calls| *calls >= round * MAX_CALLS).await;
        waiting.iter().for_each(|waiting| waiting.abort());
        for waiting in waiting {
            assert!(waiting.await.is_err_and(|error| error.is_cancelled()));
        }
        backend.host.calls.send_replace(round * MAX_CALLS);
    }
    let name = soon("the name", link.call(reading("name"), Body::empty())).await.unwrap();
    assert_eq!(text(name.1).await, "b1");
    // Their controllers run to the end; the answers are dropped.
    backend.host.gate.add_permits(3 * MAX_CALLS);
    until("they end", &backend.host.finished, |finished| *finished == 3 * MAX_CALLS).await;
}

#[tokio::test]
async fn calls_beyond_the_permits_are_answered_and_a_stop_is_noticed() {
    let (backend, link) = pair().await;
    let link = Arc::new(link);
    let waiting: Vec<_> = (0..MAX_CALLS + 10)
        .map(|_| {
            let link = link.clone();
            tokio::spawn(async move { link.call(reading("wait"), Body::empty()).await })
        })
        .collect();
    let host = backend.host.clone();
    until("all of them run", &host.calls, |calls| *calls == MAX_CALLS + 10).await;
    backend.stop.cancel();
    status("it is leaving", &link, |it| !it.backends[0].connected).await;
    host.gate.add_permits(MAX_CALLS + 10);
    for waiting in waiting {
        let (_, body) = soon("the answer", waiting).await.unwrap().unwrap();
        assert_eq!(text(body).await, "done");
    }
    soon("the back end stops", backend.serving).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_not_fetched_releases_its_permit_when_it_is_cancelled() {
    let (_backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let params = vec![("length".to_owned(), (2 * MAX_ANSWER).to_string())];
    let long = Call { params, ..call("repeat") };
    let mut calls = Vec::new();
    for number in 0..3 * MAX_CALLS as u32 {
        calls.extend(framed(number, &long));
        calls.extend([&4_u32.to_be_bytes()[..], &number.to_be_bytes()].concat());
    }
    calls.extend(framed(u32::MAX, &call("name")));
    let received = received(address, calls).await;
    let refused =
        received.iter().filter(|(_, event, _)| matches!(event, ServerMessage::Refused(..)));
    assert_eq!(refused.count(), 0);
    assert!(received.iter().any(|(number, ..)| *number == u32::MAX));
}
