use std::sync::Arc;

use bytes::Bytes;

use super::store::{apply, decode, identities};
use super::{At, Updates};

/// The maximum number of updates that are repeated, and of their bytes.
const MOST_UPDATES: usize = 16 << 10;
const MOST_BYTES: usize = 4 << 20;

/// The basis from which a state's present value can be rebuilt: an earlier value, and the updates since.
///
/// A failed update is undone by the fields, each of which keeps its contents from before. A field to which the
/// update has assigned cannot do that, because the kept contents are lost with it. Keeping a clone of the whole
/// value for that case would cost each update copies of map nodes that it can otherwise change in place.
pub(super) struct Origin<S> {
    value: Arc<S>,
    updates: Vec<(u32, Bytes, At)>,
    bytes: usize,
}

impl<S: Updates> Origin<S> {
    pub(super) fn new(value: Arc<S>) -> Origin<S> {
        Origin { value, updates: Vec::new(), bytes: 0 }
    }

    /// Returns whether all fields of `value` have the identities of the earlier value's fields.
    pub(super) fn is_of(&self, value: &mut S) -> bool {
        identities(value) == identities(&mut S::clone(&self.value))
    }

    /// Returns whether so many updates have accumulated that the present value should replace the earlier one.
    pub(super) fn is_behind(&self) -> bool {
        self.updates.len() >= MOST_UPDATES || self.bytes >= MOST_BYTES
    }

    /// Adds an update that has succeeded.
    pub(super) fn follow(&mut self, (version, update, at): (u32, Bytes, At)) {
        self.bytes += update.len();
        self.updates.push((version, update, at));
    }

    /// Rebuilds the present value.
    pub(super) fn make(&mut self, names: &[&'static str]) -> S {
        let mut value = S::clone(&self.value);
        for (version, update, at) in self.updates.drain(..) {
            // The update was decoded and applied before, and every replay has the same result.
            if let Ok(update) = decode::<S>(version, &update) {
                let _ = apply(&mut value, update, at, names, &mut vec![None; names.len()]);
            }
        }
        *self = Origin::new(Arc::new(value.clone()));
        value
    }
}
