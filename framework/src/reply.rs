//! The room `reply`.

use crate::body::Body;

/// What a controller gives back.
#[derive(Debug)]
pub struct Reply {
    status: ::http::StatusCode,
    headers: ::http::HeaderMap,
    content: Content,
    groups: Vec<String>,
}

/// What a reply shows.
#[derive(Debug)]
pub enum Content {
    /// These bytes.
    Body(Body),
    /// A template of the site, rendered by the front end with these values.
    Template {
        /// The template's name.
        name: String,
        /// What the template may use.
        values: serde_json::Map<String, serde_json::Value>,
    },
    /// The site's error page for the reply's status.
    Error {
        /// What the visitor may be told.
        message: String,
        /// What only a developer may be told.
        cause: Option<String>,
    },
}

impl Reply {
    /// Takes the reply apart for the wire.
    pub fn into_parts(self) -> (::http::StatusCode, ::http::HeaderMap, Content, Vec<String>) {
        (self.status, self.headers, self.content, self.groups)
    }
}
