use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::{Barrier, Semaphore, watch};

use super::flood;
use crate::body::{Body, BodyError};
use crate::clock::{self, Moment};
use crate::link::*;
use crate::log::{ContentId, LogEpoch, Position};

pub(super) const LEASE: Duration = Duration::from_millis(400);

/// The test back end: its log is in memory.
pub(super) struct TestHost {
    pub(super) name: String,
    pub(super) log: LogEpoch,
    /// Payloads by position; the record at a position without one is empty.
    records: Mutex<BTreeMap<Position, Bytes>>,
    pub(super) committed: watch::Sender<Position>,
    pub(super) members: watch::Sender<BTreeMap<MemberId, Seen>>,
    ids: AtomicU64,
    /// Runs after each call of `committed`.
    pub(super) after_committed: Mutex<Option<Hook>>,
    /// The number of bytes of records that the link has received.
    pub(super) handed_out: AtomicUsize,
    /// Whether the log is read from a slow disk, a few records at a time.
    pub(super) slow: AtomicBool,
    /// Files by path.
    pub(super) contents: Mutex<BTreeMap<String, (ContentId, Bytes)>>,
    /// The snapshot for front ends that do not resume.
    pub(super) snapshot: Mutex<Vec<SnapshotPiece>>,
    /// The decision on renewals.
    pub(super) grants: Mutex<Grant>,
    pub(super) refuse: Mutex<Option<String>>,
    pub(super) calls: watch::Sender<usize>,
    /// Bytes of bodies that controllers have read or made.
    pub(super) bytes: Arc<watch::Sender<usize>>,
    /// Controllers that wait acquire permits of this.
    pub(super) gate: Semaphore,
    pub(super) gathering: Barrier,
    pub(super) finished: watch::Sender<usize>,
}

type Hook = Box<dyn FnMut(&TestHost) + Send>;

/// The state of a member, as the test back end has observed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) open: Option<Open>,
    pub(super) acknowledged: Position,
    pub(super) holdings: Holdings,
    /// The reported holdings when each position was acknowledged.
    pub(super) held_then: Vec<(Position, Holdings)>,
    pub(super) lease_until: Option<Moment>,
    pub(super) renewals: usize,
    /// The reported time that the answer to its last renewal but one took.
    pub(super) answer_took: Option<Duration>,
    pub(super) left: Option<Departure>,
}

impl TestHost {
    pub(super) fn new(name: &str) -> Arc<TestHost> {
        TestHost::with_log(name, LogEpoch::first_of(rand::random()))
    }

    pub(super) fn with_log(name: &str, log: LogEpoch) -> Arc<TestHost> {
        Arc::new(TestHost {
            name: name.to_owned(),
            log,
            records: Mutex::default(),
            committed: watch::Sender::new(Position::START),
            members: watch::Sender::default(),
            ids: AtomicU64::new(1),
            after_committed: Mutex::default(),
            handed_out: AtomicUsize::new(0),
            slow: AtomicBool::new(false),
            contents: Mutex::default(),
            snapshot: Mutex::default(),
            grants: Mutex::new(Grant::Given),
            refuse: Mutex::default(),
            calls: watch::Sender::new(0),
            bytes: Arc::default(),
            gate: Semaphore::new(0),
            gathering: Barrier::new(100),
            finished: watch::Sender::new(0),
        })
    }

    /// Appends a record; one without a payload when `payload` is empty.
    pub(super) fn append(&self, payload: impl Into<Bytes>) -> Position {
        let payload = payload.into();
        let mut records = self.records.lock().unwrap();
        let position = self.committed.borrow().next();
        if !payload.is_empty() {
            records.insert(position, payload);
        }
        self.committed.send_replace(position);
        position
    }

    /// Returns whether a writer would have to wait for a member now.
    pub(super) fn is_leased(&self) -> bool {
        let now = clock::now();
        let members = self.members.borrow();
        members.values().any(|seen| seen.lease_until.is_some_and(|until| now <= until))
    }

    fn see(&self, member: MemberId, change: impl FnOnce(&mut Seen)) {
        self.members.send_modify(|members| change(members.entry(member).or_default()));
    }
}

impl Host for TestHost {
    fn greeting(&self) -> Greeting {
        Greeting { backend: self.name.clone(), log: self.log.id }
    }

