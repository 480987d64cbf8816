use serde::{Deserialize, Serialize};

/// A message for the next page, attached to a redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The kind of message: `notice`, `error`.
    pub(crate) kind: String,
    /// The key of the text.
    pub(crate) key: String,
    /// The arguments of the text: a JSON object.
    pub(crate) arguments: String,
}

/// A message in a cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentFlash {
    pub(crate) flash: Flash,
    /// The path of the page that shows the message; any page if `None`.
    pub(crate) path: Option<String>,
    /// The time after which it is not shown any more, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) expires: u64,
}
