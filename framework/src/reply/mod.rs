//! The replies of controllers.
//!
//! - [`Reply`]: status, headers, content and groups. It is created by one of the functions here ([`template`],
//!   [`redirect_to`], [`html`], [`json`], …) and refined by its methods.
//! - [`IntoReply`]: types that can be returned instead of a reply: text, a status, a `Result`.
//!
//! A reply that cannot be built as requested (a value that does not serialize, a header with a line break in it)
//! becomes an error with status 500 whose cause describes the problem and its location; it never panics. This module
//! must not depend on where a controller runs or how a reply is transferred.

mod content;
mod cookies;
mod flash;
mod headers;
mod into_reply;
mod make;
mod message;
mod redirect;
mod session;

pub use content::Content;
pub use cookie::{Cookie, SameSite};
pub use into_reply::IntoReply;
pub use make::{bytes, error, html, json, status, template, text};
pub use message::Message;
pub use redirect::{redirect_back, redirect_permanent, redirect_to, redirect_with};

use std::fmt;
use std::panic::Location;

use http::{HeaderMap, StatusCode};

use crate::body::Body;
use crate::cache_type::CacheType;
use crate::session::{Flash, SessionChange};

/// The reply of a controller.
#[derive(Debug)]
#[must_use = "a reply does nothing unless the controller returns it"]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    content: Content,
    groups: Vec<String>,
    recorded: Option<Vec<String>>,
    cache: Option<CacheType>,
    session: Option<Box<SessionChange>>,
    flash: Option<Box<Flash>>,
    /// Whether it redirects a visitor without a session to the sign-in page.
    is_sign_in: bool,
    condition: Condition,
}

/// The parts of a reply, for the transfer over the link.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReplyParts {
    /// The status code.
    pub status: StatusCode,
    /// The headers, cookies among them.
    pub headers: HeaderMap,
    /// The content of the reply.
    pub content: Content,
    /// The groups beyond those of the route.
    pub groups: Vec<String>,
    /// The groups of the data that were read for the reply; `None` if a read was not recorded.
    pub recorded: Option<Vec<String>>,
    /// The cache type, if it differs from the route's.
    pub cache: Option<CacheType>,
    /// The change of the visitor's session.
    pub(crate) session: Option<Box<SessionChange>>,
    /// The message for the page that the reply redirects to.
    pub(crate) flash: Option<Box<Flash>>,
    /// Whether it redirects a visitor without a session to the sign-in page.
    pub(crate) is_sign_in: bool,
}

/// Whether the reply could be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Sound,
    /// A part could not be built: the reply is an error, and later calls change neither status nor content.
    Failed,
}

impl Reply {
    /// Creates a reply with this status and content, without headers.
    pub fn new(status: StatusCode, content: Content) -> Reply {
        Reply {
            status,
            headers: HeaderMap::new(),
            content,
            groups: Vec::new(),
            recorded: Some(Vec::new()),
            cache: None,
            session: None,
            flash: None,
            is_sign_in: false,
            condition: Condition::Sound,
        }
    }

    /// Returns the reply with exactly these headers.
    pub(crate) fn with_headers(self, headers: HeaderMap) -> Reply {
        Reply { headers, ..self }
    }

    fn with_body(content_type: &'static str, body: impl Into<Body>) -> Reply {
        let mut reply = Reply::new(StatusCode::OK, Content::Body(body.into()));
        let value = http::HeaderValue::from_static(content_type);
        reply.headers.insert(http::header::CONTENT_TYPE, value);
        reply
    }

    /// Returns the status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers, including cookies.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the content.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Returns the groups of the reply, beyond those of its route.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Sets the status.
    ///
    /// The constants of [`StatusCode`] from 200 on are always valid. A number is checked when it is set: a number that
    /// is not a status of a final response (below 200, above 999) makes the reply an error.
    #[track_caller]
    pub fn with_status<S>(mut self, status: S) -> Reply
    where
        S: TryInto<StatusCode, Error: fmt::Display>,
    {
        match status.try_into() {
            Ok(status) if status.is_informational() => {
                self.fail(format_args!("{status} is not a status of a final response"))
            }
            Ok(status) if self.condition == Condition::Sound => self.status = status,
            Ok(_) => {}
            Err(error) => self.fail(format_args!("the status of a reply: {error}")),
        }
        self
    }

    /// Passes a value to a [`template`] under this name.
    ///
    /// A value that does not serialize to JSON makes the reply an error, and so does a reply that is not a template.
    #[track_caller]
    pub fn with(mut self, key: impl Into<String>, value: impl serde::Serialize) -> Reply {
        let key = key.into();
        match &mut self.content {
            Content::Template { values, .. } => {
                if let Err(error) = values.insert(&key, &value) {
                    self.fail(format_args!(
                        "the value `{key}` cannot be given to a template: {error}"
                    ));
                }
            }
            Content::Body(_) | Content::Error { .. } => self.fail(format_args!(
                "`with(\"{key}\", …)` on a reply that is not made by `template(…)`"
            )),
        }
        self
    }

    /// Puts the reply into a group, in addition to those of its route.
    pub fn group(mut self, group: impl Into<String>) -> Reply {
        let group = group.into();
        if !self.groups.contains(&group) {
            self.groups.push(group);
        }
        self
    }

    /// Adds the groups of the data that were read for the reply, apart from those that were named by hand. `None` means
    /// that a read was not recorded: then neither the page nor a fragment in it, which may depend on any data, is
    /// stored.
    pub(crate) fn record(self, recorded: Option<Vec<String>>) -> Reply {
        let recorded = self.recorded.zip(recorded).map(|(mut known, more)| {
            known.extend(more);
            known
        });
        Reply { recorded, ..self }
    }

