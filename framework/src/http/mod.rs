//! HTTP semantics as functions of headers and values: conditions, ranges, negotiation, cookies.
//!
//! - [`conditions`]: evaluates the preconditions of a request: 304, 412. `validators`: `ETag` and `Last-Modified`,
//!   which conditions compare.
//! - [`ranges`]: the bytes that a request selects: 206, 416, and multipart bodies.
//! - [`negotiation`]: the content codings that a client accepts; [`encoding`]: encodes content.
//! - [`Languages`]: selects one of a site's languages for a visitor; `weight` parses the `q` of the members of a field
//!   like `Accept-Language`.
//! - `cache_control`: the cache directives of a response; `shared_caches`: whether shared caches may store it.
//! - `reuse`: the terms on which downstream caches may reuse a page; `group_headers`: the names of its groups for them.
//! - `accept`: whether a client prefers JSON to HTML.
//! - [`gzip`]: one stream assembled from pieces that were deflated separately.
//! - `host`: the host of a request.
//! - [`forgery`]: protection against cross-site request forgery.
//! - [`TrustedProxies`]: the proxies that are trusted to report a visitor's address and scheme.
//! - `cookies`: the cookies of a request, and the encoding of their values.
//! - [`names`]: headers that the `http` crate has no constants for.
//!
//! This module must not depend on connections or files.

mod accept;
mod cache_control;
pub(crate) mod conditions;
mod cookies;
pub(crate) mod encoding;
pub(crate) mod forgery;
mod group_headers;
pub(crate) mod gzip;
pub(crate) mod host;
mod language;
pub(crate) mod names;
pub(crate) mod negotiation;
pub(crate) mod proxies;
pub(crate) mod ranges;
mod reuse;
mod shared_caches;
pub(crate) mod validators;
mod weight;

pub(crate) use accept::wants_problem;
pub(crate) use cache_control::Directives;
pub(crate) use cookies::{cookie, cookies, is_cookie_name, is_cookie_value};
pub use cookies::{decode_cookie_value, encode_cookie_value};
pub(crate) use group_headers::{GroupHeader, strings_of};
pub use language::Languages;
pub(crate) use language::direction;
pub(crate) use negotiation::{Coding, Preferences};
pub(crate) use proxies::network;
pub use proxies::{Origin, Scheme};
pub(crate) use proxies::{ProxyHeaders, TrustedProxies};
pub(crate) use reuse::{Reuse, ReuseTerms};
pub(crate) use shared_caches::{is_kept_from_shared_caches, keep_from_shared_caches};
