//! Forms whose rules are declared once: what is sent, what it must be like, and its fields in HTML.
//!
//! - [`FormData`]: a site's struct with `#[derive(Form)]`. `spec` and `field` are what it declares, `input_type` and
//!   `pattern` what its words mean.
//! - [`Submitted`]: the extractor; `reader` reads the fields that were sent, `rules` and `file_rules` check them,
//!   `syntax` and `moment` know how browsers write values, and `steps` which of them `step` lets be.
//! - [`FormError`], [`Errors`]: what is wrong, by the codes of the browser's `ValidityState`; what they say is in the catalogues.
//! - [`FilledForm`]: a form as its page shows it: attributes, what was entered, what is wrong.
//!
//! # A form
//!
//! The words in `#[form(…)]` are those of HTML, and a browser that reads the page and the controller that reads
//! the form hold the visitor to the same:
//!
//! ```
//! use headwater::prelude::*;
//!
//! #[derive(Form)]
//! struct NewStory {
//!     #[form(required, minlength = 3, maxlength = 120)]
//!     title: String,
//!     #[form(required, type = "textarea", maxlength = 20_000, label = "Text")]
//!     body: String,
//!     #[form(type = "email", hint = "It is not shown.")]
//!     email: Option<String>,
//!     #[form(min = 1, max = 5)]
//!     stars: Option<u8>,
//! }
//!
//! impl NewStory {
//!     /// What concerns several fields.
//!     fn check(&self, errors: &mut Errors) {
//!         if self.title == self.body {
//!             errors.add("body", "The text must say more than the title.");
//!         }
//!     }
//! }
//!
//! #[controller("stories.new")]
//! async fn new() -> Reply {
//!     template!("stories/new.html").with("form", NewStory::empty_form())
//! }
//!
//! #[controller("stories.create")]
//! async fn create(form: Submitted<NewStory>) -> Result<Reply> {
//!     let story = form.valid(|form| template!("stories/new.html").with("form", form))?;
//!     Ok(redirect_to(format!("/stories/{}", story.title)))
//! }
//! ```
//!
//! A form that breaks a rule is answered with the page itself, with status 422 and `no-store`: what was entered is
//! there again, except passwords and files, and every error is. The page of the empty form is one for all visitors,
//! and cached.
//!
//! # Types
//!
//! | field | is sent as |
//! |---|---|
//! | `String` | a text, empty where nothing was entered |
//! | `u8` … `f64` | a number; required |
//! | `bool` | a checkbox |
//! | `Option<T>` | what `T` is; `None` where nothing was entered |
//! | `Vec<T>` | several values of one name: a `select`, or a checkbox for each option |
//! | [`FormFile`](crate::extract::FormFile) | a file |
//! | any other `T` with `Deserialize` and `Serialize` | what it reads as a text; required |

mod errors;
mod field;
mod file_rules;
mod filled;
mod input_type;
mod moment;
mod pattern;
mod reader;
mod rules;
mod spec;
mod steps;
mod submitted;
mod syntax;

#[cfg(test)]
mod tests;

/// The components of forms and lists. A new site has them as `templates/components.html`, where they are its own to change.
pub const COMPONENTS: &str = include_str!("components.html");

pub use errors::{Errors, FormError, StepMismatch};
pub use field::FormField;
pub use filled::{FilledForm, Writer};
pub use headwater_macros::Form;
pub use input_type::InputType;
pub use pattern::Pattern;
pub use reader::Reader;
pub use spec::FormSpec;
pub use submitted::Submitted;

use serde::Serialize;

/// A form: what `#[derive(Form)]` makes of a struct. See the [module](self).
///
/// Rules that concern several fields, or that HTML has no word for, stand in a method of the struct's own, which
/// is called where all fields keep theirs:
///
/// ```
/// use headwater::prelude::*;
///
/// #[derive(Form)]
/// struct Stay {
///     #[form(type = "date", required)]
///     arrival: String,
///     #[form(type = "date", required)]
///     departure: String,
/// }
///
/// impl Stay {
///     fn check(&self, errors: &mut Errors) {
///         if self.departure <= self.arrival {
///             errors.add("departure", "You cannot leave before you have come.");
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a form",
    label = "a form is a struct with `#[derive(Form)]`",
    note = "a form without rules, of a type with `Deserialize`, is taken as `Form<{Self}>`"
)]
pub trait FormData: Sized + Send + 'static {
    /// The fields.
    #[doc(hidden)]
    fn spec() -> &'static FormSpec;

    /// Reads all fields; none where one of them is not there as it should be.
    #[doc(hidden)]
    fn read(reader: &mut Reader) -> Option<Self>;

    /// Writes what each field would send.
    #[doc(hidden)]
    fn write(&self, writer: &mut Writer);

    /// Calls the type's own `check`, if it has one.
    #[doc(hidden)]
    fn own_rules(&self, errors: &mut Errors);

    /// The form with nothing in it.
    fn empty_form() -> FilledForm {
        FilledForm::empty(Self::spec())
    }

    /// The form with this in it: for a page that edits what is there. Passwords and files are never shown.
    fn filled_form(&self) -> FilledForm {
        FilledForm::of(self)
    }

    /// The form with what a value has in the fields of the same names: for a page that edits a row. Several texts in a field
    /// for one are joined by commas.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// #[derive(Form)]
    /// struct Draft {
    ///     #[form(required)]
    ///     title: String,
    ///     #[form(hint = "With commas between them.")]
    ///     tags: String,
    /// }
    ///
    /// #[derive(Serialize)]
    /// struct Story {
    ///     slug: String,
    ///     title: String,
    ///     tags: Vec<String>,
    /// }
    ///
    /// fn form(story: &Story) -> FilledForm {
    ///     Draft::form_of(story)
    /// }
    /// ```
    fn form_of<V: Serialize>(value: &V) -> FilledForm {
        FilledForm::of_fields(Self::spec(), value)
    }
}

/// What a form without a `check` of its own does instead.
#[doc(hidden)]
pub trait NoRules {
    /// Finds nothing wrong.
    fn check(&self, _errors: &mut Errors) {}
}

impl<T> NoRules for T {}
