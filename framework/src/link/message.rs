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

/// What precedes the body of a forwarded request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The registered name of the controller that is to answer.
    pub controller: String,
    /// The request's method.
    pub method: String,
    /// Path and query, as far as the controller may see them.
    pub uri: String,
    /// The route's captures: name and percent-decoded value.
    pub params: Vec<(String, String)>,
    /// The headers that the controller may see.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How much of the request is here.
    pub scope: RequestScope,
    /// What the site's variant function called the answer's variant, if it named one.
    pub variant: Option<String>,
    /// The language of the page, if the controller may know it.
    pub lang: Option<String>,
    /// Whether the visitor's connection is encrypted, if the controller may know it.
    pub is_encrypted: Option<bool>,
    /// The log that `applied` is a position of; `None` while the front end follows none.
    pub log: Option<LogEpoch>,
    /// The front end's position: the back end runs the controller when it has applied this too.
    pub applied: Position,
    /// The longest body that this route takes, in bytes, where it says so.
    pub body_limit: Option<u64>,
    /// Names the request in the logs of both ends.
    pub request_id: String,
    /// The visitor's address.
    pub remote: Option<IpAddr>,
    /// The visitor's session, as their cookie says: whether it has ended meanwhile, the back end decides.
    pub session: Option<Box<SessionRecord>>,
    /// For how long the front end waits for the head of the answer, in milliseconds.
    pub deadline: u64,
    /// The canonical path of the cached page that the request may change by being answered: the
    /// page of its own URL, when its method is not a safe one (RFC 9111, section 4.4).
    pub own_url: Option<String>,
    /// Whether the page may have fragments, which have to know what they depend on though the page itself is
    /// not shared.
    pub has_fragments: bool,
    /// Where the front end may send the request twice: what the back ends recognise it by.
    pub id: Option<u128>,
    /// Whether it is sent for the second time.
    pub is_again: bool,
    /// How often the visitor may call.
    pub rate: Option<CallRate>,
}

/// How often a visitor may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRate {
    /// What is counted together: the route, and what tells its visitors apart.
    pub bucket: String,
    /// How many calls may come at once, and as many again in each period.
    pub requests: u32,
    /// The period, in milliseconds.
    pub period: u64,
}

/// The group of all pages at this canonical path that a request to their own URL may change.
pub(crate) fn group_of_url(path: &str) -> String {
    format!("url:{path}")
}

/// What precedes the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers in the order they are to be sent; names may repeat.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What the body is.
    pub content: AnswerContent,
    /// The groups the answer belongs to, beyond those of its route.
    pub groups: Vec<String>,
    /// The groups of what was read for it; `None` if something was read and not recorded.
    pub recorded: Option<Vec<String>>,
    /// Why some of these groups are wider than what was read, for the site's author.
    pub widened: Option<String>,
    /// How the answer is cached, when not as its route says.
    pub cache: Option<CacheType>,
    /// Whether the visitor has a session.
    pub has_session: bool,
    /// What becomes of it.
    pub session: Option<Box<SessionChange>>,
    /// The message for the page that it leads to.
    pub flash: Option<Box<Flash>>,
    /// The back end's log, and its opening.
    pub log: LogEpoch,
    /// The back end's position from before the controller ran.
    pub as_of: Position,
}

impl Answer {
    /// What precedes its body.
    pub(super) fn encoded(&self) -> Result<Bytes, FrameError> {
        let bytes = match &self.content {
            AnswerContent::Template { values, .. } => values.len(),
            AnswerContent::Body | AnswerContent::Error { .. } | AnswerContent::SignIn => 0,
        };
        frame::encode_long(self, bytes, ANSWER_LIMIT)
    }
}

/// What the body of an answer is.
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
        /// What the visitor may see.
        message: String,
        /// What only a developer may see.
        cause: Option<String>,
    },
    /// No body follows: status and headers lead a visitor without a session to the sign-in page, and a program is told
    /// that it has none.
    SignIn,
}

/// Encodes bytes at once. On the wire they look as they do one by one.
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
