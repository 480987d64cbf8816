//! Parts: other pages of the site, inserted into a page for each response.
//!
//! - `frame`: the page without its parts, and the response with them.
//! - [`compose`]: composes a page: parts from the cache at once, the rest concurrently.
//! - `address`: the target of a part, and `chain`: the pages that lead to it, so that no page contains itself.
//! - `content`: the content of an answer that is inserted.
//! - `insertion`: whether content is inserted unchanged or escaped.
//! - `failing`: the fallback and the log entry for a part that fails.
//! - `tag`: the strong tag of composed content.
//! - `sharing`: the limits on its reuse by downstream caches.
//!
//! # A part is a request
//!
//! A part is the front end's answer to the visitor's `GET` for its URL: it takes the same path through dispatch,
//! lookup, flight and fill as a browser's request, with the same edition of the site's files and with the visitor's
//! headers and address. So it has a cache policy, a variant, groups and error rules of its own, and the law of the
//! cache holds for it by itself. The page does not depend on it: a stored page consists of its own bytes and the
//! places of its parts.
//!
//! The headers by which the visitor selects *a representation of the page* are not sent to the parts: conditions,
//! ranges, encodings, and headers about a body. They are applied to the composed page.
//!
//! # Gzip without compressing
//!
//! The encoder deflates each piece of a page with parts, and the pages that are parts, once and separately;
//! [`gzip`](crate::http::gzip) explains why such pieces can be concatenated into one stream. The deflated pieces of an
//! entry belong to that entry's bytes, so a page as gzip shows the same content as the unencoded page that results
//! from the same lookups. Brotli and Zstandard are not offered for composed pages.
//!
//! # Failures stay local
//!
//! A part that fails, is slow, contains itself, or exceeds the limit shows its fallback. One deadline holds for all
//! parts of a response, at every depth: the parts within a part are fetched after it, but get no additional time.
//! Depth, number and bytes of a response are bounded, so a template's mistake affects one response only.

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

/// The deepest nesting of parts. The page's own parts have depth 1.
const DEEPEST: usize = 8;

/// The largest number of parts in one response, at all depths.
const MOST_PARTS: usize = 200;

/// The longest response, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;
