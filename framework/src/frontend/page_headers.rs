use http::HeaderName;
use http::header::{self, HeaderMap, HeaderValue};

use super::content_policy::{ContentPolicy, lasting};
use crate::inline::{InlineHashes, InlineKind};
use crate::media_type;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// The policy of visitors' files that a browser displays as pages or images of their own: nothing is permitted. A
/// sandboxed file has no origin, so it has no access to cookies and pages of the site.
const OF_UPLOADS: HeaderValue = HeaderValue::from_static(
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'",
);

/// The headers of HTML that protect it from other sites' pages and from injected content. They are in the headers that
/// pages share, so they cost nothing in a hit.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageHeaders {
    /// The resources that the page may load and run, and the pages that may embed it.
    policy: ContentPolicy,
    /// The information about the referring page that other sites receive.
    referrer: Option<HeaderValue>,
    /// Whether pages that open this one, or that it opens, keep a reference to it.
    opener: Option<HeaderValue>,
}

impl PageHeaders {
    /// Creates the headers with these values of `Referrer-Policy` and `Cross-Origin-Opener-Policy`, unless they are
    /// `off`.
    pub(crate) fn new(policy: &ContentPolicy, referrer: &str, opener: &str) -> PageHeaders {
        let unless_off = |text: &str| {
            let value = HeaderValue::from_str(text).ok().filter(|value| value != "off");
            value.as_ref().and_then(lasting)
        };
        PageHeaders {
            policy: policy.lasting(),
            referrer: unless_off(referrer),
            opener: unless_off(opener),
        }
    }

    /// Adds the headers that the controller has not set to HTML with these inline blocks. Returns whether the site's
    /// policy governs them.
    pub(super) fn put_into(&self, headers: &mut HeaderMap, inline: &InlineHashes) -> bool {
        if !headers.get(header::CONTENT_TYPE).is_some_and(media_type::is_html) {
            return false;
        }
        let is_governed = !headers.contains_key(header::CONTENT_SECURITY_POLICY);
        if is_governed && let Some(policy) = self.policy.header(inline) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        for (name, value) in
            [(header::REFERRER_POLICY, &self.referrer), (OPENER_POLICY, &self.opener)]
        {
            if let Some(value) = value {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
        is_governed
    }

    /// Permits the inline blocks of parts in a page that the site's policy governs, and whose own blocks are `own`.
    pub(super) fn widen(&self, headers: &mut HeaderMap, own: &InlineHashes, parts: &InlineHashes) {
        if parts.is_empty() {
            return;
        }
        let mut all = own.clone();
        all.extend(parts);
        if all != *own
            && let Some(policy) = self.policy.header(&all)
        {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Sandboxes a file that may be a visitor's upload, if browsers would run it as a page.
pub(super) fn sandbox(headers: &mut HeaderMap) {
    if headers.get(header::CONTENT_TYPE).is_some_and(media_type::is_markup) {
        headers.insert(header::CONTENT_SECURITY_POLICY, OF_UPLOADS);
    }
}

/// Permits an inline style with this text if the response has a policy for styles. The policy may be the site's, a
/// controller's or a service's, so it is read from the response.
pub(super) fn allow_style(headers: &mut HeaderMap, text: &str) {
    let Some(policy) = headers.get(header::CONTENT_SECURITY_POLICY) else { return };
    let mut directives: Vec<String> =
        policy.to_str().unwrap_or_default().split(';').map(|part| part.trim().to_owned()).collect();
    let place = ["style-src-elem", "style-src", "default-src"].iter().find_map(|name| {
        let is_it = |said: &String| said.split_ascii_whitespace().next() == Some(*name);
        directives.iter().position(is_it)
    });
    // A hash would make browsers ignore `'unsafe-inline'`.
    if let Some(place) = place.filter(|place| !directives[*place].contains("'unsafe-inline'")) {
        let hash = InlineHashes::of(InlineKind::Style, text);
        hash.of_kind(InlineKind::Style).for_each(|hash| directives[place].extend([" ", hash]));
        if let Ok(policy) = HeaderValue::try_from(directives.join("; ")) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html() -> HeaderMap {
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        HeaderMap::from_iter([(header::CONTENT_TYPE, html)])
    }

    fn with_hashes() -> PageHeaders {
        let policy = toml::from_str("script-src = \"'hashes'\"").unwrap();
        PageHeaders { policy, ..PageHeaders::default() }
    }

    #[test]
    fn only_html_has_a_policy() {
        let page_headers = PageHeaders {
            opener: Some(HeaderValue::from_static("same-origin")),
            ..PageHeaders::default()
        };
        let mut headers = html();
        page_headers.put_into(&mut headers, &InlineHashes::default());
        assert_eq!(headers.len(), 3);
        assert_eq!(headers[OPENER_POLICY], "same-origin");
        for other in ["application/json", "text/css", "image/svg+xml"] {
            let mut headers = html();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(other));
            page_headers.put_into(&mut headers, &InlineHashes::default());
            assert_eq!(headers.len(), 1, "{other}");
        }
    }

    #[test]
    fn the_policy_of_a_controller_is_unchanged() {
        let own = HeaderValue::from_static("default-src 'none'");
        let mut headers = html();
        headers.insert(header::CONTENT_SECURITY_POLICY, own.clone());
        let script = InlineHashes::of(InlineKind::Script, "a");
        assert!(!with_hashes().put_into(&mut headers, &script));
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], own);
    }

    #[test]
    fn inline_blocks_of_parts_run_in_the_page() {
        let (a, b) =
            (InlineHashes::of(InlineKind::Script, "a"), InlineHashes::of(InlineKind::Script, "b"));
        let (mut page, mut both) = (html(), a.clone());
        both.extend(&b);
        assert!(with_hashes().put_into(&mut page, &a));
        with_hashes().widen(&mut page, &a, &a);
        assert_eq!(
            page.get(header::CONTENT_SECURITY_POLICY),
            with_hashes().policy.header(&a).as_ref()
        );
        with_hashes().widen(&mut page, &a, &b);
        assert_eq!(
            page.get(header::CONTENT_SECURITY_POLICY),
            with_hashes().policy.header(&both).as_ref()
        );
    }

    #[test]
    fn a_style_is_added_to_the_directive_that_governs_styles() {
        for (before, is_added_to) in [
            ("base-uri 'self'", None),
            (
                "default-src 'self'; style-src 'none'; base-uri 'self'",
                Some("style-src 'none' 'sha256-"),
            ),
            ("default-src 'self'", Some("default-src 'self' 'sha256-")),
            ("style-src 'self' 'unsafe-inline'", None),
        ] {
            let mut headers = html();
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(before));
            allow_style(&mut headers, "p {}");
            let after = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            match is_added_to {
                None => assert_eq!(after, before),
                Some(added) => assert!(after.contains(added), "{after}"),
            }
        }
    }

    #[test]
    fn an_upload_is_sandboxed_where_it_could_run() {
        for (media_type, is_sandboxed) in [
            ("text/html; charset=utf-8", true),
            ("image/svg+xml", true),
            ("application/xhtml+xml", true),
            ("text/xml", true),
            ("image/png", false),
            ("application/pdf", false),
        ] {
            let mut headers = html();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            sandbox(&mut headers);
            assert_eq!(
                headers.contains_key(header::CONTENT_SECURITY_POLICY),
                is_sandboxed,
                "{media_type}"
            );
        }
    }
}
