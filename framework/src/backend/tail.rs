use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use super::checkpointer::Saved;
use super::deferrals::Deferrals;
use super::docroot::BackEndDocroot;
use crate::checkpoint::{Checkpoints, StateHashes};
use crate::log::{
    Applied, Applier, ApplyError, Beginning, Invalidation, Past, Position, Record, RecordNotice,
    is_made,
};
use crate::session::Revocations;
use crate::state::States;

/// The number of records of the log's end, and of their bytes, that are kept in memory for the
/// feeds.
const KEPT_RECORDS: usize = 16 * 1024;
const KEPT_BYTES: usize = 16 << 20;

/// The end of the log as feeds read it: the content of the latest records for front ends, and the
/// position up to which this back end has applied the log.
#[derive(Debug)]
pub(super) struct Tail {
    applied: watch::Sender<Position>,
    recent: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    /// The records after `after` that concern front ends.
    records: VecDeque<(Position, Bytes)>,
    after: Position,
    bytes: usize,
}

impl Tail {
    pub(super) fn new() -> Arc<Tail> {
        Arc::new(Tail { applied: watch::channel(Position::START).0, recent: Mutex::default() })
    }

    /// Begins after `position`: earlier records are in a checkpoint.
    pub(super) fn begin(&self, position: Position) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).after = position;
    }

    /// Returns the position up to which this back end has applied the log.
    pub(super) fn applied(&self) -> Position {
        *self.applied.borrow()
    }

    /// Waits until `position` is applied.
    pub(super) async fn reach(&self, position: Position) {
        let mut applied = self.applied.subscribe();
        // The sender lives as long as `self`.
        let _ = applied.wait_for(|applied| *applied >= position).await;
    }

    /// Returns whether the content of the records after `after` is in memory.
    pub(super) fn reaches(&self, after: Position) -> bool {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).after <= after
    }

    /// Returns the content for front ends of the records after `after` and up to `through`; `None`
    /// if it is no longer in memory.
    pub(super) fn between(
        &self,
        after: Position,
        through: Position,
    ) -> Option<Vec<(Position, Bytes)>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if after < recent.after {
            return None;
        }
        let first = recent.records.partition_point(|(position, _)| *position <= after);
        let records = recent.records.range(first..);
        Some(records.take_while(|(position, _)| *position <= through).cloned().collect())
    }

    fn push(&self, position: Position, payload: Bytes) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.bytes += payload.len();
        recent.records.push_back((position, payload));
        while recent.records.len() > KEPT_RECORDS || recent.bytes > KEPT_BYTES {
            let Some((position, payload)) = recent.records.pop_front() else { break };
            recent.bytes -= payload.len();
            recent.after = position;
        }
    }
}

/// Applies the log's records to the site's data, and then publishes them to the feeds.
pub(super) struct Publisher {
    pub(super) states: Arc<States>,
    pub(super) tail: Arc<Tail>,
    pub(super) deferrals: Arc<Deferrals>,
    pub(super) docroot: Arc<BackEndDocroot>,
    pub(super) revocations: Arc<Mutex<Revocations>>,
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) hashes: Arc<StateHashes>,
}

impl Publisher {
    /// Returns the data that checkpoints are made of.
    pub(super) fn saved(&self) -> Saved {
        Saved {
            states: Arc::clone(&self.states),
            tail: Arc::clone(&self.tail),
            deferrals: Arc::clone(&self.deferrals),
            docroot: Arc::clone(&self.docroot),
            revocations: Arc::clone(&self.revocations),
            checkpoints: Arc::clone(&self.checkpoints),
            hashes: Arc::clone(&self.hashes),
        }
    }
}

impl Applier for Publisher {
    fn begin(&mut self, past: &Past) -> Result<Beginning, String> {
        self.saved().restore(past)
    }

    fn apply(&mut self, record: &Record) -> Applied {
        let (applied, derived) = match self.states.apply(record) {
            Ok(Some((outcome, derived))) => (Ok(Some(outcome)), derived),
            Ok(None) => (Ok(None), Invalidation::new()),
            Err(error) => (Err(error), Invalidation::new()),
        };
        let is_made = is_made(&applied);
        let files = record.content.files.clone();
        let mut notice = RecordNotice { invalidation: derived, files, revocations: Vec::new() };
        if is_made {
            notice.invalidation.merge(&record.content.invalidation);
            notice.revocations = record.content.revocations.clone();
        }
        // This comes first: the states have changed, and a panic must not keep that from the front
        // ends.
        let payload = notice.to_bytes();
        if !payload.is_empty() {
            self.tail.push(record.position, payload);
        }
        self.docroot.observe(record);
        if is_made {
            self.deferrals.observe(record);
            let mut revocations = self.revocations.lock().unwrap_or_else(PoisonError::into_inner);
            revocations.apply(record.position, &record.content.revocations, record.time);
        }
        self.hashes.observe(record).map_err(|message| ApplyError::Differs { message })?;
        applied
    }

    fn batch_end(&mut self, last: Position) {
        self.states.publish();
        self.tail.applied.send_replace(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::OnDifference;
    use crate::docroot::Store;
    use crate::log::Draft;

    #[test]
    fn the_tail_returns_the_invalidations_between_two_positions() {
        let tail = Tail::new();
        let store = Store::open(std::path::Path::new("unused")).unwrap();
        let mut publisher = Publisher {
            states: Arc::default(),
            tail: Arc::clone(&tail),
            deferrals: Arc::default(),
            docroot: Arc::new(BackEndDocroot::new("docroot".into(), store)),
            revocations: Arc::default(),
            checkpoints: Arc::new(Checkpoints::beside(std::path::Path::new("unused"))),
            hashes: Arc::new(StateHashes::new(Arc::default(), OnDifference::Stop)),
        };
        for position in 1..=10 {
            let mut content = Draft::default();
            if position % 2 == 0 {
                content.invalidation = Invalidation::new().group("even");
            }
            let record = Record { position: Position(position), time: 0, content };
            assert!(publisher.apply(&record).is_ok());
        }
        assert_eq!(tail.applied(), Position::START, "nothing is shown before the batch is whole");
        publisher.batch_end(Position(10));
        assert_eq!(tail.applied(), Position(10));
        let between = tail.between(Position(3), Position(8)).unwrap();
        let positions: Vec<u64> = between.iter().map(|(position, _)| position.0).collect();
        assert_eq!(positions, [4, 6, 8]);
    }

    #[test]
    fn records_that_were_evicted_are_reported_as_missing() {
        let tail = Tail::new();
        for position in 1..=(KEPT_RECORDS as u64 + 5) {
            tail.push(Position(position), Bytes::from_static(b"x"));
        }
        assert!(!tail.reaches(Position(4)) && tail.reaches(Position(5)));
        assert!(tail.between(Position(4), Position(9)).is_none());
        assert_eq!(tail.between(Position(5), Position(9)).unwrap().len(), 4);
    }

    #[test]
    fn a_tail_that_begins_with_a_checkpoint_has_no_records_before_it() {
        let tail = Tail::new();
        tail.begin(Position(7));
        tail.push(Position(9), Bytes::from_static(b"x"));
        assert!(!tail.reaches(Position(6)) && tail.reaches(Position(7)));
        assert!(tail.between(Position(6), Position(9)).is_none());
        assert_eq!(tail.between(Position(7), Position(9)).unwrap().len(), 1);
    }
}
