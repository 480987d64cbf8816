use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use http::StatusCode;

use crate::extract::reply_of;
use crate::reply::{IntoReply, Reply, error};

/// The result of a controller: a reply, or an error that becomes one.
pub type Result<T = Reply, E = Error> = std::result::Result<T, E>;

/// The error of a controller: a reply, usually the site's error page for a status.
///
/// `?` turns any [`std::error::Error`] into one with status 500. The visitor sees no details; a developer sees the
/// location and the whole chain of causes. Errors of Headwater itself keep their status: a body that is too large
/// remains a 413.
///
/// ```
/// use headwater::prelude::*;
///
/// fn pages(text: &str) -> Result<u32> {
///     let pages: u32 = text.parse()?;
///     if pages == 0 {
///         return Err(bad_request("A book has at least one page."));
///     }
///     Ok(pages)
/// }
///
/// assert_eq!(pages("x").into_reply_status(), 500);
/// assert_eq!(pages("0").into_reply_status(), 400);
/// # trait Status { fn into_reply_status(self) -> u16; }
/// # impl Status for Result<u32> {
/// #     fn into_reply_status(self) -> u16 { self.unwrap_err().status().as_u16() }
/// # }
/// ```
pub struct Error(Box<Reply>);

impl Error {
    /// Creates an error with a status and a message for the visitor.
    #[track_caller]
    pub fn new<S>(status: S, message: impl Into<String>) -> Error
    where
        S: TryInto<StatusCode, Error: fmt::Display>,
    {
        Error::from(error(status).message(message))
    }

    /// Returns the status code of the reply.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Puts the reply into a group, in addition to those of its route. This matters if the error's status is one of the
    /// route's `cache_statuses`: for example, a cached 404 in the group of a list is invalidated as soon as an element
    /// is added to the list.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// fn title(titles: &[&str], number: usize) -> Result<String> {
    ///     let title = titles.get(number).ok_or_else(|| not_found().group("books"))?;
    ///     Ok((*title).to_owned())
    /// }
    /// # assert_eq!(title(&[], 0).unwrap_err().status(), StatusCode::NOT_FOUND);
    /// ```
    #[must_use]
    pub fn group(self, group: impl Into<String>) -> Error {
        Error(Box::new(self.0.group(group)))
    }

    /// Adds a cause, which only a developer sees.
    #[track_caller]
    pub fn with_cause(self, cause: impl fmt::Display) -> Error {
        Error::from(self.0.cause(cause))
    }
}

/// Returns the error 404: the page does not exist.
#[track_caller]
pub fn not_found() -> Error {
    Error::from(error(StatusCode::NOT_FOUND))
}

/// Returns the error 400 with a message about the request.
#[track_caller]
pub fn bad_request(message: impl Into<String>) -> Error {
    Error::new(StatusCode::BAD_REQUEST, message)
}

/// Returns the error 403: the visitor has no permission.
#[track_caller]
pub fn forbidden() -> Error {
    Error::from(error(StatusCode::FORBIDDEN))
}

/// Conversion of a missing value to the error 404.
pub trait OrNotFound<T> {
    /// Returns the value, or the error 404.
    ///
    /// # Errors
    /// Returns [`not_found`] if there is no value.
    fn or_not_found(self) -> Result<T>;
}

impl<T> OrNotFound<T> for Option<T> {
    #[track_caller]
    fn or_not_found(self) -> Result<T> {
        match self {
            Some(value) => Ok(value),
            None => Err(not_found()),
        }
    }
}

impl<E> From<E> for Error
where
    E: StdError + Send + Sync + 'static,
{
    #[track_caller]
    fn from(cause: E) -> Error {
        // Outside of the closure, which would be its own caller.
        let place = Location::caller();
        let reply = reply_of(&cause).unwrap_or_else(|| {
            let chain = format!("{place}: {}", Chain(&cause));
            error(StatusCode::INTERNAL_SERVER_ERROR).cause(chain)
        });
        Error::from(reply)
    }
}

impl From<Reply> for Error {
    fn from(reply: Reply) -> Error {
        Error(Box::new(reply))
    }
}

impl From<Error> for Reply {
    fn from(error: Error) -> Reply {
        *error.0
    }
}

impl IntoReply for Error {
    fn into_reply(self) -> Reply {
        *self.0
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.0.status(), self.0.content())
    }
}

/// An error with the chain of its causes.
struct Chain<'a>(&'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = self.0.to_string();
        f.write_str(&previous)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Many errors repeat their cause at the end of their own message.
            if !previous.ends_with(&text) {
                write!(f, "\ncaused by: {text}")?;
            }
            previous = text;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::BodyError;
    use crate::reply::Content;

    #[derive(Debug, thiserror::Error)]
    #[error("the archive cannot be read")]
    struct Outer(#[source] std::io::Error);

    fn fails() -> Result<()> {
        Err(Outer(std::io::Error::other("the disk is gone")))?;
        Ok(())
    }

    #[test]
    fn the_question_mark_keeps_place_and_chain_for_developers() {
        let reply = fails().unwrap_err().into_reply();
        assert_eq!(reply.status(), 500);
        let Content::Error { message, cause: Some(cause) } = reply.content() else {
            panic!("{reply:?}")
        };
        assert!(cause.contains("controller/error.rs:"), "{cause}");
        assert!(
            cause.ends_with("the archive cannot be read\ncaused by: the disk is gone"),
            "{cause}"
        );
        assert!(!message.contains("archive"), "{message}");
    }

    #[test]
    fn headwaters_own_errors_keep_their_status() {
        assert_eq!(Error::from(BodyError::TooLarge { limit: 3 }).status(), 413);
        assert_eq!(Error::from(crate::state::WriteError::Stopping).status(), 503);
    }

    #[test]
    fn nothing_becomes_a_404() {
        assert_eq!(None::<u8>.or_not_found().unwrap_err().status(), 404);
        assert_eq!(Some(1).or_not_found().unwrap(), 1);
        assert_eq!(forbidden().status(), 403);
        assert_eq!(bad_request("no").with_cause("why").status(), 400);
    }
}
