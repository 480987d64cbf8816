//! Names of headers that the `http` crate does not define.

use http::HeaderName;

/// How caches took part in a response (RFC 9211).
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Directives for the caches of CDNs (RFC 9213).
pub(crate) const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");
/// Represents the user of the client's session among the headers that a key depends on (`session = "user"` in
/// `dispatch.conf`). No client can send it: a front end forwards no header of this name but its own.
pub(crate) const SESSION_USER: HeaderName = HeaderName::from_static("headwater-session-user");
/// `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): identifies a request that may be sent twice.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
