use serde::Serialize;
use serde::de::DeserializeOwned;

use super::At;
use super::encoding::decode;
use super::field::{AnyField, FieldSchema, Reading};

/// The data of a site: a struct whose fields are [`Table`](super::Table)s, [`Value`](super::Value)s and
/// [`Plain`](super::Plain) values. The trait is derived.
///
/// `#[derive(State)]` also makes the struct's *view*, which has the struct's name followed by `View`, and the
/// same fields. Controllers read the view through [`Data`](crate::extract::Data). Queries that a site needs
/// often are methods of the view.
///
/// ```
/// use headwater::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// struct Book {
///     #[row(key)]
///     id: u64,
///     #[row(index)]
///     author: String,
///     title: String,
/// }
///
/// #[derive(Clone, Default, State)]
/// struct Library {
///     books: Table<Book>,
///     motto: Value<String>,
/// }
///
/// impl LibraryView {
///     fn titles_of(&self, author: &str) -> Vec<String> {
///         self.books.of(Book::AUTHOR, author).iter().map(|book| book.title.clone()).collect()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the data of a site",
    label = "not a state",
    note = "a state is a struct of tables with `#[derive(Clone, Default, State)]`"
)]
pub trait State: Default + Clone + Send + Sync + 'static {
    /// The type that controllers read.
    type View: Clone + Send + Sync + 'static;

    /// The fields, in their order.
    #[doc(hidden)]
    const FIELDS: &'static [FieldSchema];

    /// Returns the view of this value.
    #[doc(hidden)]
    fn view(&self, reading: &Reading<'_>) -> Self::View;

    /// Calls `visit` for each field, with its place in [`FIELDS`](State::FIELDS).
    #[doc(hidden)]
    fn each_field(&mut self, visit: &mut dyn FnMut(usize, &mut dyn AnyField));
}

/// How the data of a site change: by updates that are stored in the log.
///
/// `Default` is the value before the first update. The changes that an update makes in tables and values are
/// found by comparing them with their contents before it: every page that has read a changed part is invalid.
/// So an update names no groups; [`At::invalidate`] is for data that pages read elsewhere.
///
/// ```
/// use headwater::prelude::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// struct Line {
///     #[row(key)]
///     id: u64,
///     text: String,
/// }
///
/// #[derive(Clone, Default, State)]
/// struct Guestbook {
///     lines: Table<Line>,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// enum Change {
///     Sign { text: String },
///     Correct { id: u64, text: String },
/// }
///
/// impl Updates for Guestbook {
///     const NAME: &'static str = "guestbook";
///     type Update = Change;
///     type Output = u64;
///     type Refusal = Violation;
///
///     fn apply(&mut self, change: Change, at: &mut At) -> Result<u64, Violation> {
///         match change {
///             Change::Sign { text } => {
///                 let id = at.position.0;
///                 self.lines.insert(Line { id, text })?;
///                 Ok(id)
///             }
///             Change::Correct { id, text } => {
///                 self.lines.update(&id, |line| line.text = text)?;
///                 Ok(id)
///             }
///         }
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut book = DataMut::<Guestbook>::in_memory();
/// let id = book.update(Change::Sign { text: "Hello".to_owned() }).await??;
/// assert_eq!(book.lines.get(&id).unwrap().text, "Hello");
/// let refused = book.update(Change::Correct { id: 99, text: String::new() }).await?;
/// assert!(matches!(refused, Err(Violation::Missing { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait Updates: State {
    /// The state's name in the log. It must be unique in the site, and must stay the same for as long as the
    /// log is to be read.
    const NAME: &'static str = DEFAULT_NAME;

    /// The version of `apply`. A front end drops its cache when it meets a back end with another version, so
    /// increase it when `apply` makes different data from the same updates.
    const VERSION: u32 = 1;

    /// A change. The log stores it, encoded as MessagePack with the names of fields and variants, for as long
    /// as the log exists. So later versions of the type may have new fields with `#[serde(default)]`, renamed
    /// fields and variants with an `#[serde(alias = "…")]`, and new variants; fields may be removed. A variant
    /// that was written must stay.
    type Update: Serialize + DeserializeOwned + Send + 'static;

    /// The version of the type [`Update`](Updates::Update). A change of that type that serde's attributes
    /// cannot express needs a new version and [`migrate`](Updates::migrate).
    const UPDATE_VERSION: u32 = 1;

    /// Converts an update that was written with an earlier [`UPDATE_VERSION`](Updates::UPDATE_VERSION).
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// # use headwater::state::OldUpdate;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Clone, Default, State)]
    /// # struct Counter { total: Value<i64> }
    /// /// Since version 2 a step has a direction.
    /// #[derive(Serialize, Deserialize)]
    /// enum Step {
    ///     Up(i64),
    ///     Down(i64),
    /// }
    ///
    /// impl Updates for Counter {
    ///     type Update = Step;
    ///     type Output = ();
    ///     type Refusal = std::convert::Infallible;
    ///     const UPDATE_VERSION: u32 = 2;
    ///
    ///     fn migrate(old: OldUpdate<'_>) -> Result<Step, String> {
    ///         let step: i64 = old.read()?;
    ///         Ok(if step < 0 { Step::Down(-step) } else { Step::Up(step) })
    ///     }
    ///     # fn apply(&mut self, _: Step, _: &mut At) -> Result<(), Self::Refusal> { Ok(()) }
    /// }
    /// ```
    ///
    /// # Errors
    /// When there is no corresponding update; the message explains to an operator what to do. A back end that reads
    /// such an update does not start.
    fn migrate(old: OldUpdate<'_>) -> Result<Self::Update, String> {
        Err(format!(
            "it is of version {}, and `Updates::migrate` does not read that one",
            old.version
        ))
    }

    /// The value that the caller of the update receives, such as an id that was assigned. Its encoding, if it
    /// has up to 1024 bytes, is kept for a while in case the update's request is sent a second time.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// The reason why an update is refused: [`Violation`](super::Violation), an enum of the site's that is
    /// `From<Violation>`, or [`Infallible`](std::convert::Infallible) where no update is ever refused.
    ///
    /// With `?` in a controller a `Violation` becomes a 409 or a 404, and any other
    /// [`Error`](std::error::Error) a 500. A refusal type that needs another status must not implement `Error`,
    /// but convert into a [`controller::Error`](crate::controller::Error) by its own `From`.
    type Refusal: std::fmt::Display + Send + 'static;

    /// Applies an update.
    ///
    /// It must be deterministic: the same value, update and `at` make the same value and output, on every node
    /// and at every start. So it reads no clock (use `at.time`), no randomness (use [`at.random()`](At::random)
    /// or `at.position`), no files, no environment, and does not depend on the order of a `HashMap`.
    ///
    /// # Errors
    /// A refusal undoes all changes that were made before it, and nothing is invalidated. A panic is caught and
    /// undone in the same way; the caller of the update receives
    /// [`WriteError::Panicked`](super::WriteError::Panicked).
    fn apply(&mut self, update: Self::Update, at: &mut At) -> Result<Self::Output, Self::Refusal>;
}

/// An update that was written with an earlier version of its type.
#[derive(Debug, Clone, Copy)]
pub struct OldUpdate<'a> {
    /// The version that it was written with.
    pub version: u32,
    pub(super) bytes: &'a [u8],
}

impl OldUpdate<'_> {
    /// Decodes the update as its former type.
    ///
    /// # Errors
    /// When it does not decode as that type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        decode(self.bytes)
    }
}

/// The name of a state that declares none.
pub(super) const DEFAULT_NAME: &str = "state";
