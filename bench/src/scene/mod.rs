//! What is measured.
//!
//! - [`hit`]: a page from the cache.
//! - [`receipt`]: a write, until no front end shows what it made wrong.

pub(crate) mod hit;
pub(crate) mod receipt;
