use std::future::Future;
use std::pin::Pin;

use crate::log::{AppendError, Applied, ApplyError, Draft, Receipt, Unrepeatable};

/// The destination of drafts. The back end gives every request its own journal, which adds the invalidations of
/// the request's controller to each draft.
pub(crate) trait Journal: Send + Sync {
    /// Appends the drafts in one transaction, waits until they are durable and applied here and until every front
    /// end has stopped serving what they invalidate.
    fn write(&self, drafts: Vec<Draft>) -> Writing<'_>;
}

/// The future of drafts that are being written; it returns their records in the order of the drafts.
pub(crate) type Writing<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Written>, WriteError>> + Send + 'a>>;

/// A draft that has become a record.
pub(crate) struct Written {
    /// Proof that no front end serves content that the record invalidated.
    pub(crate) receipt: Receipt,
    /// The outcome of the record's update.
    pub(crate) applied: Applied,
}

impl dyn Journal + '_ {
    /// Writes one draft.
    ///
    /// # Errors
    /// As [`write`](Journal::write).
    pub(crate) async fn write_one(&self, draft: Draft) -> Result<Written, WriteError> {
        let mut written = self.write(vec![draft]).await?;
        Ok(written.pop().expect("each draft becomes a record"))
    }
}

/// Why a draft did not become a record, or not visibly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A pattern is not a regular expression, or can never match. Nothing was written.
    #[error("the pattern `{pattern}` is refused: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The message of the regex parser, with the position.
        reason: String,
    },
    /// The log could not store the record, because the disk is full, for example. Nothing of this record was
    /// written; records written before in the same call stay.
    #[error("the log could not store the record, so this change was not made: {reason}")]
    Storage {
        /// The message of the log's engine.
        reason: String,
    },
    /// The log's storage failed in a way that leaves it open whether it contains the record. The update is not
    /// applied now; it will be applied if the record turns out to be in the log.
    #[error("the log's storage failed, and it is not known whether the record is in it: {reason}")]
    InDoubt {
        /// The message of the log's engine.
        reason: String,
    },
    /// The update's type does not survive being encoded. Nothing was written.
    #[error(
        "the update of the state \"{state}\" cannot be encoded so that it can be read again, so \
         nothing was changed: {reason}"
    )]
    Encoding {
        /// The state's name.
        state: String,
        /// The message of the encoder.
        reason: String,
    },
    /// The update would make a row or a value that cannot be read back at the next start. Nothing was written.
    /// Only builds with debug assertions detect this; in others the next checkpoint fails, and the log keeps
    /// its records.
    #[error(
        "the update of the state \"{state}\" would make data that cannot be read back, in `{field}`: {reason}"
    )]
    NotReadable {
        /// The state's name.
        state: String,
        /// The field of the state.
        field: &'static str,
        /// The part that cannot be read back, and what to write.
        reason: String,
    },
    /// The update is larger than a record may be. Nothing was written.
    #[error("the record has {size} bytes, more than the {limit} that a record may have")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The state's `apply` refuses a first update of a new site. For other updates a refusal is a part of their
    /// output.
    #[error("`apply` refuses the update: {message}")]
    Refused {
        /// The number of the update, and the message of the refusal.
        message: String,
    },
    /// The state's `apply` panicked on the update. The record is in the log, and every replay skips it in the
    /// same way: the state is as it was before.
    #[error("`apply` panicked on the update, so nothing was changed: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
    /// The site has no state that can read the update. The record is in the log, and the site does not start
    /// until it has such a state. Drafts of a `Store` never cause this error.
    #[error("{message}")]
    Unreadable {
        /// The part that cannot be read, and what to do.
        message: String,
    },
    /// The request has the `Idempotency-Key` of another, earlier request. Nothing was changed.
    #[error(
        "the Idempotency-Key was sent with another request before (another method, URL, body, content type, cookie \
         or authorization), so nothing was changed: a new request needs a new key, and one that is sent again has to \
         be as it was"
    )]
    KeyReused,
    /// The request was sent before, and it is not certain that this update is one of those that were made then.
    /// Nothing was changed now.
    #[error("{message}")]
    Unrepeatable {
        /// The reason, and what to do.
        message: String,
    },
    /// The back end is stopping. Nothing was written.
    #[error("the back end is stopping and takes no more writes")]
    Stopping,
}

impl From<AppendError> for WriteError {
    fn from(error: AppendError) -> WriteError {
        match error {
            AppendError::Storage { reason } => WriteError::Storage { reason },
            AppendError::InDoubt { reason } => WriteError::InDoubt { reason },
            AppendError::TooLarge { size, limit } => WriteError::TooLarge { size, limit },
            AppendError::Stopping => WriteError::Stopping,
        }
    }
}

impl From<ApplyError> for WriteError {
    fn from(error: ApplyError) -> WriteError {
        match error {
            ApplyError::Panicked { message } => WriteError::Panicked { message },
            ApplyError::Unreadable { message } | ApplyError::Differs { message } => {
                WriteError::Unreadable { message }
            }
        }
    }
}

impl From<Unrepeatable> for WriteError {
    fn from(reason: Unrepeatable) -> WriteError {
        let message = match reason {
            Unrepeatable::KeyReused => return WriteError::KeyReused,
            Unrepeatable::OtherUpdate { first } => format!(
                "the request was sent before and has made an update at position {first}; now its controller makes one of \
                 another kind in its place, so nothing was changed: make decisions that depend on the present data in \
                 `apply`"
            ),
            Unrepeatable::NoOutcome { first } => format!(
                "the request was sent before, and this update was made at position {first}; its outcome was longer than is \
                 kept, or is of a type that has changed"
            ),
            Unrepeatable::Forgotten => {
                "the request was sent again after its link had broken, and so much has happened since that it is not known \
                 whether the update was made"
                    .to_owned()
            }
        };
        WriteError::Unrepeatable { message }
    }
}
