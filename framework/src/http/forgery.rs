//! Protection against cross-site request forgery: detects requests that a page of another site has sent.
//!
//! A browser sends a visitor's cookies with the forms of any page, whatever site the page belongs to. It also sends the
//! origin of a request, in `Sec-Fetch-Site` (Fetch Metadata, section 2.1) and in `Origin` (RFC 6454, section 7), and no
//! page can change either. So forms need no token, and a form can be cached for all visitors:
//!
//! ```text
//! Sec-Fetch-Site ─┬─ same-origin, none ──> accept: a page of this origin, or the visitor's own hand
//!                 ├─ anything else ──────> accept if `Origin` is trusted
//!                 └─ absent ─> Origin ─┬─ absent ──> accept: this is not a browser
//!                                      ├─ the site's own ──> accept
//!                                      └─ anything else ───> accept if it is trusted
//! ```
//!
//! Browsers omit `Sec-Fetch-Site` on pages that are not encrypted, and some browsers sent it nowhere before 2023.
//! `Origin` is then compared with the host of the request, which [`host::settle`](super::host::settle) has put into
//! `Host`, and with its scheme:
//!
//! - If a trusted proxy reports an encrypted request, the origin must be `https`: an unencrypted page may have been
//!   modified in transit.
//! - If the request counts as unencrypted, an `https` origin is accepted, because a proxy that is not trusted may have
//!   decrypted the request.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use serde::{Deserialize, Serialize};

use super::Scheme;
use super::host::canonical;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Origin of a page, as browsers send it: scheme, host, and the port unless it is the default of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct PageOrigin {
    scheme: Scheme,
    /// Host, and port unless it is the default.
    host: String,
}

impl FromStr for PageOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<PageOrigin, String> {
        let split = text.split_once("://").and_then(|(scheme, host)| {
            let mut schemes = [Scheme::Http, Scheme::Https].into_iter();
            let scheme = schemes.find(|known| scheme.eq_ignore_ascii_case(known.as_str()))?;
            Some((scheme, canonical(host.as_bytes(), scheme.port()).ok()?.into_owned()))
        });
        let (scheme, host) = split.ok_or_else(|| {
            format!(
                "`{text}` is not an origin; write scheme and host, and a port if needed, as in \
                 \"https://shop.example\", and a name with other letters as browsers send it, as in \
                 \"https://xn--bcher-kva.example\""
            )
        })?;
        Ok(PageOrigin { scheme, host })
    }
}

impl TryFrom<String> for PageOrigin {
    type Error = String;

    fn try_from(text: String) -> Result<PageOrigin, String> {
        text.parse()
    }
}

impl From<PageOrigin> for String {
    fn from(origin: PageOrigin) -> String {
        origin.to_string()
    }
}

impl fmt::Display for PageOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)
    }
}

/// Reason why a request counts as sent by a page of another site, as a sentence for an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forgery {
    /// `Sec-Fetch-Site` names another origin or site.
    #[error("`Sec-Fetch-Site` is `{site}`, so a page of another origin has sent this ({})", named(.origin))]
    Site {
        /// Value of `Sec-Fetch-Site`.
        site: String,
        /// Value of `Origin`, if present.
        origin: Option<String>,
    },
    /// `Sec-Fetch-Site` is absent, and `Origin` is not that of the request.
    #[error("`Origin` is `{origin}`, and the request is for `{own}`")]
    Origin {
        /// Value of `Origin`.
        origin: String,
        /// Origin of the request itself.
        own: String,
    },
}

fn named(origin: &Option<String>) -> String {
    match origin {
        Some(origin) => format!("`Origin` is `{origin}`"),
        None => "there is no `Origin`".to_owned(),
    }
}

impl Forgery {
    /// Returns the origin that must be trusted for such requests to be accepted, if the request names one.
    pub(crate) fn origin(&self) -> Option<PageOrigin> {
        match self {
            Forgery::Site { origin, .. } => origin.as_deref()?.parse().ok(),
            Forgery::Origin { origin, .. } => origin.parse().ok(),
        }
    }
}

/// Checks that no page of another origin, except those in `trusted`, has sent a request with these headers over this
/// scheme. Call it for requests that may change something; others are not checked, because pages link to each other.
///
/// # Errors
/// Returns the header that names another origin.
pub(crate) fn check(
    headers: &HeaderMap,
    scheme: Scheme,
    trusted: &[PageOrigin],
) -> Result<(), Forgery> {
    let site = single(headers, &SEC_FETCH_SITE);
    if matches!(site.as_deref(), Some("same-origin" | "none")) {
        return Ok(());
    }
    let origin = single(headers, &ORIGIN);
    let parsed = origin.as_deref().and_then(|origin| origin.parse::<PageOrigin>().ok());
    if parsed.as_ref().is_some_and(|origin| trusted.contains(origin)) {
        return Ok(());
    }
    if let Some(site) = site {
        return Err(Forgery::Site { site, origin });
    }
    let Some(origin) = origin else { return Ok(()) };
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    if parsed.is_some_and(|origin| {
        origin.scheme >= scheme
            && canonical(host, origin.scheme.port()).is_ok_and(|host| *host == *origin.host)
    }) {
        return Ok(());
    }
    Err(Forgery::Origin { origin, own: format!("{scheme}://{}", String::from_utf8_lossy(host)) })
}

