use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::log::{Position, Record, StateHash};
use crate::state::States;

/// How many positions apart states are hashed.
const INTERVAL: u64 = 256;
/// How many hashes are kept, until a record says what they should be: more than are made in the time in which one
/// gets into the log.
const KEPT: usize = 1024;

/// What a back end does whose states have another hash than the log says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnDifference {
    /// It applies no record any more.
    #[default]
    Stop,
    /// It says so, and goes on with the states that it has. Front ends that have followed other ones drop their caches.
    Report,
}

/// The hashes that the states have had, and what the log says of them.
pub(crate) struct StateHashes {
    states: Arc<States>,
    on_difference: OnDifference,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Made {
    /// Of the positions that are multiples of the interval, the oldest first.
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
    /// When the record says that the states had another hash than they had here: a sentence for an operator.
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

    /// The newest hash, if the log does not have it yet.
    pub(crate) fn due(&self) -> Option<StateHash> {
        let made = self.lock();
        let (after, fields) = made.hashes.back().filter(|(after, _)| *after > made.logged)?;
        let fingerprint = self.states.fingerprint();
        Some(StateHash { after: *after, fingerprint, fields: fields.clone() })
    }

    /// Hashes what a checkpoint has restored, and compares it with the `hash` in the checkpoint.
    ///
    /// # Errors
    /// When it differs: a sentence for an operator.
    pub(crate) fn restored(&self, hash: Option<&StateHash>) -> Result<(), String> {
        self.states.rehash();
        let Some(hash) = hash else { return Ok(()) };
        self.compare(&self.states.hashes(), hash, "the checkpoint says")
    }

    /// Whether the node goes on though states have been changed by something else than updates. Then they are
    /// compared no longer.
    pub(crate) fn goes_on(&self) -> bool {
        let goes_on = self.on_difference == OnDifference::Report;
        if goes_on {
            self.states.forget_hashes();
            self.lock().hashes.clear();
        }
        goes_on
    }

    fn compare_logged(&self, logged: &StateHash, position: Position) -> Result<(), String> {
        let ours = {
            let mut made = self.lock();
            made.logged = made.logged.max(logged.after);
            // There is none of a position before the checkpoint that the start began with.
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
        // What was hashed before is known to be different.
        self.lock().hashes.clear();
        let reason = format!(
            "{} had another hash after position {} than {says}: the same records have come to other data than when \
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
