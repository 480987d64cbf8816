//! Forms whose rules are declared once: for reading, validation and HTML.
//!
//! - [`FormData`]: a site's struct with `#[derive(Form)]`. `spec` and `field` are its declaration, `input_type` and
//!   `pattern` the meaning of its words.
//! - [`Submitted`]: the extractor; `reader` reads the submitted fields, `rules` and `file_rules` check them, `syntax`
//!   and `moment` parse the formats of browsers, and `steps` implements `step`.
//! - [`FormError`], [`Errors`]: errors with the codes of the browser's `ValidityState`; their texts are in the
//!   catalogues.
//! - [`FilledForm`]: a form for its page: attributes, entered values, errors.
//!
//! # A form
//!
//! The words in `#[form(…)]` are those of HTML, so the browser that reads the page and the controller that reads the
//! form apply the same rules:
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
//!     /// A rule that concerns two fields.
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
//! A form that breaks a rule is answered with the page itself, with status 422 and `no-store`: it contains the
//! entered values, except passwords and files, and all errors. The page with the empty form is the same for all
//! visitors, and cached.
//!
//! # Types
//!
//! | field | is sent as |
//! |---|---|
//! | `String` | a text, empty if nothing was entered |
//! | `u8` … `f64` | a number; required |
//! | `bool` | a checkbox |
//! | `Option<T>` | as `T`; `None` if nothing was entered |
//! | `Vec<T>` | several values of one name: a `select`, or a checkbox for each option |
//! | [`FormFile`](crate::extract::FormFile) | a file |
//! | any other `T` with `Deserialize` and `Serialize` | a text from which it is deserialized; required |

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

/// The components of forms and lists. A new site gets them as `templates/components.html`, which it may change.
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

/// A form: implemented by `#[derive(Form)]` for a struct. See the [module](self).
///
/// Rules that concern several fields, or that HTML cannot express, are in a method of the struct, which is called
/// when all fields are valid:
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
    /// Returns the fields.
    #[doc(hidden)]
    fn spec() -> &'static FormSpec;

    /// Reads all fields; `None` if one of them is invalid.
    #[doc(hidden)]
    fn read(reader: &mut Reader) -> Option<Self>;

    /// Writes the values that each field would send.
    #[doc(hidden)]
    fn write(&self, writer: &mut Writer);

    /// Calls the type's own `check`, if it has one.
    #[doc(hidden)]
    fn own_rules(&self, errors: &mut Errors);

    /// Returns the empty form.
    fn empty_form() -> FilledForm {
        FilledForm::empty(Self::spec())
    }

    /// Returns the form with the values of `self`, for a page that edits existing data. Passwords and files are never
    /// shown.
    fn filled_form(&self) -> FilledForm {
        FilledForm::of(self)
    }

    /// Returns the form with the fields of `value` that have the same names, for a page that edits a row. Several
    /// texts in a field for one are joined by commas.
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

/// The `check` of a form that does not have its own.
#[doc(hidden)]
pub trait NoRules {
    /// Reports no errors.
    fn check(&self, _errors: &mut Errors) {}
}

impl<T> NoRules for T {}
