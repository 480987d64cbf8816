//! Paths and queries of requests, and the URLs that are generated from a route.

use std::borrow::Cow;
use std::sync::LazyLock;

use headwater::internals::dispatch::{CanonicalPath, QueryKey, Resolution, Table};
use http::Method;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let routes = r#"
        [[route]]
        name = "one"
        path = "/one/{slug}"
        template = "a.html"
        [[route]]
        name = "two"
        path = "/two/{slug}/{*rest}"
        template = "a.html"
        [[route]]
        name = "three"
        pattern = '^/three/(?<number>[0-9]+)/(?<word>[^/]+)$'
        template = "a.html"
        [[route]]
        path = "/files/{*file}"
        files = "assets"
    "#;
    Table::parse(routes, "dispatch.conf").expect("the routes are right")
});

/// `data` is a path, and after `?` a query.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    if let Ok(canonical) = CanonicalPath::new(path) {
        check_path(path, &canonical);
        check_routes(&canonical);
    }
    check_query(query);
}

fn decoded(path: &str) -> Vec<Cow<'_, [u8]>> {
    path.split('/').map(|segment| percent_decode(segment.as_bytes())).collect()
}

/// An independent decoder of `%` with two digits.
fn percent_decode(segment: &[u8]) -> Cow<'_, [u8]> {
    if !segment.contains(&b'%') {
        return segment.into();
    }
    let mut decoded = Vec::new();
    let mut rest = segment;
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = &after[2..];
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded.into()
}

fn check_path(raw: &str, canonical: &CanonicalPath<'_>) {
    let text = canonical.as_str();
    assert!(text.starts_with('/') && text.is_ascii() && text.len() <= CanonicalPath::LONGEST);
    assert_eq!(CanonicalPath::new(text).as_ref(), Ok(canonical), "it is its own canonical path");
    let segments = decoded(text);
    assert_eq!(segments, decoded(raw), "it means the same");
    for (index, segment) in segments.iter().enumerate() {
        let is_end = index == 0 || index == segments.len() - 1;
        assert!(is_end || !segment.is_empty(), "no segment is empty");
        let text = std::str::from_utf8(segment).expect("a segment is text");
        assert!(!text.contains('\\') && !text.chars().any(char::is_control));
        assert!(!text.split('/').any(|part| matches!(part, "." | "..")), "no dot segments");
    }
}

fn check_routes(path: &CanonicalPath<'_>) {
    let Resolution::Route(found) = TABLE.resolve(&Method::GET, path.clone()) else { return };
    if let Some(file) = found.file() {
        let leads_out = |part: &str| matches!(part, "" | "." | "..");
        let parts = file.strip_suffix('/').unwrap_or(&file);
        assert!(!parts.split('/').any(leads_out), "{file} leads out of its folder");
        return;
    }
    let name = if path.as_str().starts_with("/one/") {
        "one"
    } else if path.as_str().starts_with("/two/") {
        "two"
    } else {
        "three"
    };
    let url = TABLE.url_for(name, found.to_params());
    // In a catch-all, an encoded slash yields the same value as a plain one.
    if path.as_str().contains("%2F") && name == "two" {
        return;
    }
    assert_eq!(url.as_deref(), Ok(path.as_str()), "the route leads back to its path");
}

fn check_query(raw: Option<&str>) {
    let some = QueryKey::Only(vec!["a".to_owned(), "page".to_owned()]);
    for key in [QueryKey::All, some] {
        let Ok(canonical) = key.canonical(raw) else { continue };
        assert_eq!(key.canonical(Some(&canonical)).as_ref(), Ok(&canonical));
        let parse = |text: &str| {
            let pairs = form_urlencoded::parse(text.as_bytes()).into_owned();
            let mut pairs: Vec<_> = pairs.filter(|(name, _)| key.holds(name)).collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            pairs
        };
        let kept: Vec<_> = form_urlencoded::parse(canonical.as_bytes()).into_owned().collect();
        assert_eq!(kept, parse(raw.unwrap_or_default()), "it means the same");
    }
}
