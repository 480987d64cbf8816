/// A change that a table refuses. With [`?`](std::ops::Try) in `apply` it becomes the refusal of the whole
/// update. A controller that returns it answers with 409 Conflict, or with 404 Not Found for a missing row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The table already has a row with the key of the inserted one.
    #[error("there is a {row} with the key {key} already")]
    Exists {
        /// The type of the row.
        row: &'static str,
        /// The key in readable form.
        key: String,
    },
    /// The table has no row with the key of the row to change.
    #[error("there is no {row} with the key {key}")]
    Missing {
        /// The key in readable form.
        row: &'static str,
        /// The key, for people to read.
        key: String,
    },
    /// Another row has the same values in a unique index.
    #[error("there is another {row} with the {index} {value}")]
    NotUnique {
        /// The type of the row.
        row: &'static str,
        /// The name of the index.
        index: &'static str,
        /// The values of the index's columns in readable form; all of them, where there are several.
        value: String,
    },
    /// A change of a row would change its key. Remove the row and insert another one instead.
    #[error(
        "an update of the {row} with the key {key} changes its key: remove it and insert another"
    )]
    KeyChanged {
        /// The type of the row.
        row: &'static str,
        /// The key before the change, in readable form.
        key: String,
    },
}