/// Returns the value of a header as text. Several lines are joined to a value that matches nothing.
fn single(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut lines = headers.get_all(name).iter();
    let first = String::from_utf8_lossy(lines.next()?.as_bytes()).into_owned();
    Some(lines.fold(first, |all, line| all + ", " + &String::from_utf8_lossy(line.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: (&str, &str) = ("host", "site.example");

    fn checked(scheme: Scheme, headers: &[(&str, &str)]) -> Result<(), Forgery> {
        let trusted: [PageOrigin; 2] =
            ["https://shop.example".parse().unwrap(), "HTTP://Other.example:8080".parse().unwrap()];
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        check(&map, scheme, &trusted)
    }

    fn passes(headers: &[(&str, &str)]) -> bool {
        let headers = [&[HERE], headers].concat();
        checked(Scheme::Http, &headers).is_ok()
    }

    #[test]
    fn sec_fetch_site_takes_precedence_over_the_origin() {
        for (site, is_accepted) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
            ("", false),
            ("Same-Origin", false),
            ("something-new", false),
        ] {
            assert_eq!(passes(&[("sec-fetch-site", site)]), is_accepted, "{site}");
            let other = [("sec-fetch-site", site), ("origin", "https://evil.example")];
            assert_eq!(passes(&other), is_accepted, "{site}");
            let own = [("sec-fetch-site", site), ("origin", "http://site.example")];
            assert_eq!(passes(&own), is_accepted, "{site}");
        }
        let twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")];
        assert!(!passes(&twice));
    }

    #[test]
    fn only_an_exact_match_of_a_trusted_origin_is_accepted() {
        for site in ["same-site", "cross-site"] {
            for (origin, is_accepted) in [
                ("https://shop.example", true),
                ("http://other.example:8080", true),
                ("http://shop.example", false),
                ("https://shop.example:8443", false),
                ("http://other.example", false),
                ("https://shop.example.evil.example", false),
                ("https://www.shop.example", false),
                ("null", false),
            ] {
                let headers = [("sec-fetch-site", site), ("origin", origin)];
                assert_eq!(passes(&headers), is_accepted, "{site} {origin}");
            }
        }
        assert!(passes(&[("origin", "https://shop.example")]));
    }

    #[test]
    fn without_the_site_the_origin_must_be_the_host() {
        assert!(passes(&[]), "no browser");
        for (origin, is_accepted) in [
            ("http://site.example", true),
            ("http://site.example:80", true),
            ("https://site.example", true),
            ("http://site.example:8000", false),
            ("http://sub.site.example", false),
            ("http://evil.example", false),
            ("ftp://site.example", false),
            ("http://site.example/", false),
            ("http://evil.example@site.example", false),
            ("null", false),
            ("site.example", false),
            ("", false),
        ] {
            assert_eq!(passes(&[("origin", origin)]), is_accepted, "{origin}");
        }
        let twice = [("origin", "http://site.example"), ("origin", "http://site.example")];
        assert!(!passes(&twice));
        let other_port = [("host", "site.example:8000"), ("origin", "http://site.example:8000")];
        assert_eq!(checked(Scheme::Http, &other_port), Ok(()));
        let address = [("host", "[::1]:8000"), ("origin", "http://[::1]:8000")];
        assert_eq!(checked(Scheme::Http, &address), Ok(()));
        assert!(checked(Scheme::Http, &[("origin", "http://site.example")]).is_err());
    }

    #[test]
    fn an_encrypted_request_needs_an_encrypted_origin() {
        for (host, origin, is_accepted) in [
            ("site.example", "https://site.example", true),
            ("site.example:443", "https://site.example", true),
            ("site.example", "http://site.example", false),
            ("site.example:8443", "https://site.example:8443", true),
            ("site.example:8443", "http://site.example:8443", false),
        ] {
            let found = checked(Scheme::Https, &[("host", host), ("origin", origin)]);
            assert_eq!(found.is_ok(), is_accepted, "{host} {origin}: {found:?}");
        }
    }

    #[test]
    fn the_refusal_names_the_header_and_the_origin_that_could_be_trusted() {
        let site =
            [HERE, ("sec-fetch-site", "same-site"), ("origin", "https://a.site.example:443")];
        let refusal = checked(Scheme::Http, &site).unwrap_err();
        assert_eq!(refusal.origin().unwrap().to_string(), "https://a.site.example");
        assert!(refusal.to_string().starts_with("`Sec-Fetch-Site` is `same-site`"), "{refusal}");
        let origin = [HERE, ("origin", "http://site.example")];
        let refusal = checked(Scheme::Https, &origin).unwrap_err();
        let sentence =
            "`Origin` is `http://site.example`, and the request is for `https://site.example`";
        assert_eq!(refusal.to_string(), sentence);
        let opaque = [HERE, ("sec-fetch-site", "cross-site"), ("origin", "null")];
        assert_eq!(checked(Scheme::Http, &opaque).unwrap_err().origin(), None);
    }

    #[test]
    fn text_that_is_not_an_origin_cannot_be_trusted() {
        for text in [
            "",
            "shop.example",
            "https://",
            "https://shop.example/",
            "ftp://a",
            "null",
            "https://bücher.example",
        ] {
            let message = text.parse::<PageOrigin>().unwrap_err();
            assert!(message.contains("as in \"https://shop.example\""), "{text}: {message}");
        }
    }
}
