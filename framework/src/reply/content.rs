use crate::body::Body;
use crate::packed::Packed;

/// The content of a reply.
#[derive(Debug)]
#[non_exhaustive]
pub enum Content {
    /// A body.
    Body(Body),
    /// A template of the site, rendered by the front end with these values.
    Template {
        /// The template's name.
        name: String,
        /// The values that the template may use.
        values: Packed,
    },
    /// The site's error page for the reply's status.
    Error {
        /// The message for the visitor.
        message: String,
        /// The cause, which only a developer may see.
        cause: Option<String>,
    },
}
