//! Parts: other pages of the site, put into a page for each response.
//!
//! - `frame`: the page without its parts, and the response with them.
//! - [`compose`]: puts a page together: what is in the cache at once, the rest side by side.
//! - `address`: where a part leads to, and `chain`: through which pages, so that no page holds itself.
//! - `content`: what of an answer goes into a page.
//! - `insertion`: whether that is put in as it is or as text.
//! - `failing`: what is shown, and logged, in the place of a part that cannot be had.
//! - `tag`: the strong tag of what was put together.
//! - `sharing`: what caches further out may do with it.
//!
//! # A part is a request
//!
//! A part is what the front end answers when the visitor asks for its URL with `GET`: it goes
//! through the same dispatch, lookup, flight and fill as a browser's request, by the same edition
//! of the site's files, with the visitor's headers and address. So it has a policy, a variant, groups and
//! rules for errors of its own, and the law of the cache holds for it by itself. The page does not
//! depend on it: what is kept of a page are its bytes and the places of its parts.
//!
//! Nothing of the visitor's request that asks for *a representation of the page* goes to the parts:
//! no conditions, ranges or encodings, nothing about a body. They are answered for the page as it was
//! put together.
//!
//! # Gzip without compressing
//!
//! The encoder deflates each piece of a page with parts, and the pages that are parts, once and by
//! themselves; [`gzip`](crate::http::gzip) says why such pieces stand one after the other as one
//! stream. What is kept with an entry is of that entry's bytes, so a page as gzip shows what the same page
//! as it is would show, made of the same lookups. Brotli and Zstandard are not offered for it.
//!
//! # What can go wrong stays where it is
//!
//! A part that fails, is slow, leads in a circle, or is one too many shows its fallback. One
//! deadline holds for all parts of a response, however deep: those within a part are
//! fetched after it, but they do not get time of their own. All that a response may hold (depth, number,
//! bytes) is bounded, so a template's mistake costs one response and no more.

mod address;
mod chain;
mod composition;
mod content;
mod failing;
mod frame;
mod insertion;
mod sharing;
mod tag;

pub(super) use composition::{Unfinished, compose};

/// How deep parts may lie in one another: those of the page itself have depth 1.
const DEEPEST: usize = 8;

/// How many parts one response may have, at all depths.
const MOST_PARTS: usize = 200;

/// How long one response may become, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;
