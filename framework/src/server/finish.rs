//! The headers of every response.

use http::header::{self, HeaderMap, HeaderValue};

/// Adds what every response has, whatever made it: a page, a file, a service or a layer of the site, a
/// refusal, the admin port. What a response says itself stays.
///
/// Only a head that hyper cannot read is answered without it, by hyper, with a status and no content.
pub(crate) fn finish(headers: &mut HeaderMap) {
    headers
        .entry(header::X_CONTENT_TYPE_OPTIONS)
        .or_insert_with(|| HeaderValue::from_static("nosniff"));
}
