//! Names of headers that not everybody knows.

use http::HeaderName;

/// How caches took part in a response (RFC 9211).
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the caches of CDNs are told (RFC 9213).
pub const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
