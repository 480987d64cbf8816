use std::any::TypeId;
use std::panic::Location;
use std::sync::Arc;

use super::App;
use crate::problem::Problem;
use crate::session::{SessionData, SessionRecord};

/// The type of the site's sessions.
pub(super) struct SessionType {
    pub(super) id: TypeId,
    /// Returns whether a session has this type.
    pub(super) is_of: fn(&SessionRecord) -> bool,
    /// The path of the page to sign in.
    pub(super) sign_in: Arc<str>,
}

impl App {
    /// Gives the site sessions of the type `S`. A reply [begins](crate::reply::Reply::sign_in) one. Controllers take
    /// it as [`Session<S>`](crate::extract::Session), the variant function calls
    /// [`Visitor::session`](crate::Visitor::session), and templates of pages that are not cached see it as `session`.
    /// If a request needs a session and has none, the visitor is redirected to the page at `sign_in`, with the
    /// requested path as the parameter `back`.
    ///
    /// Front ends need a secret for it: `HEADWATER_SECRET_KEY`, which the site's command `secret` generates.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// #[derive(Clone, Serialize, Deserialize, Session)]
    /// struct Account {
    ///     #[session(user)]
    ///     id: u64,
    ///     name: String,
    /// }
    ///
    /// let site = App::new().session::<Account>("/sign-in");
    /// # let _ = site;
    /// ```
    #[track_caller]
    pub fn session<S: SessionData>(mut self, sign_in: impl Into<String>) -> App {
        let sign_in = sign_in.into();
        if !sign_in.starts_with('/') || sign_in.starts_with("//") {
            let message = format!(
                "`.session::<…>(\"{sign_in}\")`: the page to sign in is a path of the site, as in \"/sign-in\""
            );
            self.problems.push(Problem::in_code(Location::caller(), message));
        }
        let (id, is_of) = (TypeId::of::<S>(), SessionRecord::is_of::<S> as fn(&_) -> _);
        self.session = Some(SessionType { id, is_of, sign_in: sign_in.into() });
        self
    }
}
