use super::relay::{Mode, Relay};
use super::*;
use crate::log::ContentId;

fn id(bytes: &[u8]) -> ContentId {
    ContentId { hash: *blake3::hash(bytes).as_bytes(), length: bytes.len() as u64 }
}

fn put(host: &TestHost, path: &str, bytes: impl Into<Bytes>) -> ContentId {
    let bytes = bytes.into();
    let content = id(&bytes);
    host.contents.lock().unwrap().insert(path.to_owned(), (content, bytes));
    content
}

fn lookup(paths: &[&str], applied: Position) -> FileLookup {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    FileLookup { paths, log: None, applied, deadline: GENEROUS.as_millis() as u64 }
}

#[tokio::test]
async fn a_back_end_returns_the_state_of_files() {
    let (backend, link) = pair().await;
    let content = put(&backend.host, "a.png", "picture");
    let found = link.lookup(&lookup(&["a.png", "b.png"], Position::START)).await.unwrap();
    assert_eq!(found.files, [Some(Some(content)), None]);
    let error = link.lookup(&lookup(&["a.png"], Position(9))).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { status: 503, .. }), "{error}");
}

#[tokio::test]
async fn a_content_is_sent_from_any_byte_on() {
    let (backend, link) = pair().await;
    let bytes: Bytes = (0..3_000_000_u32).map(|number| number as u8).collect::<Vec<u8>>().into();
    let content = put(&backend.host, "a.bin", bytes.clone());
    for offset in [0, 1, 1_000_000, bytes.len()] {
        let body = link.content(content, offset as u64).await.unwrap().unwrap();
        let rest = soon("the content", body.collect(1 << 30)).await.unwrap();
        assert_eq!(rest, bytes.slice(offset..), "from {offset}");
    }
    assert!(link.content(id(b"nothing"), 0).await.unwrap().is_none());
}

#[tokio::test]
async fn an_interrupted_content_is_not_taken_for_complete() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let relay = Relay::to(address).await;
    let link = Link::start(options(vec![tcp(relay.address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    let content = put(&backend.host, "a.bin", vec![7; 8 << 20]);
    let body = link.content(content, 0).await.unwrap().unwrap();
    relay.set(Mode::Cut);
    assert!(soon("it breaks", body.collect(1 << 30)).await.is_err());
}

#[tokio::test]
async fn without_a_back_end_a_lookup_fails() {
    let link = Link::start(options(vec![tcp(([127, 0, 0, 1], 9).into())]), Reader::new());
    let lookup = lookup(&["a.png"], Position::START);
    assert!(matches!(link.lookup(&lookup).await, Err(CallError::NoBackend)));
    assert!(matches!(link.content(id(b"a"), 0).await, Err(CallError::NoBackend)));
}

#[tokio::test]
async fn holdings_are_reported_again_over_every_feed() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let relay = Relay::to(address).await;
    let reader = Reader::new();
    let _link = Link::start(options(vec![tcp(relay.address)]), reader.clone());
    let last = backend.host.append("one");
    until("it is applied", &reader.state, |state| state.position() == last).await;
    let mut holdings = Holdings { lacking: vec![last], ..Holdings::default() };
    reader.holdings.send_replace(holdings.clone());
    let reported = async |member: usize, holdings: &Holdings| {
        until("it is reported", &backend.host.members, |members| {
            members.values().nth(member).is_some_and(|seen| seen.holdings == *holdings)
        })
        .await;
    };
    reported(0, &holdings).await;
    relay.set(Mode::Cut);
    until("it is cut", &reader.state, |state| state.cuts > 0).await;
    relay.set(Mode::Carry);
    reported(1, &holdings).await;
    holdings.lacking.clear();
    reader.holdings.send_replace(holdings.clone());
    reported(1, &holdings).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn missing_contents_are_reported_before_the_record_is_acknowledged() {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let reader = Reader::new();
    let lacks = reader.clone();
    *reader.on_apply.lock().unwrap() = Some(Box::new(move || {
        let lacking = vec![lacks.state.borrow().position().next()];
        lacks.holdings.send_replace(Holdings { lacking, ..Holdings::default() });
    }));
    let _link = Link::start(options(vec![tcp(address)]), reader.clone());
    until("a lease is given", &reader.state, |state| state.renewals > 0).await;
    for number in 0..100 {
        let last = backend.host.append(format!("{number}"));
        until("it is acknowledged", &backend.host.members, |members| {
            members.values().any(|seen| seen.acknowledged == last)
        })
        .await;
    }
    let members = backend.host.members.borrow().clone();
    for (position, holdings) in &members.values().next().unwrap().held_then {
        let is_first = *position == Position::START;
        assert!(is_first || holdings.lacking == [*position], "{position}: {holdings:?}");
    }
}

#[tokio::test]
async fn a_front_end_that_does_not_resume_gets_the_snapshot_before_any_record() {
    let host = TestHost::new("b1");
    let piece = |number| SnapshotPiece::Files(vec![number; 100_000].into());
    let pieces: Vec<SnapshotPiece> = (0..50).map(piece).collect();
    *host.snapshot.lock().unwrap() = pieces.clone();
    host.append("before");
    let (backend, address) = Backend::on_tcp(host).await;
    let relay = Relay::to(address).await;
    let reader = Reader::new();
    let _link = Link::start(options(vec![tcp(relay.address)]), reader.clone());
    let state = until("a lease is given", &reader.state, |state| state.renewals > 0).await;
    assert_eq!(state.snapshot, pieces);
    assert_eq!((state.welcomes[0].snapshot, state.welcomes[0].start), (50, Position(1)));
    relay.set(Mode::Cut);
    until("it is cut", &reader.state, |state| state.cuts > 0).await;
    relay.set(Mode::Carry);
    let last = backend.host.append("after");
    let state = until("it goes on", &reader.state, |state| state.position() == last).await;
    let again = state.welcomes.last().unwrap();
    assert!(again.resumed && again.snapshot == 0 && state.snapshot.is_empty());
    let log = again.log;
    assert_eq!(again.openings, [(log.epoch, Position::START)]);
}
