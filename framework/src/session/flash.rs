use serde::{Deserialize, Serialize};

/// A message for the next page, which a reply leaves with a redirect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// What kind of message it is: `notice`, `error`.
    pub(crate) kind: String,
    /// Which one.
    pub(crate) key: String,
    /// What is put into it, by names: a JSON object.
    pub(crate) arguments: String,
}

/// A message on its way, as a cookie holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentFlash {
    pub(crate) flash: Flash,
    /// The path of the page that it is for; without one, of any.
    pub(crate) path: Option<String>,
    /// When it is not shown any more, in milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) expires: u64,
}
