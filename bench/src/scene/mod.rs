//! What is measured.
//!
//! - [`fragments`]: a page of fragments, from the cache or evaluated.
//! - [`hit`]: a page from the cache.
//! - [`forms`]: the same for clients that have it already, or take it compressed.
//! - [`parts`]: a page from the cache that is put together from several.
//! - [`receipt`]: a write, until no front end shows what it made wrong.
//! - [`large`]: a file of 4 GiB, sent to many clients at once.
//! - [`turns`]: how two pages are compared.

pub(crate) mod forms;
pub(crate) mod fragments;
pub(crate) mod hit;
pub(crate) mod large;
pub(crate) mod parts;
pub(crate) mod receipt;
pub(crate) mod turns;
