/// A table refuses a change. [`?`](std::ops::Try) in `apply` makes it the refusal of the whole update; a controller that
/// passes it on answers with 409 Conflict, or with 404 Not Found for a row that is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// There is a row with the key of the one that was to be inserted.
    #[error("there is a {row} with the key {key} already")]
    Exists {
        /// The type of the row.
        row: &'static str,
        /// The key, for people to read.
        key: String,
    },
    /// There is no row with the key of the one that was to be changed.
    #[error("there is no {row} with the key {key}")]
    Missing {
        /// The type of the row.
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
        /// The values of the index's columns, for people to read; where there are several, all of them.
        value: String,
    },
    /// A change of a row would give it another key. Remove the row and insert another one.
    #[error(
        "an update of the {row} with the key {key} changes its key: remove it and insert another"
    )]
    KeyChanged {
        /// The type of the row.
        row: &'static str,
        /// The key before, for people to read.
        key: String,
    },
}
