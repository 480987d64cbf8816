use std::any::Any;

use super::{Beginning, Past, Position, Record, Unrepeatable};

/// The consumer of the log: it receives each record, in order and without gaps, first those that are in the log
/// when it is opened and then each one as it becomes durable.
///
/// Its methods run on the log's own thread. While one runs nothing is committed, so none may wait for an
/// append.
pub(crate) trait Applier: Send + 'static {
    /// Restores the content of a checkpoint before the first record; records up to the returned position are
    /// not applied. `past` determines which checkpoints are of this log.
    ///
    /// # Errors
    /// The reason why the log cannot be opened, for an operator.
    fn begin(&mut self, past: &Past) -> Result<Beginning, String> {
        match past.base() {
            Position::START => Ok(Beginning::default()),
            base => {
                Err(format!("the records up to {base} are in a checkpoint only, which is missing"))
            }
        }
    }

    /// Applies a record.
    fn apply(&mut self, record: &Record) -> Applied;

    /// Ends a batch: all records up to `last` are applied. They are those of one transaction, or at the start
    /// those that were in the log.
    fn batch_end(&mut self, last: Position) {
        let _ = last;
    }
}

/// The result of applying a record: the outcome of its update, if it has one.
pub(crate) type Applied = Result<Option<UpdateOutcome>, ApplyError>;

/// Returns whether the record has an effect: it has no update, or its update was made.
pub(crate) fn is_made(applied: &Applied) -> bool {
    matches!(applied, Ok(None | Some(UpdateOutcome::Made(_))))
}

/// The outcome of an update. Unless it was made, it has changed nothing, and its record invalidates nothing.
#[derive(Debug)]
pub(crate) enum UpdateOutcome {
    /// It was applied, with this output.
    Made(Box<dyn Any + Send>),
    /// `apply` has refused it, with this refusal.
    Refused(Box<dyn Any + Send>),
    /// It was applied before.
    Repeated {
        /// The position of the record with which it was applied.
        first: Position,
        /// The output of `apply` then.
        output: Box<dyn Any + Send>,
    },
    /// It was or may have been applied before, but does not count as a repetition.
    Unrepeatable(Unrepeatable),
}

/// The reason why a record was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The code that applies it panicked, as it will at every replay. The record counts as applied and changes
    /// nothing.
    #[error("applying the record panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The site cannot read the record. At replay this stops the start: without the record the data would
    /// differ from the acknowledged data.
    #[error("{message}")]
    Unreadable {
        /// The part that cannot be read, and what to do.
        message: String,
    },
    /// The record contains a hash of the data that differs from the data here. At replay this stops the start.
    #[error("{message}")]
    Differs {
        /// The difference, and what to look for.
        message: String,
    },
}

impl ApplyError {
    /// Returns the reason why no later record can be applied, if this error is such a reason.
    pub(super) fn halts(&self) -> Option<&str> {
        match self {
            ApplyError::Panicked { .. } => None,
            ApplyError::Unreadable { message } | ApplyError::Differs { message } => Some(message),
        }
    }
}

/// Returns the message of a caught panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    if let Some(message) = panic.downcast_ref::<&'static str>() {
        message
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message
    } else {
        "no message"
    }
}