    /// Sets the cache type of the reply, which overrides that of its route. The last call counts.
    ///
    /// [`CacheType::NoCache`] keeps the reply out of the cache. If the route has `cache = "no_cache"`, or the site's
    /// variant function returns `Variant::no()`, nothing is cached: the controller has then seen a whole request, so
    /// that the reply may be for one visitor only. A reply that sets a cookie, or whose status is neither 200 nor one
    /// of the route's `cache_statuses`, is not stored either. The lifetime of a reply with such a status is that of
    /// `cache_statuses`, unless its type determines another end: `Timeout` or `Persistent`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use headwater::prelude::*;
    ///
    /// fn forecast(is_storm: bool) -> Reply {
    ///     let reply = template("forecast.html");
    ///     if is_storm { reply.cache(CacheType::Timeout(Duration::from_secs(20))) } else { reply }
    /// }
    /// # assert_eq!(forecast(false).cache_type(), None);
    /// ```
    pub fn cache(mut self, cache: CacheType) -> Reply {
        self.cache = Some(cache);
        self
    }

    /// Returns the cache type, if it differs from the route's.
    pub fn cache_type(&self) -> Option<CacheType> {
        self.cache
    }

    /// Sets the message of an [`error`] for the visitor.
    ///
    /// A reply that is not an error becomes one that names the mistake.
    #[track_caller]
    pub fn message(mut self, text: impl Into<String>) -> Reply {
        match &mut self.content {
            Content::Error { message, .. } => {
                if self.condition == Condition::Sound {
                    *message = text.into();
                }
            }
            Content::Body(_) | Content::Template { .. } => {
                self.fail(format_args!("`message(…)` on a reply that is not made by `error(…)`"))
            }
        }
        self
    }

    /// Sets the cause of an [`error`], which only a developer sees.
    ///
    /// A reply that is not an error becomes one that names the mistake.
    #[track_caller]
    pub fn cause(mut self, text: impl fmt::Display) -> Reply {
        match &mut self.content {
            Content::Error { cause, .. } => {
                if self.condition == Condition::Sound {
                    *cause = Some(text.to_string());
                }
            }
            Content::Body(_) | Content::Template { .. } => {
                self.fail(format_args!("`cause(…)` on a reply that is not made by `error(…)`"))
            }
        }
        self
    }

    /// Makes the reply an error with status 500, which later calls do not change; the first failure is the one that is
    /// reported.
    #[track_caller]
    fn fail(&mut self, what: fmt::Arguments<'_>) {
        if self.condition == Condition::Failed {
            return;
        }
        let failed = error(StatusCode::INTERNAL_SERVER_ERROR)
            .cause(format_args!("{}: {what}", Location::caller()));
        let (groups, recorded) = (std::mem::take(&mut self.groups), self.recorded.take());
        *self = Reply { groups, recorded, condition: Condition::Failed, ..failed };
    }

    /// Splits the reply into its parts, for the transfer over the link.
    pub fn into_parts(self) -> ReplyParts {
        let Reply { status, headers, content, groups, recorded, cache, session, flash, .. } = self;
        let is_sign_in = self.is_sign_in && status.is_redirection();
        ReplyParts { status, headers, content, groups, recorded, cache, session, flash, is_sign_in }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    pub(super) fn cause_of(reply: &Reply) -> &str {
        match reply.content() {
            Content::Error { cause: Some(cause), .. } => cause,
            other => panic!("no error with a cause: {other:?}"),
        }
    }

    #[test]
    fn a_template_gets_its_values() {
        let reply = template("story.html").with("title", "Rain").with("comments", [1, 2]);
        let Content::Template { name, values } = reply.content() else { panic!("{reply:?}") };
        assert_eq!(name, "story.html");
        let values = values.to_json();
        assert_eq!(values["title"], "Rain");
        assert_eq!(values["comments"], serde_json::json!([1, 2]));
    }

    #[test]
    fn a_value_that_does_not_serialize_becomes_a_500_that_names_it() {
        let unserializable = BTreeMap::from([((1, 2), "keys must be strings")]);
        let reply = template("story.html").with("pairs", unserializable).with("title", "Rain");
        assert_eq!(reply.status(), 500);
        let cause = cause_of(&reply);
        assert!(cause.contains("`pairs`"), "{cause}");
        assert!(cause.contains("reply/mod.rs:"), "{cause}");
    }

    #[test]
    fn a_failed_reply_stays_an_error() {
        let reply = text("x").header("x", "a\nb").with_status(201).message("fine").with("a", 1);
        assert_eq!(reply.status(), 500);
        let reply = reply.header("x-frame-options", "DENY");
        assert_eq!(reply.headers()["x-frame-options"], "DENY");
    }

    #[test]
    fn a_status_below_200_is_refused() {
        assert_eq!(text("x").with_status(101).status(), 500);
        assert_eq!(text("x").with_status(42).status(), 500);
        assert_eq!(text("x").with_status(StatusCode::CREATED).status(), 201);
    }

    #[test]
    fn values_for_a_reply_without_template_are_refused() {
        let reply = text("x").with("title", "Rain");
        assert!(cause_of(&reply).contains("template"), "{reply:?}");
    }

    #[test]
    fn the_last_cache_type_counts() {
        let reply = text("x").cache(CacheType::Persistent).cache(CacheType::NoCache);
        assert_eq!(reply.into_parts().cache, Some(CacheType::NoCache));
    }

    #[test]
    fn a_group_is_named_once() {
        assert_eq!(text("x").group("news").group("news").groups(), ["news"]);
    }
}
