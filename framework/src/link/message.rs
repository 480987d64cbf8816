use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::ANSWER_LIMIT;
use super::frame::{self, FrameError};
use crate::cache_type::CacheType;
use crate::log::{LogEpoch, Position};
use crate::request::RequestScope;
use crate::session::{Flash, SessionChange, SessionRecord};

/// The version of the link that this build speaks. Both ends must speak the same.
pub const VERSION: u32 = 11;

/// The head of a forwarded request, which precedes its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The registered name of the controller for the request.
    pub controller: String,
    /// The request's method.
    pub method: String,
    /// Path and query, as far as the controller may see them.
    pub uri: String,
    /// The route's captures: name and percent-decoded value.
    pub params: Vec<(String, String)>,
    /// The headers that the controller may see.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How much of the request is included.
    pub scope: RequestScope,
    /// The variant that the site's variant function named, if any.
    pub variant: Option<String>,
    /// The language of the page, if the controller may depend on it.
    pub lang: Option<String>,
    /// Whether the visitor's connection is encrypted, if the controller may depend on it.
    pub is_encrypted: Option<bool>,
    /// The log that `applied` is a position of; `None` while the front end follows none.
    pub log: Option<LogEpoch>,
    /// The front end's position: the back end runs the controller after it has applied this too.
    pub applied: Position,
    /// The longest body that this route accepts, in bytes, if it declares one.
    pub body_limit: Option<u64>,
    /// Identifies the request in the logs of both ends.
    pub request_id: String,
    /// The visitor's address.
    pub remote: Option<IpAddr>,
    /// The visitor's session according to their cookie; the back end decides whether it has ended
    /// meanwhile.
    pub session: Option<Box<SessionRecord>>,
    /// For how long the front end waits for the head of the answer, in milliseconds.
    pub deadline: u64,
    /// The canonical path of the cached page that the request may change: the page of its own URL,
    /// if its method is not safe (RFC 9111, section 4.4).
    pub own_url: Option<String>,
    /// Whether the page may have fragments, whose dependencies must be recorded though the page
    /// itself is not shared.
    pub has_fragments: bool,
    /// The id by which back ends recognise the request, if the front end may send it twice.
    pub id: Option<u128>,
    /// Whether it is sent for the second time.
    pub is_again: bool,
    /// How often the visitor may call.
    pub rate: Option<CallRate>,
}

/// How often a visitor may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRate {
    /// The bucket of the count: the route, and the value that distinguishes its visitors.
    pub bucket: String,
    /// The number of calls that may arrive at once, and again in each period.
    pub requests: u32,
    /// The period, in milliseconds.
    pub period: u64,
}

/// Returns the group of all pages at this canonical path that a request to their own URL may
/// change.
pub(crate) fn group_of_url(path: &str) -> String {
    format!("url:{path}")
}

/// The head of an answer, which precedes its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers in the order of sending; names may repeat.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The kind of the body.
    pub content: AnswerContent,
    /// The groups the answer belongs to, beyond those of its route.
    pub groups: Vec<String>,
    /// The groups of the data that was read for it; `None` if data was read and not recorded.
    pub recorded: Option<Vec<String>>,
    /// Why some of these groups are wider than the data that was read, for the site's author.
    pub widened: Option<String>,
    /// The answer's cache type, if it differs from its route's.
    pub cache: Option<CacheType>,
    /// Whether the visitor has a session.
    pub has_session: bool,
    /// The change of the session.
    pub session: Option<Box<SessionChange>>,
    /// The message for the page that the answer leads to.
    pub flash: Option<Box<Flash>>,
    /// The back end's log, and its opening.
    pub log: LogEpoch,
    /// The back end's position from before the controller ran.
    pub as_of: Position,
}

impl Answer {
    /// Encodes the head, preceded by its length.
    pub(super) fn encoded(&self) -> Result<Bytes, FrameError> {
        let bytes = match &self.content {
            AnswerContent::Template { values, .. } => values.len(),
            AnswerContent::Body | AnswerContent::Error { .. } | AnswerContent::SignIn => 0,
        };
        frame::encode_long(self, bytes, ANSWER_LIMIT)
    }
}

/// The kind of an answer's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnswerContent {
    /// The body itself follows.
    Body,
    /// No body follows: the front end renders a template.
    Template {
        /// The template's name.
        name: String,
        /// The template's values, packed.
        #[serde(with = "at_once")]
        values: Vec<u8>,
    },
    /// No body follows: the front end renders its error page for the status.
    Error {
        /// The message for the visitor.
        message: String,
        /// The cause, for developers only.
        cause: Option<String>,
    },
    /// No body follows: status and headers lead a visitor without a session to the sign-in page,
    /// and inform a program that it has none.
    SignIn,
}

/// Encodes bytes as one slice. The encoding is the same as that of the single bytes.
mod at_once {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }
    }
}
