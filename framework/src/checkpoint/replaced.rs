use serde::{Deserialize, Serialize};

/// The treatment of records that the last two checkpoints replace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ReplacedRecords {
    /// They stay in the log.
    #[default]
    Keep,
    /// They are moved to files beside it.
    Archive,
    /// They are dropped.
    Drop,
}
