//! The value that updates are applied to before it is published.
//!
//! # The argument
//!
//! Updates change a *working* value in place: a clone of the published one, made for the first update
//! of a transaction. It is published when all records of the transaction are applied. So a reader never
//! sees half an update, and a transaction costs one clone, however many updates share it. A replay is
//! one transaction, in which almost nothing has to be cloned.
//!
//! An `apply` that panics may leave the working value half changed. Then it is dropped, and made anew
//! from the published one by the updates that were applied since. `apply` does the same each time, so
//! this is the value from before the panic. It is published at once: so no update is applied again for
//! more than one panic.
//!
//! For this the updates since the last publication are kept in memory, encoded. During a replay the
//! value is also published when they take more than an eighth of all that was replayed (and 16 MiB;
//! 256 MiB are enough in any case). So the clones of a replay cost no more than a constant times the
//! log's length.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use super::store::decode;
use super::{At, State};
use crate::log::{ApplyError, panic_message};

/// The bounds of what is kept of a transaction's updates, in bytes.
const KEPT: std::ops::RangeInclusive<usize> = 16 << 20..=256 << 20;
/// What keeping an update takes beside its bytes.
const EACH: usize = 96;

/// A value with the updates that lead to it from the published one.
pub(super) struct Working<S> {
    value: S,
    since: Vec<(Bytes, At)>,
    bytes: usize,
}

impl<S: State> Working<S> {
    /// Begins with the published value.
    pub(super) fn new(published: &S) -> Working<S> {
        Working { value: published.clone(), since: Vec::new(), bytes: 0 }
    }

    /// Applies an update, which is `bytes` when encoded.
    ///
    /// # Errors
    /// When it panics. Then this value is of no use any more.
    pub(super) fn apply(
        &mut self,
        update: S::Update,
        bytes: &Bytes,
        at: At,
    ) -> Result<S::Output, ApplyError> {
        let applied = catch_unwind(AssertUnwindSafe(|| self.value.apply(update, at)));
        let output = applied
            .map_err(|panic| ApplyError::Panicked { message: panic_message(&*panic).to_owned() })?;
        self.bytes += bytes.len() + EACH;
        self.since.push((bytes.clone(), at));
        Ok(output)
    }

    /// The value from before an update that has panicked.
    pub(super) fn anew(self, published: &S) -> S {
        let mut value = published.clone();
        drop(self.value);
        for (bytes, at) in self.since {
            let Ok(update) = decode::<S>(&bytes) else { continue };
            // What did not panic the first time panics only if `apply` breaks its contract.
            let applied = catch_unwind(AssertUnwindSafe(|| value.apply(update, at)));
            if applied.is_err() {
                tracing::error!(position = %at.position, "an update panicked that had been applied before");
            }
        }
        value
    }

    /// Whether the updates are so many that the value ought to be published, when updates of so many
    /// bytes were applied in all.
    pub(super) fn is_long(&self, applied: usize) -> bool {
        self.bytes > (applied / 8).clamp(*KEPT.start(), *KEPT.end())
    }

    /// How many bytes the updates take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn into_value(self) -> S {
        self.value
    }
}
