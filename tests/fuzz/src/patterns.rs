//! Patterns of invalidations, compared with matching one pattern at a time with the `regex` crate.

use headwater::Invalidation;
use headwater::internals::cache::invalidated;
use headwater::internals::dispatch::CanonicalPath;
use regex::{Regex, RegexBuilder};

/// `data` is the number of patterns that precede the content in one byte, the patterns in a line each, an empty line,
/// and ids in a line each.
pub fn run(data: &[u8]) {
    let Some((seen, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (patterns, ids) = text.split_once("\n\n").unwrap_or((text, ""));
    let patterns: Vec<&str> = patterns.split('\n').take(16).collect();
    let ids: Vec<&str> = ids.split('\n').take(16).collect();
    check_paths(&ids);
    // Front ends receive only patterns that the back end has checked.
    let Some(expressions) = patterns.iter().map(|it| compiled(it)).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let seen = usize::from(*seen) % (patterns.len() + 1);
    let is_found = |id: &&str| expressions[seen..].iter().any(|it| it.is_match(id));
    let expected: Vec<bool> = ids.iter().map(is_found).collect();
    assert_eq!(invalidated(&patterns, seen, &ids), expected, "{patterns:?} in {ids:?}");
}

/// Compiles a pattern with the size limit of back ends.
fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(1 << 20).build().ok()
}

/// Checks that `Invalidation::path` invalidates the page at the path, with any query, and no other page.
fn check_paths(paths: &[&str]) {
    let address = |path: &str| {
        let byte = |byte: u8| match byte {
            b'/' => "/".to_owned(),
            byte => format!("%{byte:02x}"),
        };
        let encoded = path.bytes().map(byte).collect::<String>();
        CanonicalPath::new(&encoded).ok().map(|path| path.as_str().to_owned())
    };
    for path in paths {
        let Some(own) = address(path) else { continue };
        let Invalidation { patterns, .. } = Invalidation::new().path(path);
        let ids = [own.clone(), format!("{own}?a=b"), format!("{own}a"), format!("/a{own}")];
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let pattern = patterns[0].as_str();
        assert_eq!(invalidated(&[pattern], 0, &ids), [true, true, false, false], "{pattern}");
    }
}
