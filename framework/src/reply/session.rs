use super::{Reply, redirect_to};
use crate::log::Position;
use crate::session::{Ended, SessionChange, SessionData};

impl Reply {
    /// Begins a session: the visitor's browser is given a new one with these data, in the place of one that it
    /// may have. Take it from what was checked in this call. It is sealed by the front end, and such a
    /// reply is never stored in the cache.
    ///
    /// Data that cannot be encoded, or of which nothing fits into a cookie (2 KiB are safe), make the reply an
    /// error.
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

    /// Has the visitor's browser forget its session, which has [ended](crate::extract::Session::end), and what it
    /// has in its cache of this site.
    pub fn sign_out(mut self, _: Ended) -> Reply {
        self.session = Some(Box::new(SessionChange::End));
        self
    }

    /// A redirect of a visitor without a session to the sign-in page. A program gets a 401 in its place: a page with a
    /// form says nothing to it.
    pub(crate) fn to_sign_in(page: String) -> Reply {
        Reply { is_sign_in: true, ..redirect_to(page) }
    }

    /// Issues a session that the reply begins behind this record.
    pub(crate) fn issue_session(mut self, issue: Position) -> Reply {
        self.session = self.session.map(|change| Box::new(change.issued_at(issue)));
        self
    }
}
