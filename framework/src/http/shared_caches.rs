//! Keeps responses for one visitor out of shared caches (RFC 9111, section 5.2.2).

use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue};

use super::cache_control::Directives;
use super::names::CDN_CACHE_CONTROL;

/// Returns whether no shared cache may store a response with these headers. CDNs give precedence to `CDN-Cache-Control`
/// (RFC 9213, section 2.2).
pub(crate) fn is_kept_from_shared_caches(headers: &HeaderMap) -> bool {
    let keeps_out = |name| {
        let mut values = headers.get_all(name).iter();
        values.any(|value| Directives::of(value).keep_out_shared_caches())
    };
    let has_no_cdn_directives = !headers.contains_key(CDN_CACHE_CONTROL);
    keeps_out(&CACHE_CONTROL) && (has_no_cdn_directives || keeps_out(&CDN_CACHE_CONTROL))
}

/// Forbids shared caches to store a response that sets a cookie, whatever its directives were before.
pub(crate) fn keep_from_shared_caches(headers: &mut HeaderMap) {
    headers.remove(CDN_CACHE_CONTROL);
    if !is_kept_from_shared_caches(headers) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cdn_directive_takes_precedence() {
        let headers = |lines: &[(&'static str, &'static str)]| {
            let line = |(name, value): &(&'static str, &'static str)| {
                (name.parse().unwrap(), HeaderValue::from_static(value))
            };
            lines.iter().map(line).collect::<HeaderMap>()
        };
        for (lines, is_kept) in [
            (&[][..], false),
            (&[("cache-control", "max-age=60")], false),
            (&[("cache-control", "no-cache=\"private\"")], false),
            (&[("cache-control", "max-age=60, Private")], true),
            (&[("cache-control", "no-store")], true),
            (&[("cache-control", "private"), ("cdn-cache-control", "max-age=60")], false),
            (&[("cache-control", "private"), ("cdn-cache-control", "no-store")], true),
        ] {
            let mut headers = headers(lines);
            assert_eq!(is_kept_from_shared_caches(&headers), is_kept, "{lines:?}");
            keep_from_shared_caches(&mut headers);
            assert!(is_kept_from_shared_caches(&headers), "{lines:?}");
        }
    }
}
