use serde::{Deserialize, Serialize};

use super::SessionData;
use crate::log::{LogEpoch, Position, SessionId};

/// A session, as a cookie holds it and the link carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Its name.
    pub(crate) id: SessionId,
    /// Whose it is.
    pub(crate) user: Option<String>,
    /// When it began.
    pub(crate) issued: Issue,
    /// When it ends by itself, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) expires: u64,
    /// The site's own data: MessagePack with the names of fields.
    pub(crate) data: Vec<u8>,
}

/// A moment in a log, and on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub(crate) log: LogEpoch,
    pub(crate) position: Position,
    /// In milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) time: u64,
}

/// What a reply does to the visitor's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionChange {
    /// A new one begins, in the place of one that there may be.
    Begin {
        /// Whose it is.
        user: Option<String>,
        /// Behind which record it is issued.
        position: Position,
        /// The site's own data.
        data: Vec<u8>,
    },
    /// It has ended: the browser is to forget it.
    End,
}

impl SessionRecord {
    /// The site's own data, if they are of this type.
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

    /// Whether it is one of this type: its data can be read as such, and its user is the one that they say. A site that has changed its
    /// type may mean something else by the same text, a number of an account by what was a name.
    pub(crate) fn is_of<S: SessionData>(&self) -> bool {
        self.decode::<S>().is_some_and(|data| data.user() == self.user)
    }

    /// The site's own data, as templates see them.
    pub(crate) fn to_json(&self) -> Option<serde_json::Value> {
        rmp_serde::from_slice(&self.data).ok()
    }
}

impl SessionChange {
    /// A session with these data begins.
    ///
    /// # Errors
    /// When they cannot be encoded, or not be read again as they were.
    pub(crate) fn begin<S: SessionData>(session: &S) -> Result<SessionChange, String> {
        let data = rmp_serde::to_vec_named(session).map_err(|error| error.to_string())?;
        let read = rmp_serde::from_slice::<S>(&data).map_err(|error| error.to_string())?;
        let user = session.user();
        if read.user() != user {
            return Err("its user is another one when it is read again".to_owned());
        }
        Ok(SessionChange::Begin { user, position: Position::START, data })
    }

    /// The same, of a session that is issued behind this record if it begins one.
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
    fn a_session_is_of_the_type_that_it_was_made_of() {
        let account = ById { id: 7, name: "Ana".to_owned() };
        let SessionChange::Begin { user, data, .. } = SessionChange::begin(&account).unwrap()
        else {
            panic!()
        };
        let issued = Issue { log: LogEpoch::first_of(1), position: Position::START, time: 0 };
        let record = SessionRecord { id: SessionId::random(), user, issued, expires: 0, data };
        assert!(record.is_of::<ById>());
        assert!(!record.is_of::<ByName>(), "its user is said otherwise now");
        assert!(!record.is_of::<WithRole>(), "a field is missing");
        let error = SessionChange::begin(&Unsteady { id: 7 }).unwrap_err();
        assert!(error.contains("another one"), "{error}");
    }
}
