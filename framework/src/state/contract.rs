use serde::Serialize;
use serde::de::DeserializeOwned;

use super::At;
use crate::log::Invalidation;

/// A part of the site's data: a value in memory that is what the updates in the log made of it.
///
/// `Default` is the value before the first update.
///
/// # What `Clone` costs
///
/// The updates of one transaction of the log are applied to a clone, which then takes the value's
/// place. So a reader never waits for a writer and keeps what it has seen, and an `apply` that panics
/// leaves the value as it was. Updates that come at the same time share a transaction; an update that
/// comes alone costs a clone. With the maps and vectors of the [`imbl`](https://docs.rs/imbl) crate,
/// which share what did not change, that is next to nothing. With `std`'s collections it is a copy of
/// all of the data: about 12 ms for a `BTreeMap` of 100,000 entries, for each update, during which no
/// other update is applied. They are for states that stay small. A start, which replays the log, is one
/// transaction and takes no clones to speak of.
///
/// ```
/// use headwater::Invalidation;
/// use headwater::state::{At, State};
/// use imbl::OrdMap;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default)]
/// struct Guestbook {
///     lines: OrdMap<u64, String>,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// enum Change {
///     Sign { line: String },
///     Erase { id: u64 },
/// }
///
/// impl State for Guestbook {
///     const NAME: &'static str = "guestbook";
///     type Update = Change;
///     type Output = u64;
///
///     fn apply(&mut self, change: Change, at: At) -> u64 {
///         match change {
///             Change::Sign { line } => {
///                 self.lines.insert(at.position.0, line);
///                 at.position.0
///             }
///             Change::Erase { id } => {
///                 self.lines.remove(&id);
///                 id
///             }
///         }
///     }
///
///     fn invalidates(_: &Change) -> Invalidation {
///         Invalidation::new().group("guestbook")
///     }
/// }
/// ```
pub trait State: Default + Clone + Send + Sync + 'static {
    /// The state's name in the log. No other state of the site may have it, and it stays the same
    /// for as long as the log is to be read.
    const NAME: &'static str = "state";

    /// A change. It is kept in the log, encoded with `postcard`, for as long as there is the log:
    /// add variants of an enum at its end, and do not change, reorder or remove those that are
    /// there. `postcard` knows no names of fields, so serde's `flatten`, `untagged`, `tag` and
    /// `skip_serializing_if` do not work; writing such an update fails and leaves no trace.
    type Update: Serialize + DeserializeOwned + Send + 'static;

    /// What the caller of the update receives: an id that was given, or a `Result` for updates that
    /// may be refused.
    type Output: Send + 'static;

    /// Applies an update.
    ///
    /// It must do the same each time: the same value, update and `at` make the same value and
    /// output, on every node and at every start. So it reads no clock (use `at.time`), no
    /// randomness (decide before and put it into the update, or use `at.position`), no files, no
    /// environment, and does not depend on the order of a `HashMap`. An update that does not
    /// fit (the slug is taken) changes nothing and reports it in its output. A panic is caught: the
    /// value stays as it was and the caller of the update gets
    /// [`WriteError::Panicked`](super::WriteError::Panicked).
    fn apply(&mut self, update: Self::Update, at: At) -> Self::Output;

    /// What the update makes wrong in the caches. It becomes durable together with the update.
    fn invalidates(update: &Self::Update) -> Invalidation {
        let _ = update;
        Invalidation::new()
    }
}
