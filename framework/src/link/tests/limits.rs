use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::BodyExt;
use tokio::sync::watch;

use super::*;

/// How many bytes a sender may be ahead of its reader: a few windows, and the buffers of kernels.
const AHEAD: usize = 4 * STREAM_WINDOW as usize;

#[tokio::test]
async fn an_upload_is_read_from_its_source_no_faster_than_the_controller_takes_it() {
    const TOTAL: usize = 64 << 20;
    let (backend, link) = pair().await;
    let taken = Arc::new(watch::Sender::new(0));
    let uploading = link.call(call("count"), flood(TOTAL, taken.clone()));
    let watching = async {
        until("the upload begins", &backend.host.calls, |calls| *calls == 1).await;
        // The controller reads nothing. Meanwhile other calls succeed.
        for _ in 0..100 {
            assert_eq!(echo(&link, "meanwhile").await, "meanwhile");
        }
        assert!(*taken.borrow() <= AHEAD, "{} bytes were taken", *taken.borrow());
        for _ in 0..100 {
            let read = *backend.host.bytes.borrow();
            backend.host.gate.add_permits(20);
            until("it reads on", &backend.host.bytes, |bytes| *bytes > read).await;
            let ahead = taken.borrow().saturating_sub(*backend.host.bytes.borrow());
            assert!(ahead <= AHEAD + (1 << 20), "{ahead} bytes ahead");
        }
        backend.host.gate.add_permits(TOTAL);
    };
    let (answer, ()) = soon("it is through", async { tokio::join!(uploading, watching) }).await;
    assert_eq!(text(answer.unwrap().1).await, TOTAL.to_string());
}

#[tokio::test]
async fn a_download_is_produced_no_faster_than_it_is_read() {
    let (backend, link) = pair().await;
    let (_, mut body) = link.call(call("flood"), Body::empty()).await.unwrap();
    for _ in 0..100 {
        assert_eq!(echo(&link, "meanwhile").await, "meanwhile");
    }
    let made = *backend.host.bytes.borrow();
    assert!(made <= AHEAD, "{made} bytes were made");
    let mut read = 0;
    while let Some(frame) = soon("the next piece", body.frame()).await {
        read += frame.unwrap().into_data().unwrap().len();
        let ahead = *backend.host.bytes.borrow() - read;
        assert!(ahead <= AHEAD, "{ahead} bytes ahead");
    }
    assert_eq!(read, 64 << 20);
}

#[tokio::test]
async fn stalled_uploads_block_neither_calls_nor_the_feed() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let reader = Reader::new();
    let link = Link::start(options(vec![tcp(address)]), reader.clone());
    soon("the front end connects", link.connected()).await;
    let taken = Arc::new(watch::Sender::new(0));
    let stalled = (0..200).map(|_| link.call(call("count"), flood(1 << 30, taken.clone())));
    let stalled = futures_util::future::join_all(stalled);
    let meanwhile = async {
        until("all of them stall", &backend.host.calls, |calls| *calls == 200).await;
        assert_eq!(echo(&link, "meanwhile").await, "meanwhile");
        let renewals = reader.state.borrow().renewals;
        until("leases go on", &reader.state, |state| state.renewals > renewals + 3).await;
    };
    tokio::select! {
        _ = stalled => panic!("the gate is closed"),
        () = soon("they have their way", meanwhile) => {}
    }
    assert_eq!(echo(&link, "afterwards").await, "afterwards");
}

#[tokio::test]
async fn visitors_who_leave_mid_call_do_not_cost_the_connection() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let relay = relay::Relay::to(address).await;
    let reader = Reader::new();
    let link = Link::start(options(vec![tcp(relay.address)]), reader.clone());
    soon("the front end connects", link.connected()).await;
    until("it follows", &reader.state, |state| state.renewals > 0).await;
    for _ in 0..40 {
        let going = (0..40).map(async |_| {
            let (_, mut body) = link.call(call("flood"), Body::empty()).await.unwrap();
            body.frame().await.unwrap().unwrap();
        });
        soon("all of them go", futures_util::future::join_all(going)).await;
    }
    assert_eq!(*backend.host.calls.borrow(), 40 * 40);
    for steps in 0..40 {
        let calls = (0..100).map(|_| link.call(call("never"), Body::empty()));
        tokio::select! {
            biased;
            _ = futures_util::future::join_all(calls) => panic!("they are never answered"),
            () = async { for _ in 0..steps { tokio::task::yield_now().await } } => {}
        }
    }
    assert_eq!(echo(&link, "afterwards").await, "afterwards");
    assert_eq!(relay.connections(), 2);
}

#[tokio::test]
async fn a_call_that_is_too_long_is_not_sent() {
    let (backend, link) = pair().await;
    let mut call = call("echo");
    call.headers.push(("cookie".to_owned(), vec![b'x'; CALL_LIMIT]));
    let error = link.call(call, Body::empty()).await.unwrap_err();
    assert!(matches!(error, CallError::TooLong { limit: CALL_LIMIT, .. }), "{error}");
    assert_eq!(*backend.host.calls.borrow(), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error() {
    let (_backend, link) = pair().await;
    let error = link.call(call("huge"), Body::empty()).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { status: 500, .. }), "{error}");
    assert_eq!(echo(&link, "afterwards").await, "afterwards");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn little_is_kept_for_a_front_end_that_does_not_read_its_feed() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let reader = Reader::new();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let stuck = Arc::new(watch::Sender::new(false));
    let is_stuck = stuck.clone();
    *reader.on_apply.lock().unwrap() = Some(Box::new(move || {
        is_stuck.send_replace(true);
        let _ = blocked.recv();
    }));
    let link = Link::start(options(vec![tcp(address)]), reader.clone());
    until("it follows", &reader.state, |state| state.renewals > 0).await;
    for _ in 0..512 {
        backend.host.append(vec![b'x'; 64 * 1024]);
    }
    until("it is stuck", &stuck, |stuck| *stuck).await;
    soon("the front end connects", link.connected()).await;
    for _ in 0..100 {
        assert_eq!(echo(&link, "meanwhile").await, "meanwhile");
    }
    let handed_out = backend.host.handed_out.load(Ordering::Relaxed);
    assert!(handed_out <= AHEAD, "{handed_out} bytes were handed out");
    drop(release);
    let through = *backend.host.committed.borrow();
    until("it catches up", &reader.state, |state| state.position() == through).await;
    assert_eq!(reader.state.borrow().records.len(), 512);
}

#[tokio::test]
async fn beyond_loopback_the_link_needs_a_secret() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let incoming = Incoming::tcp(listener);
    let stop = std::future::pending();
    let served = serve(incoming, TestHost::new("b1"), ServerOptions::default(), stop);
    let Err(error) = served.map(drop) else { panic!("it listens beyond this machine") };
    assert!(error.to_string().contains("set `secret` in `[link]`"), "{error}");
}
