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

    /// The site's own data, as templates see them.
    pub(crate) fn to_json(&self) -> Option<serde_json::Value> {
        rmp_serde::from_slice(&self.data).ok()
    }
}

impl SessionChange {
    /// A session with these data begins.
    ///
    /// # Errors
    /// When they cannot be encoded, or not be read again.
    pub(crate) fn begin<S: SessionData>(session: &S) -> Result<SessionChange, String> {
        let data = rmp_serde::to_vec_named(session).map_err(|error| error.to_string())?;
        rmp_serde::from_slice::<S>(&data).map_err(|error| error.to_string())?;
        Ok(SessionChange::Begin { user: session.user(), position: Position::START, data })
    }

    /// The same, of a session that is issued behind this record if it begins one.
    pub(crate) fn issued_at(mut self, issue: Position) -> SessionChange {
        if let SessionChange::Begin { position, .. } = &mut self {
            *position = issue;
        }
        self
    }
}
