use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::field::{AnyField, FieldKind, Groups, Reading, StateField};
use super::identity::Identity;
use super::kept::Kept;

/// A value of a state whose reads are **not** recorded: pages that show it name their groups by hand, and
/// updates name them with [`At::invalidate`](super::At::invalidate). A page that omits a group stays stale;
/// with [`Table`](super::Table) and [`Value`](super::Value) no group can be omitted.
///
/// An update that changes the value clones it first, so that the change can be undone. With the maps and
/// vectors of the [`imbl`](https://docs.rs/imbl) crate, which share unchanged parts, a clone costs next to
/// nothing. With `std`'s collections it is a full copy: about 12 ms for a `BTreeMap` of 100,000 entries, at
/// each update, and again for each update at every start.
#[derive(Clone, Default)]
pub struct Plain<T>(Kept<T>);

/// A [`Plain`] value as controllers read it; it dereferences to `T`.
#[derive(Clone)]
pub struct PlainView<T>(Arc<T>);

impl<T> Deref for Plain<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: Clone> DerefMut for Plain<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<T: Default + Serialize + DeserializeOwned + Send + Sync + 'static> AnyField for Plain<T> {
    fn kind(&self) -> FieldKind {
        FieldKind::Plain
    }

    fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    fn changes(&self, _: &str, _: &mut Groups) {}

    fn read_back(&self) -> Result<(), String> {
        self.0.read_back()
    }

    fn keep(&mut self) {
        self.0.keep();
    }

    fn undo(&mut self) {
        self.0.undo();
    }

    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        self.0.save()
    }

    fn load(&mut self, _: u32, item: &[u8]) -> Result<(), String> {
        self.0.load(item)
    }

    fn hash(&self) -> Option<u128> {
        None
    }

    fn is_stable(&self) -> bool {
        false
    }
}

impl<T> StateField for Plain<T>
where
    T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type View = PlainView<T>;

    fn schema() -> String {
        "plain".to_owned()
    }

    fn view(&self, _: &Reading<'_>, _: usize) -> PlainView<T> {
        PlainView(Arc::clone(&self.0.value))
    }
}

impl<T> Deref for PlainView<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}
