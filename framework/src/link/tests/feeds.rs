use std::sync::Mutex;
use std::sync::atomic::Ordering;

use super::host::Seen;
use super::relay::{Mode, Relay};
use super::*;
use crate::clock;

/// A back end, a front end that follows it, and a relay between them.
async fn followed() -> (Backend, Relay, Link, Arc<Reader>) {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let relay = Relay::to(address).await;
    let reader = Reader::new();
    let link = Link::start(options(vec![tcp(relay.address)]), reader.clone());
    until("a lease is given", &reader.state, |state| state.renewals > 0).await;
    (backend, relay, link, reader)
}

async fn reached(reader: &Reader, position: Position) {
    until("the position is reached", &reader.state, |state| state.position() >= position).await;
}

fn payloads(reader: &Reader) -> Vec<Bytes> {
    reader.state.borrow().records.iter().map(|record| record.payload.clone()).collect()
}

#[tokio::test]
async fn records_arrive_in_order_and_are_acknowledged() {
    let (backend, _relay, _link, reader) = followed().await;
    backend.host.append("one");
    backend.host.append("");
    backend.host.append("three");
    let last = backend.host.append("");
    reached(&reader, last).await;
    assert_eq!(payloads(&reader), ["one", "three"]);
    until("it is acknowledged", &backend.host.members, |members| {
        members.values().any(|seen| seen.acknowledged == last)
    })
    .await;
    let members = backend.host.members.borrow().clone();
    let open = members.values().next().unwrap().open.clone();
    assert_eq!(
        open,
        Some(Open { name: "f1".to_owned(), incarnation: 7, followed: None, predecessor: None })
    );
}

#[tokio::test]
async fn a_feed_within_the_process_works_in_the_same_way() {
    let (connector, incoming) = in_memory();
    let backend = Backend::serve(TestHost::new("b1"), incoming, ServerOptions::default());
    let reader = Reader::new();
    let _link = Link::start(options(vec![connector]), reader.clone());
    until("a lease is given", &reader.state, |state| state.renewals > 0).await;
    let last = backend.host.append("near");
    reached(&reader, last).await;
    assert_eq!(payloads(&reader), ["near"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_renewal_is_answered_after_everything_that_was_in_the_log_at_its_stamp() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    backend.host.slow.store(true, Ordering::Relaxed);
    let reader = Reader::new();
    // The time when each record was committed, by the one clock that both ends have here.
    let commits = Arc::new(Mutex::new(Vec::new()));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let (known, failed) = (commits.clone(), failures.clone());
    *reader.on_renewal.lock().unwrap() = Some(Box::new(move |stamp, state| {
        let known: std::sync::MutexGuard<'_, Vec<(clock::Moment, Position)>> =
            known.lock().unwrap();
        let before = known.partition_point(|(moment, _)| *moment < stamp);
        if before > 0 && known[before - 1].1 > state.position() {
            failed.lock().unwrap().push((stamp, state.position()));
        }
    }));
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    let host = backend.host.clone();
    let appending = std::thread::spawn(move || {
        let mut last = Position::START;
        for round in 0..200 {
            // About as fast as the log can be read, so that renewals are sent in between.
            std::thread::sleep(Duration::from_millis(2));
            for number in 0..50 {
                last = host.append(format!("record {number} of round {round}"));
                commits.lock().unwrap().push((clock::now(), last));
            }
        }
        last
    });
    let last = tokio::task::spawn_blocking(move || appending.join().unwrap()).await.unwrap();
    let caught_up = |state: &reader::State| state.position() == last && state.renewals >= 5;
    until("it catches up", &reader.state, caught_up).await;
    assert_eq!(*failures.lock().unwrap(), []);
}

#[tokio::test]
async fn no_lease_is_given_without_a_record_whose_writer_saw_none() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let reader = Reader::new();
    // A writer that commits and checks the leases, whenever the link has just read the committed
    // position.
    let unwaited = Arc::new(Mutex::new(Position::START));
    let written = unwaited.clone();
    *backend.host.after_committed.lock().unwrap() = Some(Box::new(move |host: &TestHost| {
        if !host.is_leased() {
            let position = host.append("a write");
            if !host.is_leased() {
                *written.lock().unwrap() = position;
            }
        }
    }));
    let failures = Arc::new(Mutex::new(Vec::new()));
    let failed = failures.clone();
    *reader.on_renewal.lock().unwrap() = Some(Box::new(move |_, state| {
        let unwaited = *unwaited.lock().unwrap();
        if state.position() < unwaited {
            failed.lock().unwrap().push((state.position(), unwaited));
        }
    }));
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    until("leases are given", &reader.state, |state| state.renewals >= 3).await;
    assert_eq!(*failures.lock().unwrap(), []);
}

#[tokio::test]
async fn a_lease_that_cannot_be_recorded_is_not_granted() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    *backend.host.grants.lock().unwrap() = Grant::Unknown;
    let reader = Reader::new();
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    let state = until("the feed is cut", &reader.state, |state| state.cuts >= 2).await;
    assert_eq!(state.renewals, 0);
}

