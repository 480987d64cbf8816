/// Resolves `reference`, a link in the page at `base`, to a path with its query and fragment (RFC 3986, section 5.2).
/// Returns `None` for links to other sites and for schemes such as `mailto:`.
pub(super) fn resolve(base: &str, reference: &str) -> Option<String> {
    let reference = reference.trim();
    let reference = match reference.strip_prefix(super::visitor::ORIGIN) {
        Some("") => "/",
        Some(rest) if rest.starts_with(['/', '?', '#']) => rest,
        _ => reference,
    };
    if reference.starts_with("//") || has_scheme(reference) {
        return None;
    }
    let page = base.split('#').next().unwrap_or_default();
    let path = page.split('?').next().unwrap_or_default();
    if reference.is_empty() || reference.starts_with('#') {
        return Some(format!("{page}{reference}"));
    }
    if reference.starts_with('?') {
        return Some(format!("{path}{reference}"));
    }
    let end = reference.find(['?', '#']).unwrap_or(reference.len());
    let (relative, rest) = reference.split_at(end);
    let whole = match relative.starts_with('/') {
        true => relative.to_owned(),
        false => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{folder}{relative}")
        }
    };
    Some(without_dots(&whole) + rest)
}

fn has_scheme(reference: &str) -> bool {
    reference.split(['/', '?', '#']).next().is_some_and(|first| first.contains(':'))
}

/// Returns the path without `.` and `..` (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_resolved_as_in_a_browser() {
        for (reference, expected) in [
            ("/a", "/a"),
            ("", "/recipes/rain?page=2"),
            ("#top", "/recipes/rain?page=2#top"),
            ("?page=3", "/recipes/rain?page=3"),
            ("snow", "/recipes/snow"),
            ("./snow?a#b", "/recipes/snow?a#b"),
            ("../tags/x", "/tags/x"),
            ("../../..", "/"),
            ("/a/./b/../c/.", "/a/c/"),
            ("https://site.test/a", "/a"),
            ("https://site.test", "/"),
        ] {
            let found = resolve("/recipes/rain?page=2#x", reference);
            assert_eq!(found.as_deref(), Some(expected), "{reference}");
        }
        for elsewhere in ["https://example.org/", "//example.org", "mailto:a@b", "javascript:x()"] {
            assert_eq!(resolve("/", elsewhere), None, "{elsewhere}");
        }
        assert_eq!(resolve("/", "https://site.test.evil/a"), None);
    }
}
