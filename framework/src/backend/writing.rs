//! The journal of one call: what its controller writes, and what it said it would invalidate.
//!
//! # An update and its invalidations are one record
//!
//! What `#[invalidate(…)]` names without a condition goes into every record that the controller
//! writes. A controller that writes none gets a record of its own for it, after it has replied, or
//! panicked: whatever it did outside the log may have made pages wrong.
//!
//! A condition (`when = …`) looks at the reply, which comes after the update. Were its invalidation
//! written afterwards only, a back end killed in between would leave old pages for ever. So the
//! record carries it as *deferred*, and a later record *settles* it: with the invalidation if the
//! condition holds, without if not. A back end that starts invalidates whatever was left unsettled.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::task::TaskTracker;

use super::Backend;
use crate::controller::Invalidations;
use crate::log::{Draft, Invalidation, Position};
use crate::reply::Reply;
use crate::state::{Journal, WriteError, Written};

pub(super) struct CallJournal {
    backend: Arc<Backend>,
    invalidations: Invalidations,
    /// The records that were written, to be settled if something was deferred.
    carriers: Arc<Mutex<Vec<Position>>>,
    /// Writes that are under way, whether or not the controller still waits for them.
    under_way: TaskTracker,
}

impl CallJournal {
    pub(super) fn new(backend: Arc<Backend>, invalidations: Invalidations) -> CallJournal {
        CallJournal {
            backend,
            invalidations,
            carriers: Arc::default(),
            under_way: TaskTracker::new(),
        }
    }

    /// Waits for the writes that the controller has begun, whether or not it waited for them.
    pub(super) async fn finish(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// What the conditions make wrong now that the reply is there.
    pub(super) fn due(&self, reply: &Reply) -> Invalidation {
        let mut due = Invalidation::new();
        for (invalidation, condition) in &self.invalidations.conditional {
            // A condition that panics cannot say that nothing is wrong.
            let holds = catch_unwind(AssertUnwindSafe(|| condition(reply)));
            if holds.unwrap_or(true) {
                due.merge(invalidation);
            }
        }
        due
    }

    /// Writes what remains to be written.
    pub(super) async fn close(&self, mut due: Invalidation) -> Result<(), WriteError> {
        let carriers = self.carriers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if carriers.is_empty() {
            due.merge(&self.invalidations.always);
            if !due.is_empty() {
                self.backend.write(Draft { invalidation: due, ..Draft::default() }).await?;
            }
            return Ok(());
        }
        if !self.invalidations.conditional.is_empty() {
            self.settle(&carriers, &due).await?;
        }
        Ok(())
    }

    async fn settle(&self, carriers: &[Position], due: &Invalidation) -> Result<(), WriteError> {
        for carrier in carriers {
            let settles = Some(*carrier);
            let draft = Draft { invalidation: due.clone(), settles, ..Draft::default() };
            if due.is_empty() {
                // Nothing becomes wrong, so nobody has to be waited for.
                self.backend.append(draft).await?;
            } else {
                self.backend.write(draft).await?;
            }
        }
        Ok(())
    }
}

impl Journal for CallJournal {
    fn write(
        &self,
        mut draft: Draft,
    ) -> Pin<Box<dyn Future<Output = Result<Written, WriteError>> + Send + '_>> {
        Box::pin(async move {
            draft.invalidation.merge(&self.invalidations.always);
            for (invalidation, _) in &self.invalidations.conditional {
                draft.deferred.merge(invalidation);
            }
            let backend = Arc::clone(&self.backend);
            let carriers = Arc::clone(&self.carriers);
            // A controller that stops waiting must not leave a record that nobody settles.
            let write = self.under_way.spawn(async move {
                let written = backend.write(draft).await?;
                let position = written.receipt.position;
                carriers.lock().unwrap_or_else(PoisonError::into_inner).push(position);
                Ok(written)
            });
            write.await.unwrap_or_else(|error| {
                Err(WriteError::Storage { reason: format!("the write was broken off: {error}") })
            })
        })
    }
}
