//! What is measured.
//!
//! - [`fragments`]: a page of fragments, from the cache or evaluated.
//! - [`hit`]: a page from the cache.
//! - [`receipt`]: a write, until no front end shows what it made wrong.

pub(crate) mod fragments;
pub(crate) mod hit;
pub(crate) mod receipt;
