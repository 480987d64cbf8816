use std::any::Any;

use super::{Beginning, Past, Position, Record, Unrepeatable};

/// What follows the log: it is shown each record, in order and without gaps, first those that are
/// in the log when it is opened and then each as it becomes durable.
///
/// Its methods run on the log's own thread. While one runs nothing is committed, so none may wait
/// for an append.
pub(crate) trait Applier: Send + 'static {
    /// Restores what a checkpoint holds, before the first record is shown: records up to the returned
    /// position are not shown. `past` says which checkpoints are of this log.
    ///
    /// # Errors
    /// Why the log cannot be opened, for an operator.
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

    /// All records up to `last` are applied: those of one transaction, or at the start those that
    /// were in the log.
    fn batch_end(&mut self, last: Position) {
        let _ = last;
    }
}

/// The result of applying a record: what it was for its writer, if it has an update.
pub(crate) type Applied = Result<Option<UpdateOutcome>, ApplyError>;

/// Whether the record counts: its update, if it has one, changed the data.
pub(crate) fn is_made(applied: &Applied) -> bool {
    matches!(applied, Ok(None | Some(UpdateOutcome::Made(_))))
}

/// What has become of an update. Unless it was made, it has changed nothing, and its record invalidates nothing.
#[derive(Debug)]
pub(crate) enum UpdateOutcome {
    /// It was applied, and this is what that returned.
    Made(Box<dyn Any + Send>),
    /// `apply` has refused it, and returned this.
    Refused(Box<dyn Any + Send>),
    /// It was applied before.
    Repeated {
        /// The position of the record that it was applied with.
        first: Position,
        /// What applying it returned then.
        output: Box<dyn Any + Send>,
    },
    /// It was or may have been applied before, but is not taken for a repetition of that.
    Unrepeatable(Unrepeatable),
}

/// Why a record was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The code that was to apply it panicked, as it will at every replay. The record counts as
    /// applied: it changes nothing.
    #[error("applying the record panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The site does not understand the record. At replay this stops the start: without the record
    /// the data would be other than what was acknowledged.
    #[error("{message}")]
    Unreadable {
        /// What is not understood, and what to do.
        message: String,
    },
    /// The record says that what those before it have come to is not what they have come to here. At
    /// replay this stops the start.
    #[error("{message}")]
    Differs {
        /// What differs, and what to look for.
        message: String,
    },
}

impl ApplyError {
    /// Why no record can be applied any more, if so.
    pub(super) fn halts(&self) -> Option<&str> {
        match self {
            ApplyError::Panicked { .. } => None,
            ApplyError::Unreadable { message } | ApplyError::Differs { message } => Some(message),
        }
    }
}

/// The message of a caught panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    if let Some(message) = panic.downcast_ref::<&'static str>() {
        message
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message
    } else {
        "no message"
    }
}
