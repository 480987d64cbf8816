//! The site's data: in memory, changed only by updates that are in the log.

mod journal;

pub use journal::{Journal, WriteError, Written};
