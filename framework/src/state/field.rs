use std::collections::BTreeSet;
use std::sync::Arc;

use super::identity::Identity;
use super::recorder::Recorder;
use crate::log::Invalidation;

/// A field of a state: [`Table`](super::Table), [`Value`](super::Value) or [`Plain`](super::Plain).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a state",
    label = "a field is a `Table<R>`, a `Value<T>` or a `Plain<T>`",
    note = "rows that pages read one by one or by an index: `Table<R>`",
    note = "a value that pages read as a whole: `Value<{Self}>`",
    note = "a value whose pages name their groups by hand: `Plain<{Self}>`"
)]
pub trait StateField: AnyField + Clone + Default + Send + Sync + 'static {
    /// The type that controllers read.
    type View: Clone + Send + Sync + 'static;

    /// Describes what the names of its groups consist of, for the fingerprint of the site's data.
    #[doc(hidden)]
    fn schema() -> String;

    /// Returns the view of the field at this place of its state.
    #[doc(hidden)]
    fn view(&self, reading: &Reading<'_>, place: usize) -> Self::View;
}

/// A field of any kind while an update changes it, and until the update has succeeded or failed.
#[doc(hidden)]
pub trait AnyField {
    /// Returns the kind of the field.
    fn kind(&self) -> FieldKind;

    /// Returns the identity of the contents, which does not change when the contents are modified.
    fn identity(&self) -> Identity;

    /// Adds the groups of everything that the current update has changed, and its contribution to the field's
    /// hash. `name` is the field's full name.
    fn changes(&self, name: &str, groups: &mut Groups);

    /// Reads back everything that the current update has changed.
    ///
    /// # Errors
    /// Names the part that cannot be read back, and what to write.
    fn read_back(&self) -> Result<(), String>;

    /// Accepts the changes of the current update, which has succeeded.
    fn keep(&mut self);

    /// Undoes the changes of the current update, which has failed.
    fn undo(&mut self);

    /// Returns the version of the items that [`save`](AnyField::save) returns.
    fn version(&self) -> u32 {
        1
    }

    /// Returns the contents of the field as items that [`load`](AnyField::load) accepts, one for each row. They
    /// are read from a snapshot, while the field may change.
    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send>;

    /// Adds an item that a field of this version returned. Items must be added in the order in which they were
    /// returned.
    ///
    /// # Errors
    /// When the item cannot be read; the message explains what to do.
    fn load(&mut self, version: u32, item: &[u8]) -> Result<(), String>;

    /// Completes the field after all items were added.
    ///
    /// # Errors
    /// When the items contradict each other.
    fn loaded(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Returns the sum of the hashes of all items, or `None` if the field is not hashed.
    fn hash(&self) -> Option<u128>;

    /// Returns whether all items have the same encoding after they are read back.
    fn is_stable(&self) -> bool;
}

/// The kind of a field, which determines its groups.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// It has the groups of its rows and indexes.
    Table,
    /// It has one group, with its name.
    Value,
    /// It has no group: pages and updates name groups by hand.
    Plain,
}

/// The name of a field, and its [schema](StateField::schema).
#[doc(hidden)]
pub type FieldSchema = (&'static str, fn() -> String);

/// The groups of an update, derived from the difference that it makes to fields.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Groups {
    /// The names of the groups that it invalidates. They may exceed [`MOST_GROUPS`](Groups::MOST_GROUPS); then
    /// the excess alone matters, and no further names need to be added.
    pub(super) names: BTreeSet<String>,
    /// The difference that it makes to the hash of the field that is being compared.
    pub(super) hash_difference: u128,
}

impl Groups {
    /// The maximum number of names of an update. With more of them the update invalidates everything in the
    /// caches: to make, send and look up the names would occupy the log and the front ends for longer than the
    /// spared entries are worth, and the record would push others out of the memory from which front ends are
    /// brought up to date.
    pub(super) const MOST_GROUPS: usize = 1 << 16;

    pub(super) fn are_too_many(&self) -> bool {
        self.names.len() > Groups::MOST_GROUPS
    }

    /// Returns the invalidation of these groups.
    pub(super) fn into_invalidation(self) -> Invalidation {
        match self.are_too_many() {
            true => Invalidation::new().pattern("^"),
            false => {
                Invalidation { groups: self.names.into_iter().collect(), ..Invalidation::new() }
            }
        }
    }
}

/// The context in which a view is made. Sites do not make it: they receive views from
/// [`Data`](crate::extract::Data).
#[doc(hidden)]
pub struct Reading<'a> {
    pub(super) recorder: Option<&'a Arc<Recorder>>,
    /// The full names of the fields.
    pub(super) names: &'a [&'static str],
}

/// The part of a field's view that belongs to the request.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Records reads, if the reply may be cached.
    pub(super) recorder: Option<Arc<Recorder>>,
    /// The field's full name.
    pub(super) field: &'static str,
}

impl Reading<'_> {
    pub(super) fn of(&self, place: usize) -> Reader {
        Reader { recorder: self.recorder.cloned(), field: self.names[place] }
    }
}
