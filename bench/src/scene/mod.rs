//! What is measured.
//!
//! - [`fragments`]: a page of fragments, from the cache or evaluated.
//! - [`hit`]: a page from the cache.
//! - [`parts`]: a page from the cache that is put together from several.
//! - [`receipt`]: a write, until no front end shows what it made wrong.
//! - [`turns`]: how two pages are compared.

pub(crate) mod fragments;
pub(crate) mod hit;
pub(crate) mod parts;
pub(crate) mod receipt;
pub(crate) mod turns;
