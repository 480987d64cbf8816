use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::log::{Draft, LogId, Position, Receipt, Record};
use crate::state::{Journal, States, WriteError, Written};

/// A journal that applies each draft at once and keeps nothing.
pub(super) struct InMemory {
    states: Arc<States>,
    log: LogId,
    last: Mutex<Position>,
}

impl InMemory {
    pub(super) fn new(states: Arc<States>) -> InMemory {
        InMemory { states, log: LogId::random(), last: Mutex::new(Position::START) }
    }

    fn apply(&self, draft: Draft) -> Result<Written, WriteError> {
        let checked = draft.invalidation.check().and_then(|()| draft.deferred.check());
        checked.map_err(|(pattern, reason)| WriteError::Pattern { pattern, reason })?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let record =
            Record { position: last.next(), time: since.as_millis() as u64, content: draft };
        *last = record.position;
        let output = self.states.apply(&record)?;
        let receipt =
            Receipt { log: self.log, position: record.position, acknowledgements: Vec::new() };
        Ok(Written { receipt, output })
    }
}

impl Journal for InMemory {
    fn write(
        &self,
        draft: Draft,
    ) -> Pin<Box<dyn Future<Output = Result<Written, WriteError>> + Send + '_>> {
        Box::pin(ready(self.apply(draft)))
    }
}
