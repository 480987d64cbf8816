//! What HTTP says, as functions of headers and values: conditions, ranges, negotiation, cookies.
//!
//! - [`conditions`]: whether a request is to be carried out with the version that there is: 304, 412.
//!   `validators`: what they compare, `ETag` and `Last-Modified`.
//! - [`ranges`]: which bytes a request asks for: 206, 416, and multipart bodies.
//! - [`negotiation`]: which content codings a client takes; [`encoding`]: content in them.
//! - [`Languages`]: which of a site's languages a visitor is answered in; `weight` reads the `q` of
//!   the members of a field like `Accept-Language`.
//! - `cache_control`: what a response asks of caches; `shared_caches`: whether those that many visitors share may keep it.
//! - `reuse`: the terms on which caches further out may reuse a page; `group_headers`: how its groups are named there.
//! - `accept`: whether a client reads JSON rather than HTML.
//! - [`gzip`]: one stream of pieces that were deflated each by itself.
//! - `host`: the host that a request is for.
//! - [`forgery`]: whether a page of another site has sent a request.
//! - [`TrustedProxies`]: the proxies that are believed in what they say of a visitor's address and scheme.
//! - `cookies`: the cookies of a request, and any text as the value of one.
//! - [`names`]: headers that the `http` crate has no constants for.
//!
//! This module must know neither connections nor files.

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
