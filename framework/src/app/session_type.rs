use std::any::TypeId;
use std::panic::Location;
use std::sync::Arc;

use super::App;
use crate::problem::Problem;
use crate::session::{SessionData, SessionRecord};

/// What the site's sessions are.
pub(super) struct SessionType {
    pub(super) id: TypeId,
    /// Whether a session is one of them.
    pub(super) is_of: fn(&SessionRecord) -> bool,
    /// Where visitors sign in.
    pub(super) sign_in: Arc<str>,
}

impl App {
    /// Gives the site sessions of the type `S`: a reply [begins](crate::reply::Reply::sign_in) one, controllers take it as
    /// [`Session<S>`](crate::extract::Session), the variant function by
    /// [`Visitor::session`](crate::Visitor::session), and in templates of pages that are not cached it is
    /// `session`. A visitor without one who asks for what needs one is sent to the page at `sign_in`, with
    /// the path that they have asked for as the parameter `back`.
    ///
    /// Front ends need a secret for it: `HEADWATER_SECRET_KEY`, which the site's command `secret` makes.
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
