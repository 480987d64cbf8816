use http::StatusCode;

use super::errors::FormError;
use super::filled::FilledForm;
use super::reader::Reader;
use super::{Errors, FormData};
use crate::controller::Result;
use crate::extract::{DecodeError, FormRejection, FromRequest, Need, SentFields};
use crate::reply::IntoReply;
use crate::request::Request;

/// A submitted form, checked against the rules of its type, for a controller to [accept](Submitted::valid) or refuse.
///
/// It is read from the body, which must be `application/x-www-form-urlencoded` or `multipart/form-data` and not
/// longer than the request's `body_limit`; for `GET` and `HEAD` from the query. A request that does not contain a
/// form at all is refused by the [rejection](FormRejection).
///
/// ```
/// use headwater::prelude::*;
///
/// #[derive(Form)]
/// struct Comment {
///     #[form(required, type = "textarea", maxlength = 2000)]
///     body: String,
/// }
///
/// #[controller("comments.create")]
/// async fn create(Path(slug): Path<String>, form: Submitted<Comment>) -> Result<Reply> {
///     let comment = form.valid(|form| template!("story.html").with("form", form))?;
///     // … where it is stored
///     # drop(comment);
///     Ok(redirect_to(format!("/stories/{slug}")))
/// }
/// ```
#[derive(Debug)]
#[must_use = "a form is taken by `valid`"]
pub struct Submitted<T> {
    value: Option<T>,
    form: FilledForm,
    /// The user of the visitor's session, with the submitted fields.
    user: Option<(String, SentFields)>,
}

impl<T: FormData> Submitted<T> {
    /// Returns the value if it breaks no rule.
    ///
    /// # Errors
    /// Otherwise returns the response: the page that `page` makes of the form, with status 422 and `no-store`. An
    /// error of `page` itself is returned unchanged.
    pub fn valid<R: IntoReply>(self, page: impl FnOnce(FilledForm) -> R) -> Result<T> {
        match self.value {
            Some(value) if self.form.errors().is_empty() => Ok(value),
            _ => Err(self.form.refused(page)),
        }
    }

    /// Sets the field with this name to the [user](crate::extract::SessionUser) of the visitor's session, regardless
    /// of the submitted value: for example the author of a comment. The form of a visitor who has not signed in stays
    /// unchanged. Call it before anything else.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// #[derive(Form)]
    /// struct Comment {
    ///     #[form(required, maxlength = 80)]
    ///     author: String,
    ///     #[form(required, type = "textarea", maxlength = 2000)]
    ///     body: String,
    /// }
    ///
    /// #[controller("comments.create")]
    /// async fn create(form: Submitted<Comment>) -> Result {
    ///     let form = form.with_user("author");
    ///     let comment = form.valid(|form| template!("story.html").with("form", form))?;
    ///     Ok(text(format!("{} says: {}", comment.author, comment.body)))
    /// }
    /// ```
    pub fn with_user(self, field: &str) -> Submitted<T> {
        let Some((user, mut sent)) = self.user else { return self };
        sent.texts.retain(|(name, _)| name != field);
        sent.texts.push((field.to_owned().into(), user.clone().into()));
        match Submitted::read(sent.clone()) {
            Ok(read) => Submitted { user: Some((user, sent)), ..read },
            Err(error) => {
                Submitted { value: None, form: self.form.failing(error.to_string()), user: None }
            }
        }
    }

    /// Returns the value if it breaks no rule.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.form.errors().is_empty())
    }

    /// Returns the errors.
    pub fn errors(&self) -> &Errors {
        self.form.errors()
    }

    /// Refuses the form because of the field with this name, for a reason in the site's data.
    pub fn add_error(&mut self, field: &str, error: impl Into<FormError>) {
        self.form.errors_mut().add(field, error);
    }

    /// Makes a form that was submitted with these fields, to test a controller.
    ///
    /// # Panics
    /// Panics if a field has a type that a form cannot have.
    pub fn of(fields: &[(&str, &str)]) -> Submitted<T> {
        let owned =
            |(name, text): &(&str, &str)| (name.to_string().into(), text.to_string().into());
        let texts = fields.iter().map(owned).collect();
        let sent = SentFields { texts, ..SentFields::default() };
        match Submitted::read(sent) {
            Ok(form) => form,
            Err(error) => panic!("the form cannot be read: {error}"),
        }
    }

    fn read(sent: SentFields) -> Result<Submitted<T>, DecodeError> {
        let mut reader = Reader::new(T::spec(), sent);
        let value = T::read(&mut reader);
        let mut form = reader.finish()?;
        if let Some(value) = value.as_ref().filter(|_| form.errors().is_empty()) {
            value.own_rules(form.errors_mut());
        }
        Ok(Submitted { value, form, user: None })
    }
}

/// Returns the size limit of a file in the field with this name; 0 if there is no such field.
fn most_bytes<T: FormData>(name: &str) -> u64 {
    T::spec().field(name).map_or(0, |field| field.max_size.unwrap_or(u64::MAX))
}

impl<T: FormData> FromRequest for Submitted<T> {
    type Rejection = FormRejection;
    const REQUEST_NEEDS: &'static [Need] = &[Need::Form, Need::rules(|| T::spec().wrong())];

    async fn from_request(request: Request) -> Result<Submitted<T>, FormRejection> {
        let user = request.parts.session_user().ok().flatten().map(str::to_owned);
        let sent = SentFields::read(request, most_bytes::<T>).await?;
        let user = user.map(|user| (user, sent.clone()));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let form =
            Submitted::read(sent).map_err(|error| FormRejection::Fields { status, error })?;
        Ok(Submitted { user, ..form })
    }
}
