use std::borrow::Cow;

use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;

use crate::dispatch::{CanonicalPath, QueryKey};
use crate::pieces::Part;

/// The address of a part: a page of this site.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address<'a> {
    target: &'a PathAndQuery,
}

/// The canonical spelling of an address, by which addresses are compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Canonical<'a> {
    pub(super) path: CanonicalPath<'a>,
    query: Cow<'a, str>,
}

impl<'a> Address<'a> {
    /// Returns the address of a part.
    ///
    /// # Errors
    /// The reason why it has none, with the correction.
    pub(super) fn of(part: &'a Part) -> Result<Address<'a>, String> {
        let target = part.target();
        target.map(|target| Address { target }).ok_or_else(|| explain(part.url()))
    }

    /// Returns its canonical spelling.
    ///
    /// # Errors
    /// The reason why it is not the address of a page.
    pub(super) fn canonical(self) -> Result<Canonical<'a>, String> {
        Canonical::of(self.target.path(), self.target.query())
    }

    /// Returns the same address with the scheme and host of the visitor's request.
    pub(super) fn under(self, visitor: &Uri) -> Uri {
        if visitor.authority().is_none() {
            return Uri::from(self.target.clone());
        }
        let mut parts = visitor.clone().into_parts();
        parts.path_and_query = Some(self.target.clone());
        // Only the target of CONNECT, a host without a scheme, cannot be combined.
        Uri::from_parts(parts).unwrap_or_else(|_| Uri::from(self.target.clone()))
    }
}

/// Explains why a URL cannot be a part's.
fn explain(url: &str) -> String {
    let example = "write a path of this site, with a query or without, such as \
                   `/parts/badge?size=small`";
    if url.starts_with("//") || has_scheme(url) {
        return format!("it is not on this site: {example}");
    }
    if !url.starts_with('/') {
        return match with_slash(url) {
            Some(path) => format!("it does not begin with a slash: write `{path}`"),
            None => format!("it does not begin with a slash: {example}"),
        };
    }
    if url.contains('#') {
        return format!("a part is a whole page, and has no `#…`: {example}");
    }
    "it is not a URL: encode values in it, with `url_for` or the filter `urlencode`".to_owned()
}

/// Returns whether a URL begins with a scheme, as in `https:` (RFC 3986, section 4.2).
fn has_scheme(url: &str) -> bool {
    let first = url.split(['/', '?', '#']).next().unwrap_or_default();
    first.contains(':')
}

/// Returns the path with the missing slash added, if that is a path of this site.
fn with_slash(url: &str) -> Option<String> {
    let part = Part::new(format!("/{url}"), Bytes::new());
    let meant = !url.is_empty() && Address::of(&part).ok()?.canonical().is_ok();
    meant.then(|| part.url().to_owned())
}

impl<'a> Canonical<'a> {
    fn of(path: &'a str, query: Option<&'a str>) -> Result<Canonical<'a>, String> {
        let path = CanonicalPath::new(path).map_err(|error| error.to_string())?;
        let query = QueryKey::All.canonical(query).map_err(|error| error.to_string())?;
        Ok(Canonical { path, query })
    }

    /// Returns the canonical spelling of a request's target, if it has one.
    pub(super) fn of_request(uri: &'a Uri) -> Option<Canonical<'a>> {
        Canonical::of(uri.path(), uri.query()).ok()
    }
}

impl std::fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.query.as_ref() {
            "" => write!(f, "{}", self.path),
            query => write!(f, "{}?{query}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(url: &str) -> Part {
        Part::new(url, Bytes::new())
    }

    #[test]
    fn only_paths_of_this_site_are_addresses() {
        for url in [
            "",
            "badge",
            "./badge",
            "?a=1",
            "//evil.example/badge",
            "https://evil.example/badge",
            "HTTP://evil.example",
            "javascript:alert(1)",
            "/badge#top",
            "/bad ge",
            "/badge\r\nHost: evil.example",
            "/\\evil.example",
            "/../secret",
            "/a/%2e%2e/secret",
            "/a//b",
            "/%zz",
            "/%00",
            "*",
        ] {
            let part = part(url);
            let error = Address::of(&part)
                .and_then(|address| address.canonical().map(|canonical| canonical.to_string()));
            assert!(error.is_err(), "{url:?} is {error:?}");
        }
        let why = |url| Address::of(&part(url)).unwrap_err();
        assert!(why("//evil.example").contains("`/parts/badge?size=small`"));
        assert!(why("/tag/a b").contains("urlencode"));
    }

    #[test]
    fn a_missing_slash_is_distinguished_from_an_address_elsewhere() {
        let why = |url| Address::of(&part(url)).unwrap_err();
        for url in ["//evil.example", "https://evil.example", "HTTP:badge", "javascript:alert(1)"] {
            assert!(why(url).starts_with("it is not on this site: "), "{url}: {}", why(url));
        }
        let no_slash = "it does not begin with a slash: ";
        assert_eq!(why("parts/greeting"), format!("{no_slash}write `/parts/greeting`"));
        assert_eq!(why("badge?at=12:30"), format!("{no_slash}write `/badge?at=12:30`"));
        for url in ["", "../badge", "a b", "badge#top"] {
            let why = why(url);
            assert!(
                why.starts_with(no_slash) && why.contains("`/parts/badge?size=small`"),
                "{why}"
            );
        }
    }

    #[test]
    fn spellings_of_one_address_are_equal() {
        let parts = ["/parts/%62adge?b=2&a=1", "/parts/badge?a=1&b=2"].map(part);
        let [one, other] = parts.each_ref().map(|part| Address::of(part).unwrap());
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(one.canonical().unwrap().to_string(), "/parts/badge?a=1&b=2");
    }

    #[test]
    fn a_part_keeps_the_visitors_scheme_and_host() {
        let part = part("/badge?a");
        let part = Address::of(&part).unwrap();
        let of_http2 = Uri::from_static("https://example.org/news?page=2");
        assert_eq!(part.under(&of_http2), "https://example.org/badge?a");
        assert_eq!(part.under(&Uri::from_static("/news")), "/badge?a");
        assert_eq!(part.under(&Uri::from_static("example.org:443")), "/badge?a");
        assert_eq!(part.under(&Uri::from_static("*")), "/badge?a");
    }
}
