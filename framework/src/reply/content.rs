use crate::body::Body;
use crate::packed::Packed;

/// What a reply shows.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content {
    /// These bytes.
    Body(Body),
    /// A template of the site, rendered by the front end with these values.
    Template {
        /// The template's name.
        name: String,
        /// What the template may use.
        values: Packed,
    },
    /// The site's error page for the reply's status.
    Error {
        /// What the visitor may see.
        message: String,
        /// What only a developer may see.
        cause: Option<String>,
    },
}
