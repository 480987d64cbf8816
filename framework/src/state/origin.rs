use std::sync::Arc;

use bytes::Bytes;

use super::store::{apply, decode, identities};
use super::{At, Updates};

/// How many updates are made again at most, and how many bytes they may have.
const MOST_UPDATES: usize = 16 << 10;
const MOST_BYTES: usize = 4 << 20;

/// What a state's present value can be made of again: an earlier value, and the updates since.
///
/// An update that fails is undone by its fields, each of which keeps what it was. A field that the update has assigned
/// to cannot do that, for what it kept is gone with it. To have a clone of the whole value for that
/// case would cost each update the nodes of maps that it could otherwise change in their place.
pub(super) struct Origin<S> {
    value: Arc<S>,
    updates: Vec<(u32, Bytes, At)>,
    bytes: usize,
}

impl<S: Updates> Origin<S> {
    pub(super) fn new(value: Arc<S>) -> Origin<S> {
        Origin { value, updates: Vec::new(), bytes: 0 }
    }

    /// Whether all fields of `value` are those that it began with.
    pub(super) fn is_of(&self, value: &mut S) -> bool {
        identities(value) == identities(&mut S::clone(&self.value))
    }

    /// Whether it is so far behind that the present value had better take its place.
    pub(super) fn is_behind(&self) -> bool {
        self.updates.len() >= MOST_UPDATES || self.bytes >= MOST_BYTES
    }

    /// The update has succeeded.
    pub(super) fn follow(&mut self, (version, update, at): (u32, Bytes, At)) {
        self.bytes += update.len();
        self.updates.push((version, update, at));
    }

    /// Makes the present value again.
    pub(super) fn make(&mut self, names: &[&'static str]) -> S {
        let mut value = S::clone(&self.value);
        for (version, update, at) in self.updates.drain(..) {
            // It was decoded and applied before, and every replay does the same.
            if let Ok(update) = decode::<S>(version, &update) {
                let _ = apply(&mut value, update, at, names, &mut vec![None; names.len()]);
            }
        }
        *self = Origin::new(Arc::new(value.clone()));
        value
    }
}
