//! The headers of every response.

use http::header::{self, HeaderMap, HeaderValue};

/// Adds the headers that every response has, whatever its origin: a page, a file, a service or a layer of the site, a
/// refusal, the admin port. Existing values are kept.
///
/// Only a head that hyper cannot parse is answered without them, by hyper, with a status and no content.
pub(crate) fn finish(headers: &mut HeaderMap) {
    headers
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert_with(|| HeaderValue::from_static("nosniff"));
}
