use serde::{Deserialize, Serialize};

use super::SessionData;
use crate::log::{LogEpoch, Position, SessionId};

/// A session, as stored in a cookie and sent over the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// The id.
    pub(crate) id: SessionId,
    /// The user of the session.
    pub(crate) user: Option<String>,
    /// The issue of the session.
    pub(crate) issued: Issue,
    /// The time of its expiry, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) expires: u64,
    /// The site's own data: MessagePack with the names of fields.
    pub(crate) data: Vec<u8>,
}

/// A position in a log, and a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub(crate) log: LogEpoch,
    pub(crate) position: Position,
    /// In milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) time: u64,
}

/// The effect of a reply on the visitor's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionChange {
    /// A new session begins, and replaces an existing one.
    Begin {
        /// The user of the session.
        user: Option<String>,
        /// The position of issue.
        position: Position,
        /// The site's own data.
        data: Vec<u8>,
    },
    /// The session has ended: the browser must delete its cookie.
    End,
}

impl SessionRecord {
    /// Returns the site's own data, if they have this type.
    pub(crate) fn decode<S: SessionData>(&self) -> Option<S> {
        match rmp_serde::from_slice(&self.data) {
            Ok(data) => Some(data),
            Err(error) => {
                let (id, type_name) = (self.id, std::any::type_name::<S>());
                tracing::debug!(%id, type_name, %error, "a session of another type is ignored");
                None
            }
        }
    }

    /// Returns whether the session has this type: its data can be decoded, and contain the same user as the record. If
    /// a site has changed the type, the same text may mean another user, for example the number of an account instead
    /// of a name.
    pub(crate) fn is_of<S: SessionData>(&self) -> bool {
        self.decode::<S>().is_some_and(|data| data.user() == self.user)
    }

    /// Returns the site's own data for templates.
    pub(crate) fn to_json(&self) -> Option<serde_json::Value> {
        rmp_serde::from_slice(&self.data).ok()
    }
}

impl SessionChange {
    /// Begins a session with these data.
    ///
    /// # Errors
    /// Fails if they cannot be encoded, or are decoded to other data.
    pub(crate) fn begin<S: SessionData>(session: &S) -> Result<SessionChange, String> {
        let data = rmp_serde::to_vec_named(session).map_err(|error| error.to_string())?;
        let read = rmp_serde::from_slice::<S>(&data).map_err(|error| error.to_string())?;
        let user = session.user();
        if read.user() != user {
            return Err("its user changes when it is decoded".to_owned());
        }
        Ok(SessionChange::Begin { user, position: Position::START, data })
    }

    /// Sets the position of issue, if a session begins.
    pub(crate) fn issued_at(mut self, issue: Position) -> SessionChange {
        if let SessionChange::Begin { position, .. } = &mut self {
            *position = issue;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct ById {
        id: u64,
        name: String,
    }

    impl SessionData for ById {
        fn user(&self) -> Option<String> {
            Some(self.id.to_string())
        }
    }

    #[derive(Serialize, Deserialize)]
    struct ByName {
        id: u64,
        name: String,
    }

    impl SessionData for ByName {
        fn user(&self) -> Option<String> {
            Some(self.name.clone())
        }
    }

    #[derive(Serialize, Deserialize)]
    struct WithRole {
        id: u64,
        role: String,
    }

    impl SessionData for WithRole {
        fn user(&self) -> Option<String> {
            Some(self.id.to_string())
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Unsteady {
        #[serde(skip)]
        id: u64,
    }

    impl SessionData for Unsteady {
        fn user(&self) -> Option<String> {
            Some(self.id.to_string())
        }
    }

    #[test]
    fn a_session_has_the_type_that_it_was_created_from() {
        let account = ById { id: 7, name: "Ana".to_owned() };
        let SessionChange::Begin { user, data, .. } = SessionChange::begin(&account).unwrap()
        else {
            panic!()
        };
        let issued = Issue { log: LogEpoch::first_of(1), position: Position::START, time: 0 };
        let record = SessionRecord { id: SessionId::random(), user, issued, expires: 0, data };
        assert!(record.is_of::<ById>());
        assert!(!record.is_of::<ByName>(), "its user differs now");
        assert!(!record.is_of::<WithRole>(), "a field is missing");
        let error = SessionChange::begin(&Unsteady { id: 7 }).unwrap_err();
        assert!(error.contains("changes when it is decoded"), "{error}");
    }
}
