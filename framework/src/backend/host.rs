//! Implements the link's interface to the back end.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::body::Body;
use crate::claim;
use crate::clock::{self, Moment};
use crate::link::{
    Admission, Answer, BackEndRefusal, Call, Departure, FeedBatch, FeedRecord, FileLookup,
    FoundFiles, Grant, Greeting, Holdings, Host, MemberId, Open, SnapshotPiece,
};
use crate::log::{ContentId, Draft, Membership, Position};

use super::Backend;
use super::members::FeedId;

/// The longest pause between checks whether a front end that was cut off has ended.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// A back end as the link's host.
pub(crate) struct BackendHost(pub Arc<Backend>);

impl Host for BackendHost {
    fn greeting(&self) -> Greeting {
        Greeting { backend: self.0.name.clone(), log: self.0.log_id() }
    }

    async fn call(&self, call: Call, body: Body) -> (Answer, Body) {
        Backend::answer(&self.0, call, body).await
    }

    async fn admit(&self, open: Open) -> Result<Admission, BackEndRefusal> {
        self.0.admit(open).await
    }

    fn committed(&self) -> Position {
        self.0.tail.applied()
    }

    async fn wait_beyond(&self, position: Position) {
        self.0.tail.reach(position.next()).await;
    }

    async fn records(
        &self,
        after: Position,
        through: Position,
        max_bytes: usize,
    ) -> Result<FeedBatch, BackEndRefusal> {
        self.0.records(after, through, max_bytes).await
    }

    fn acknowledge(&self, member: MemberId, position: Position) {
        self.0.members.acknowledge(FeedId(member.0), position);
    }

    fn grant(&self, member: MemberId, stamp: Moment, answer_took: Option<Duration>) -> Grant {
        self.0.members.grant(FeedId(member.0), stamp, answer_took)
    }

    fn report(&self, member: MemberId, holdings: Holdings) {
        self.0.members.report(FeedId(member.0), holdings);
    }

    async fn lookup(&self, lookup: FileLookup) -> Result<FoundFiles, BackEndRefusal> {
        Backend::lookup(&self.0, lookup).await
    }

    async fn content(
        &self,
        content: ContentId,
        offset: u64,
    ) -> Result<Option<Body>, BackEndRefusal> {
        self.0.docroot.content(content, offset).await
    }

    fn leave(&self, member: MemberId, departure: Departure) {
        match departure {
            Departure::Cut => {
                if let Some((incarnation, name)) = self.0.members.cut(FeedId(member.0)) {
                    let backend = Arc::clone(&self.0);
                    tokio::spawn(async move { backend.watch_for_end(incarnation, name).await });
                }
            }
            Departure::Goodbye => {
                if let Some(incarnation) = self.0.members.leave(FeedId(member.0)) {
                    let backend = Arc::clone(&self.0);
                    tokio::spawn(async move { backend.note_left(incarnation).await });
                }
            }
        }
    }
}

impl Backend {
    async fn admit(&self, open: Open) -> Result<Admission, BackEndRefusal> {
        let Open { name, incarnation, followed, predecessor } = open;
        if let Some(before) = predecessor {
            self.members.end(before, &name);
        }
        // Joining and leaving are written one at a time: the log must never record that a front end
        // has left after it was admitted again.
        let _alone = self.membership.lock().await;
        if !self.members.knows(incarnation) {
            let lease = self.members.lease();
            let joined = Membership::Joined { incarnation, name: name.clone(), lease };
            let draft = Draft { membership: Some(joined), ..Draft::default() };
            self.append(draft)
                .await
                .map_err(|error| BackEndRefusal { message: error.to_string() })?;
        }
        let committed = self.tail.applied();
        let resumed = followed.filter(|followed| {
            let seen = followed.seen.max(followed.applied);
            self.log.includes(followed.log, seen)
                && followed.applied <= committed
                && followed.fingerprint == self.fingerprint()
                && self.tail.reaches(followed.applied)
        });
        let start = resumed.map_or(committed, |followed| followed.applied);
        let resumed = resumed.is_some();
        let member = self.members.join(incarnation, &name, start);
        Ok(Admission {
            member: MemberId(member.0),
            log: self.log.epoch(),
            fingerprint: self.fingerprint(),
            lease: self.members.lease(),
            start,
            resumed,
            backend: self.name.clone(),
            // Taken after `start` was determined: it may be ahead of `start`, but lacks nothing.
            snapshot: match resumed {
                true => Vec::new(),
                false => self.snapshot(),
            },
            openings: self.log.openings(),
        })
    }

    /// Returns the fingerprint of everything besides the records that determines a page: the rules
    /// that derive groups from records, and the program's code. A front end that has followed
    /// another fingerprint drops its cache.
    fn fingerprint(&self) -> u64 {
        self.states.derivation() ^ self.program
    }

    /// Returns the snapshot for a front end that does not resume its feed.
    fn snapshot(&self) -> Vec<SnapshotPiece> {
        let revocations = self.revocations.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let files = self.docroot.manifest().to_pieces().into_iter();
        let revocations = revocations.to_pieces().into_iter();
        files.map(SnapshotPiece::Files).chain(revocations.map(SnapshotPiece::Revocations)).collect()
    }

    async fn records(
        &self,
        after: Position,
        through: Position,
        max_bytes: usize,
    ) -> Result<FeedBatch, BackEndRefusal> {
        // Invalidations are derived when records are applied, and kept in the tail only.
        let records = self.tail.between(after, through).ok_or_else(|| BackEndRefusal {
            message: format!("the records after {after} are no longer in memory"),
        })?;
        Ok(batch(records, through, max_bytes))
    }

    /// Checks whether the process of a front end that was cut off has ended, until its lease is
    /// over.
    async fn watch_for_end(&self, incarnation: u64, name: String) {
        let path = claim::path(&self.claims, &name);
        let deadline = clock::now().after(self.members.lease());
        // A process that ends closes its sockets before it releases its lock.
        let mut pause = Duration::from_millis(1);
        while clock::now() < deadline {
            let path = path.clone();
            let looking = tokio::task::spawn_blocking(move || claim::has_ended(&path, incarnation));
            if looking.await.unwrap_or(false) {
                return self.members.end(incarnation, &name);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Writes to the log that a front end has left, unless it has joined again meanwhile.
    async fn note_left(&self, incarnation: u64) {
        let _alone = self.membership.lock().await;
        if !self.members.knows(incarnation) {
            self.write_left(incarnation).await;
        }
    }
}

/// Returns as many of the records as fit into `max_bytes`, but at least one.
fn batch(records: Vec<(Position, bytes::Bytes)>, through: Position, max_bytes: usize) -> FeedBatch {
    let mut batch = FeedBatch { records: Vec::with_capacity(records.len()), through };
    let mut bytes = 0;
    for (position, payload) in records {
        bytes += payload.len();
        if bytes > max_bytes
            && let Some(last) = batch.records.last()
        {
            batch.through = last.position;
            break;
        }
        batch.records.push(FeedRecord { position, payload });
    }
    batch
}