#[tokio::test]
async fn a_feed_continues_without_leases_while_they_are_withheld() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    *backend.host.grants.lock().unwrap() = Grant::Withheld;
    let reader = Reader::new();
    let link = Link::start(options(vec![tcp(address)]), reader.clone());
    // Longer than either end tolerates silence.
    let asked = |seen: &Seen| seen.renewals >= 30 && seen.answer_took.is_some();
    until("leases are asked for", &backend.host.members, |it| it.values().any(asked)).await;
    let state = reader.state.borrow().clone();
    assert_eq!((state.renewals, state.cuts), (0, 0));
    assert!(link.status().lease_withheld);
    *backend.host.grants.lock().unwrap() = Grant::Given;
    until("a lease is given", &reader.state, |state| state.renewals > 0).await;
    assert!(!link.status().lease_withheld);
}

#[tokio::test]
async fn a_feed_that_was_cut_continues_at_its_position() {
    let (backend, relay, _link, reader) = followed().await;
    let before = backend.host.append("before");
    reached(&reader, before).await;
    relay.set(Mode::Cut);
    until("the front end sees the cut", &reader.state, |state| state.cuts == 1).await;
    until("the back end sees the cut", &backend.host.members, |members| {
        members.values().any(|seen| seen.left == Some(Departure::Cut))
    })
    .await;
    let meanwhile = backend.host.append("meanwhile");
    relay.set(Mode::Carry);
    reached(&reader, meanwhile).await;
    let state = reader.state.borrow().clone();
    assert_eq!(payloads(&reader), ["before", "meanwhile"]);
    let welcome = state.welcomes.last().unwrap();
    assert!(welcome.resumed);
    assert_eq!(welcome.start, before);
}

#[tokio::test]
async fn a_silent_feed_is_given_up_and_opened_again() {
    let (backend, relay, link, reader) = followed().await;
    relay.set(Mode::Swallow);
    until("the silence is noticed", &reader.state, |state| state.cuts == 1).await;
    until("the back end notices too", &backend.host.members, |members| {
        members.values().any(|seen| seen.left == Some(Departure::Cut))
    })
    .await;
    status("so it is for calls", &link, |it| !it.backends[0].connected).await;
    let meanwhile = backend.host.append("meanwhile");
    relay.set(Mode::Carry);
    reached(&reader, meanwhile).await;
    soon("calls go through", link.connected()).await;
    assert_eq!(echo(&link, "again").await, "again");
}

#[tokio::test]
async fn another_log_is_followed_with_an_empty_cache() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let reader = Reader::new();
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    until("it follows", &reader.state, |state| state.renewals > 0).await;
    let last = backend.host.append("of the first log");
    reached(&reader, last).await;
    backend.stopped().await;

    let other = TestHost::new("b1");
    other.append("before the front end came");
    let incoming = Incoming::tcp(TcpListener::bind(address).await.unwrap());
    let _backend = Backend::serve(other.clone(), incoming, ServerOptions::default());
    let state = until("it follows", &reader.state, |state| state.welcomes.len() == 2).await;
    assert!(!state.welcomes[1].resumed);
    let followed = state.followed.unwrap();
    assert_eq!((followed.log, followed.applied), (other.log, Position(1)));
    assert_eq!(payloads(&reader), Vec::<Bytes>::new());
}

#[tokio::test]
async fn a_front_end_that_leaves_is_released_and_stays_away() {
    let (backend, _relay, link, reader) = followed().await;
    soon("it leaves", link.leave()).await;
    let members = backend.host.members.borrow().clone();
    let left: Vec<_> = members.values().map(|seen| seen.left).collect();
    assert_eq!(left, [Some(Departure::Goodbye)]);
    assert_eq!(echo(&link, "still served").await, "still served");
    assert_eq!(reader.state.borrow().welcomes.len(), 1);
    assert_eq!(link.status().followed, None);
}

