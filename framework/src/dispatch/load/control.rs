//! The values of `browser` and `cdn`, which become `Cache-Control` and `CDN-Cache-Control`.

use http::HeaderValue;

use super::entry::{Entry, Located, report};
use crate::problem::{Problems, nearest};

/// Directives without an argument (RFC 9111, section 5.2.2, and RFC 8246).
const BARE: [&str; 9] = [
    "no-cache",
    "no-store",
    "no-transform",
    "private",
    "public",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "immutable",
];

/// Directives with a number of seconds (RFC 9111, section 5.2.2, and RFC 5861).
const TIMED: [&str; 4] = ["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"];

/// Reads `browser` or `cdn`, the value of a header of the family of `Cache-Control` (RFC 9213).
pub(super) fn control(
    entry: &Entry<'_>,
    key: &str,
    problems: &mut Problems,
) -> Option<HeaderValue> {
    let Located { value, at } = entry.text(key, problems)?;
    let mut refuse = |message: String| report(problems, &at, format!("`{key}`: {message}"));
    let mut known = Vec::new();
    for directive in value.split(',').map(str::trim) {
        let name = match check(directive) {
            Ok(name) => name,
            Err(message) => {
                refuse(message);
                return None;
            }
        };
        if known.contains(&name) {
            refuse(format!("`{name}` is there twice; leave one of them out"));
            return None;
        }
        known.push(name);
    }
    if known.contains(&"no-store") && known.contains(&"max-age") {
        refuse(
            "a response that is not stored has no age; leave out `no-store` or `max-age`, or write \
             \"no-cache\" for one that is stored and validated on each use"
                .to_owned(),
        );
        return None;
    }
    HeaderValue::from_str(value.trim()).ok()
}

/// Checks a directive and returns its name in canonical spelling.
fn check(directive: &str) -> Result<&'static str, String> {
    let (name, argument) = match directive.split_once('=') {
        Some((name, argument)) => (name.trim_end(), Some(argument)),
        None => (directive, None),
    };
    let find = |names: &[&'static str]| {
        names.iter().copied().find(|known| known.eq_ignore_ascii_case(name))
    };
    if let Some(name) = find(&TIMED) {
        let seconds = argument.filter(|argument| {
            !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_digit())
        });
        return match seconds {
            Some(_) => Ok(name),
            None => Err(format!("`{name}` takes a number of seconds; write \"{name}=60\"")),
        };
    }
    if let Some(name) = find(&BARE) {
        return match argument {
            None => Ok(name),
            Some(_) => Err(format!("`{name}` takes no argument; write \"{name}\"")),
        };
    }
    Err(match nearest(name, BARE.into_iter().chain(TIMED)) {
        Some(near) => format!("`{name}` is not a directive; did you mean `{near}`?"),
        None => format!(
            "`{name}` is not a directive; write a list like \"no-cache\", \"no-store\" or \
             \"public, max-age=60\""
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directives_of_the_rfcs_are_accepted() {
        for (directive, name) in
            [("no-cache", "no-cache"), ("Max-Age=60", "max-age"), ("immutable", "immutable")]
        {
            assert_eq!(check(directive).unwrap(), name);
        }
    }

    #[test]
    fn directives_that_caches_would_ignore_are_rejected() {
        for (directive, advice) in [
            ("max-age", "write \"max-age=60\""),
            ("max-age=1h", "write \"max-age=60\""),
            ("max-age=", "write \"max-age=60\""),
            ("max-age=-1", "write \"max-age=60\""),
            ("no-store=1", "write \"no-store\""),
            ("no-chache", "did you mean `no-cache`?"),
            ("60", "write a list like"),
            ("", "write a list like"),
        ] {
            let message = check(directive).unwrap_err();
            assert!(message.contains(advice), "{directive}: {message}");
        }
    }
}
