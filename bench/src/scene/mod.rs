//! What is measured.
//!
//! - [`hit`]: a page from the cache.
//! - [`receipt`]: a write, until no front end shows what it made wrong.
//! - [`large`]: a file of 4 GiB, sent to many clients at once.

pub(crate) mod hit;
pub(crate) mod large;
pub(crate) mod receipt;
