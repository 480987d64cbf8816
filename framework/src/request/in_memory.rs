use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::docroot::{Keeper, Keeping, SyncError, Taken, check_path};
use crate::log::{Draft, FileChange, LogId, Position, Receipt, Record, milliseconds_since_1970};
use crate::state::{Journal, States, WriteError, Writing, Written};

/// A journal that applies each draft immediately and stores nothing.
pub(super) struct InMemory {
    states: Arc<States>,
    log: LogId,
    last: Mutex<Position>,
}

impl InMemory {
    pub(super) fn new(states: Arc<States>) -> InMemory {
        InMemory { states, log: LogId::random(), last: Mutex::new(Position::START) }
    }

    fn apply(&self, drafts: Vec<Draft>) -> Result<Vec<Written>, WriteError> {
        for draft in &drafts {
            let checked = draft.invalidation.check().and_then(|()| draft.deferred.check());
            checked.map_err(|(pattern, reason)| WriteError::Pattern { pattern, reason })?;
        }
        let time = milliseconds_since_1970();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let written = drafts.into_iter().map(|content| {
            let position = last.next();
            *last = position;
            let record = Record { position, time, content };
            let applied = self.states.apply(&record);
            let applied = applied.map(|applied| applied.map(|(outcome, _)| outcome));
            let receipt = Receipt { log: self.log, position, acknowledgements: Vec::new() };
            Written { receipt, applied }
        });
        let written = written.collect();
        self.states.publish();
        Ok(written)
    }
}

impl Journal for InMemory {
    fn write(&self, drafts: Vec<Draft>) -> Writing<'_> {
        Box::pin(ready(self.apply(drafts)))
    }
}

/// A docroot that is never read and in which every file is missing.
impl Keeper for InMemory {
    fn folder(&self) -> &Path {
        Path::new("docroot")
    }

    fn take<'a>(&'a self, path: &'a str) -> Keeping<'a, Taken> {
        let checked = check_path(path);
        let path = path.to_owned();
        Box::pin(ready(match checked {
            Ok(()) => Ok(Taken::new(FileChange { path, content: None }, ())),
            Err(reason) => Err(SyncError::Path { path, reason }),
        }))
    }

    fn held<'a>(&'a self, _: &'a str, _: Position) -> Keeping<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}