    async fn call(&self, call: Call, mut body: Body) -> (Answer, Body) {
        self.calls.send_modify(|calls| *calls += 1);
        let body = match call.controller.as_str() {
            "echo" => body,
            "name" => Body::from(self.name.clone()),
            "again" => {
                let read = body.collect(1 << 20).await.unwrap();
                self.finished.send_modify(|finished| *finished += 1);
                self.gate.acquire().await.unwrap().forget();
                let read = String::from_utf8_lossy(&read);
                Body::from(format!("{} {:?} {read}", call.is_again, call.id))
            }
            "gather" => {
                self.gathering.wait().await;
                Body::empty()
            }
            "count" => {
                while let Some(frame) = body.frame().await {
                    self.gate.acquire().await.unwrap().forget();
                    let read = frame.unwrap().into_data().unwrap().len();
                    self.bytes.send_modify(|bytes| *bytes += read);
                }
                Body::from(self.bytes.borrow().to_string())
            }
            "repeat" => Body::from("x".repeat(call.params[0].1.parse().unwrap())),
            "wait, then flood" => {
                self.gate.acquire().await.unwrap().forget();
                flood(1 << 20, self.bytes.clone())
            }
            "flood" => flood(64 << 20, self.bytes.clone()),
            "break" => {
                let pieces = [Ok("half of it"), Err(BodyError::broken("the disk is gone"))];
                let frames = pieces.map(|piece| {
                    piece.map(|text| http_body::Frame::data(Bytes::from_static(text.as_bytes())))
                });
                Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
            }
            "wait" => {
                self.gate.acquire().await.unwrap().forget();
                self.finished.send_modify(|finished| *finished += 1);
                Body::from("done")
            }
            "panic" => panic!("the controller panics"),
            "never" => std::future::pending().await,
            other => Body::from(format!("no controller {other}")),
        };
        let content = match call.controller.as_str() {
            "huge" => AnswerContent::Template { name: "huge".into(), values: vec![b' '; 17 << 20] },
            _ => AnswerContent::Body,
        };
        let answer = Answer {
            status: 200,
            headers: call.headers,
            content,
            groups: vec!["stories".to_owned()],
            recorded: Some(Vec::new()),
            widened: None,
            cache: None,
            has_session: false,
            flash: None,
            session: None,
            log: self.log,
            as_of: *self.committed.borrow(),
        };
        (answer, body)
    }

    async fn admit(&self, open: Open) -> Result<Admission, BackEndRefusal> {
        if let Some(message) = self.refuse.lock().unwrap().clone() {
            return Err(BackEndRefusal { message });
        }
        let member = MemberId(self.ids.fetch_add(1, Ordering::Relaxed));
        let followed = open.followed.filter(|followed| followed.log == self.log);
        let resumed = followed.is_some();
        let start = followed.map_or(*self.committed.borrow(), |followed| followed.applied);
        self.see(member, |seen| {
            seen.open = Some(open);
            seen.acknowledged = start;
        });
        let backend = self.name.clone();
        let snapshot = match resumed {
            true => Vec::new(),
            false => self.snapshot.lock().unwrap().clone(),
        };
        let (log, fingerprint, lease) = (self.log, 0, LEASE);
        Ok(Admission {
            member,
            log,
            fingerprint,
            lease,
            start,
            resumed,
            backend,
            snapshot,
            openings: vec![(log.epoch, Position::START)],
        })
    }

    fn committed(&self) -> Position {
        let committed = *self.committed.borrow();
        if let Some(hook) = &mut *self.after_committed.lock().unwrap() {
            hook(self);
        }
        committed
    }

    async fn wait_beyond(&self, position: Position) {
        let mut committed = self.committed.subscribe();
        let _ = committed.wait_for(|committed| *committed > position).await;
    }

    async fn records(
        &self,
        after: Position,
        through: Position,
        max_bytes: usize,
    ) -> Result<FeedBatch, BackEndRefusal> {
        let mut through = through;
        if self.slow.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            through = through.min(Position(after.0 + 50));
        }
        let all = self.records.lock().unwrap();
        let mut bytes = 0;
        let mut records = Vec::new();
        for (position, payload) in all.range(after.next()..=through) {
            if bytes > 0 && bytes + payload.len() > max_bytes {
                let through = Position(position.0 - 1);
                return Ok(FeedBatch { records, through });
            }
            bytes += payload.len();
            self.handed_out.fetch_add(payload.len(), Ordering::Relaxed);
            records.push(FeedRecord { position: *position, payload: payload.clone() });
        }
        Ok(FeedBatch { records, through })
    }

    fn acknowledge(&self, member: MemberId, position: Position) {
        self.see(member, |seen| {
            seen.acknowledged = position;
            seen.held_then.push((position, seen.holdings.clone()));
        });
    }

    fn grant(&self, member: MemberId, _stamp: Moment, took: Option<Duration>) -> Grant {
        let grant = *self.grants.lock().unwrap();
        self.see(member, |seen| {
            seen.renewals += 1;
            seen.answer_took = took;
            if grant == Grant::Given {
                seen.lease_until = Some(clock::now().after(LEASE));
            }
        });
        grant
    }

    fn report(&self, member: MemberId, holdings: Holdings) {
        self.see(member, |seen| seen.holdings = holdings);
    }

    async fn lookup(&self, lookup: FileLookup) -> Result<FoundFiles, BackEndRefusal> {
        if lookup.applied > *self.committed.borrow() {
            return Err(BackEndRefusal { message: "not there yet".to_owned() });
        }
        let contents = self.contents.lock().unwrap();
        let files = lookup.paths.iter().map(|path| contents.get(path).map(|(id, _)| Some(*id)));
        Ok(FoundFiles { files: files.collect() })
    }

    async fn content(
        &self,
        content: ContentId,
        offset: u64,
    ) -> Result<Option<Body>, BackEndRefusal> {
        let contents = self.contents.lock().unwrap();
        let found = contents.values().find(|(id, _)| *id == content);
        Ok(found.map(|(_, bytes)| Body::from(bytes.slice(offset as usize..))))
    }

    fn leave(&self, member: MemberId, departure: Departure) {
        self.see(member, |seen| {
            assert_eq!(seen.left, None, "a member leaves once");
            seen.left = Some(departure);
        });
    }
}
