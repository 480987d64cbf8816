use super::{Reply, redirect_to};
use crate::log::Position;
use crate::session::{Ended, SessionChange, SessionData};

impl Reply {
    /// Begins a session: the visitor's browser receives a new one with these data, which replaces an existing one.
    /// Build it from data that were checked in the same call. The front end seals it, and such a reply is never stored
    /// in the cache.
    ///
    /// Data that cannot be encoded, or do not fit into a cookie (2 KiB are safe), make the reply an error.
    ///
    /// ```
    /// use headwater::prelude::*;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Serialize, Deserialize, Session)]
    /// struct Account {
    ///     #[session(user)]
    ///     id: u64,
    ///     name: String,
    /// }
    ///
    /// #[controller("session.create")]
    /// async fn sign_in() -> Result<Reply> {
    ///     let account = Account { id: 7, name: "Ana".to_owned() }; // whose password was checked
    ///     Ok(redirect_to("/").sign_in(&account))
    /// }
    /// ```
    #[track_caller]
    pub fn sign_in<S: SessionData>(mut self, session: &S) -> Reply {
        match SessionChange::begin(session) {
            Ok(change) => self.session = Some(Box::new(change)),
            Err(error) => self.fail(format_args!(
                "the session `{}` cannot be kept in a cookie: {error}",
                std::any::type_name::<S>()
            )),
        }
        self
    }

    /// Makes the visitor's browser delete its session, which has [ended](crate::extract::Session::end), and its cached
    /// content of this site.
    pub fn sign_out(mut self, _: Ended) -> Reply {
        self.session = Some(Box::new(SessionChange::End));
        self
    }

    /// Redirects a visitor without a session to the sign-in page. A client that prefers JSON receives a 401 instead,
    /// because it cannot use a page with a form.
    pub(crate) fn to_sign_in(page: String) -> Reply {
        Reply { is_sign_in: true, ..redirect_to(page) }
    }

    /// Sets the position of the record after which the new session is issued.
    pub(crate) fn issue_session(mut self, issue: Position) -> Reply {
        self.session = self.session.map(|change| Box::new(change.issued_at(issue)));
        self
    }
}
