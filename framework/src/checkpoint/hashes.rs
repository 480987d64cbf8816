use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::log::{Position, Record, StateHash};
use crate::state::States;

/// The distance between the positions at which states are hashed.
const INTERVAL: u64 = 256;
/// The number of hashes that are kept until a record contains the expected one: more than are made in the time
/// in which a hash is written to the log.
const KEPT: usize = 1024;

/// The reaction of a back end whose states have another hash than a record contains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnDifference {
    /// It stops applying records.
    #[default]
    Stop,
    /// It logs the difference and continues with its states. Front ends that have followed other states drop
    /// their caches.
    Report,
}

/// The hashes that the states have had, and their comparison with those in the log.
pub(crate) struct StateHashes {
    states: Arc<States>,
    on_difference: OnDifference,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    /// The hashes at the multiples of the interval, the oldest first.
    hashes: VecDeque<(Position, Vec<Option<u128>>)>,
    /// The last position whose hash is in the log.
    logged: Position,
}

impl StateHashes {
    pub(crate) fn new(states: Arc<States>, on_difference: OnDifference) -> StateHashes {
        StateHashes { states, on_difference, made: Mutex::default() }
    }

    /// Observes the next record, after it was applied.
    ///
    /// # Errors
    /// When the record contains another hash than the states had here: a sentence for an operator.
    pub(crate) fn observe(&self, record: &Record) -> Result<(), String> {
        if let Some(logged) = &record.content.hash {
            self.compare_logged(logged, record.position)?;
        }
        if record.position.0.is_multiple_of(INTERVAL) {
            let mut made = self.lock();
            made.hashes.push_back((record.position, self.states.hashes()));
            if made.hashes.len() > KEPT {
                made.hashes.pop_front();
            }
        }
        Ok(())
    }

    /// Returns the newest hash, if the log does not contain it yet.
    pub(crate) fn due(&self) -> Option<StateHash> {
        let made = self.lock();
        let (after, fields) = made.hashes.back().filter(|(after, _)| *after > made.logged)?;
        let fingerprint = self.states.fingerprint();
        Some(StateHash { after: *after, fingerprint, fields: fields.clone() })
    }

    /// Hashes the restored states, and compares the result with the `hash` in the checkpoint.
    ///
    /// # Errors
    /// When they differ: a sentence for an operator.
    pub(crate) fn restored(&self, hash: Option<&StateHash>) -> Result<(), String> {
        self.states.rehash();
        let Some(hash) = hash else { return Ok(()) };
        self.compare(&self.states.hashes(), hash, "the checkpoint says")
    }

    /// Returns whether the node continues although states have been changed by something other than updates. If
    /// so, they are not compared any more.
    pub(crate) fn continues_after_difference(&self) -> bool {
        let continues = self.on_difference == OnDifference::Report;
        if continues {
            self.states.forget_hashes();
            self.lock().hashes.clear();
        }
        continues
    }

    fn compare_logged(&self, logged: &StateHash, position: Position) -> Result<(), String> {
        let ours = {
            let mut made = self.lock();
            made.logged = made.logged.max(logged.after);
            // There are no hashes from before the checkpoint with which the start began.
            let found = made.hashes.binary_search_by_key(&logged.after, |(after, _)| *after);
            let Ok(found) = found else { return Ok(()) };
            made.hashes[found].1.clone()
        };
        self.compare(&ours, logged, &format!("the record at position {position} says"))
    }

    fn compare(&self, ours: &[Option<u128>], logged: &StateHash, says: &str) -> Result<(), String> {
        if logged.fingerprint != self.states.fingerprint() {
            return Ok(());
        }
        let differing = self.states.differing(ours, &logged.fields);
        if differing.is_empty() {
            return Ok(());
        }
        // The hashes from before this difference must not be compared.
        self.lock().hashes.clear();
        let reason = format!(
            "{} had another hash after position {} than {says}: the same records have produced other data than when \
             they were written. Look for an `apply` that reads a clock (there is `at.time`), draws random numbers \
             (`at.random()`), reads files or the environment, or depends on the order of a `HashMap`; for one that was \
             changed without a new `VERSION` of its state; and at the memory of both machines",
            differing.join(" and "),
            logged.after,
        );
        match self.on_difference {
            OnDifference::Stop => Err(format!(
                "{reason}. To go on with the data as they are now, set `state_hash = \"report\"` in the section `[log]` \
                 of project.toml until the next checkpoint is made"
            )),
            OnDifference::Report => {
                self.states.deviate();
                tracing::error!("{reason}");
                metrics::counter!("headwater_state_hash_differences_total").increment(1);
                Ok(())
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Draft;

    #[test]
    fn only_the_last_hashes_are_kept() {
        let hashes = StateHashes::new(Arc::default(), OnDifference::Stop);
        for number in 1..=2 * KEPT as u64 {
            let position = Position(number * INTERVAL);
            hashes.observe(&Record { position, time: 0, content: Draft::default() }).unwrap();
        }
        assert_eq!(hashes.lock().hashes.len(), KEPT);
    }
}
