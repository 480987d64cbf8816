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
    /// What controllers read.
    type View: Clone + Send + Sync + 'static;

    /// What the names of its groups are made of, for the fingerprint of the site's data.
    #[doc(hidden)]
    fn schema() -> String;

    /// The view of the field at this place of its state.
    #[doc(hidden)]
    fn view(&self, reading: &Reading<'_>, place: usize) -> Self::View;
}

/// What an update does to a field of whichever kind, until it has succeeded or failed.
#[doc(hidden)]
pub trait AnyField {
    /// Which kind of field it is.
    fn kind(&self) -> FieldKind;

    /// Which contents these are, whatever is in them.
    fn identity(&self) -> Identity;

    /// Adds the groups of all that the update under way has changed, and what this adds to the field's hash. `name`
    /// is the field's full name.
    fn changes(&self, name: &str, groups: &mut Groups);

    /// Reads back all that the update under way has changed.
    ///
    /// # Errors
    /// What cannot be read back, and what to write.
    fn read_back(&self) -> Result<(), String>;

    /// The update under way has succeeded.
    fn keep(&mut self);

    /// The update under way has failed: everything is as it was before.
    fn undo(&mut self);

    /// The version of what [`save`](AnyField::save) gives.
    fn version(&self) -> u32 {
        1
    }

    /// All that is in the field, in items that [`load`](AnyField::load) takes: one for each row. They come from a
    /// snapshot, while the field goes on.
    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send>;

    /// Takes an item that a field of this version gave, in the order in which it gave them.
    ///
    /// # Errors
    /// When it is not one, and what to do.
    fn load(&mut self, version: u32, item: &[u8]) -> Result<(), String>;

    /// All items were taken.
    ///
    /// # Errors
    /// When they do not fit one another.
    fn loaded(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// The sum of the hashes of all items; none where the field is not hashed.
    fn hash(&self) -> Option<u128>;

    /// Whether all items are encoded as they are now after they were read.
    fn is_stable(&self) -> bool;
}

/// What tells which groups a field has of its own.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// Those of its rows and indexes.
    Table,
    /// One, which has its name.
    Value,
    /// None: they are named by hand.
    Plain,
}

/// The name of a field, and its [schema](StateField::schema).
#[doc(hidden)]
pub type FieldSchema = (&'static str, fn() -> String);

/// What is found of an update by the difference that it makes to fields.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Groups {
    /// The names of the groups that it invalidates. They may be more than [`MOST_GROUPS`](Groups::MOST_GROUPS): then
    /// that is all that counts, and further names need not be made.
    pub(super) names: BTreeSet<String>,
    /// What it adds to the hash of the field that is looked at.
    pub(super) hash_difference: u128,
}

impl Groups {
    /// How many names an update gives at most. With more of them everything in the caches is invalid: to make, send
    /// and look up the names would keep the log and the front ends longer than what they would spare is worth, and the
    /// record would push others out of the memory from which front ends are brought up to date.
    pub(super) const MOST_GROUPS: usize = 1 << 16;

    pub(super) fn are_too_many(&self) -> bool {
        self.names.len() > Groups::MOST_GROUPS
    }

    /// What they invalidate.
    pub(super) fn into_invalidation(self) -> Invalidation {
        match self.are_too_many() {
            true => Invalidation::new().pattern("^"),
            false => {
                Invalidation { groups: self.names.into_iter().collect(), ..Invalidation::new() }
            }
        }
    }
}

/// What a view is made with. A site has none: views come with [`Data`](crate::extract::Data).
#[doc(hidden)]
pub struct Reading<'a> {
    pub(super) recorder: Option<&'a Arc<Recorder>>,
    /// The full names of the fields.
    pub(super) names: &'a [&'static str],
}

/// What a view of a field knows of the request that it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Where reads are recorded, if the reply may be cached.
    pub(super) recorder: Option<Arc<Recorder>>,
    /// The field's full name.
    pub(super) field: &'static str,
}

impl Reading<'_> {
    pub(super) fn of(&self, place: usize) -> Reader {
        Reader { recorder: self.recorder.cloned(), field: self.names[place] }
    }
}