#[tokio::test]
async fn a_link_that_is_dropped_is_cut() {
    let (backend, _relay, link, _reader) = followed().await;
    drop(link);
    until("it is gone", &backend.host.members, |members| {
        members.values().any(|seen| seen.left == Some(Departure::Cut))
    })
    .await;
}

#[tokio::test]
async fn a_back_end_that_stops_sends_a_goodbye_and_the_next_one_is_followed() {
    let log = crate::log::LogEpoch::first_of(7);
    let (first, first_address) = Backend::on_tcp(TestHost::with_log("b1", log)).await;
    let (second, second_address) = Backend::on_tcp(TestHost::with_log("b2", log)).await;
    let reader = Reader::new();
    let connectors = vec![tcp(first_address), tcp(second_address)];
    let link = Link::start(options(connectors), reader.clone());
    until("it follows", &reader.state, |state| state.renewals > 0).await;
    assert_eq!(reader.state.borrow().welcomes[0].backend, "b1");

    first.stopped().await;
    let state = until("it follows", &reader.state, |state| state.welcomes.len() == 2).await;
    assert_eq!(state.welcomes[1].backend, "b2");
    assert!(state.welcomes[1].resumed);
    let last = second.host.append("from the second");
    reached(&reader, last).await;
    let followed: Vec<_> = link.status().backends.iter().map(|it| it.followed).collect();
    assert_eq!(followed, [false, true]);
}

#[tokio::test]
async fn a_refused_front_end_receives_the_reason_and_tries_again() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let reason = "there is another front end with this name";
    *backend.host.refuse.lock().unwrap() = Some(reason.to_owned());
    let reader = Reader::new();
    let link = Link::start(options(vec![tcp(address)]), reader.clone());
    status("it sees the refusal", &link, |it| {
        it.backends[0].last_error.as_ref().is_some_and(|it| it.contains(reason))
    })
    .await;
    *backend.host.refuse.lock().unwrap() = None;
    until("it is admitted", &reader.state, |state| state.renewals > 0).await;
}

#[tokio::test]
async fn a_front_end_that_fails_to_apply_is_cut_and_reconnects() {
    let (backend, _relay, _link, reader) = followed().await;
    fail_once(&reader);
    let last = backend.host.append("hard to apply");
    until("it is cut", &reader.state, |state| state.cuts >= 1).await;
    reached(&reader, last).await;
    assert_eq!(payloads(&reader), ["hard to apply"]);
}

/// Makes the front end panic when it applies the next records.
fn fail_once(reader: &Reader) {
    let mut fails = true;
    *reader.on_apply.lock().unwrap() = Some(Box::new(move || {
        if std::mem::take(&mut fails) {
            std::panic::resume_unwind(Box::new("cannot apply"));
        }
    }));
}

#[tokio::test]
async fn a_back_end_with_another_log_is_not_used_while_one_with_this_log_is_connected() {
    let (first, first_address) = Backend::on_tcp(TestHost::new("b1")).await;
    let (second, second_address) = Backend::on_tcp(TestHost::new("b2")).await;
    let reader = Reader::new();
    let connectors = vec![tcp(first_address), tcp(second_address)];
    let link = Link::start(options(connectors), reader.clone());
    until("it follows", &reader.state, |state| state.renewals > 0).await;
    all_connected(&link).await;
    for _ in 0..4 {
        let (answer, _) = link.call(call("name"), Body::empty()).await.unwrap();
        assert_eq!(answer.log, first.host.log);
    }

    // Only the feed breaks: the other back end would be the next.
    fail_once(&reader);
    let last = first.host.append("hard to apply");
    until("it is cut", &reader.state, |state| state.cuts >= 1).await;
    reached(&reader, last).await;
    assert_eq!(second.host.members.borrow().len(), 0);
    let problem = link.status().backends[1].last_error.clone().unwrap();
    assert!(problem.contains("but another back end has log"), "{problem}");

    first.stopped().await;
    let followed = Some(second.host.log);
    until("it follows the other", &reader.state, |it| it.followed.map(|it| it.log) == followed)
        .await;
    assert!(!reader.state.borrow().welcomes.last().unwrap().resumed);
    let name = text(link.call(call("name"), Body::empty()).await.unwrap().1).await;
    assert_eq!(name, "b2");
}
