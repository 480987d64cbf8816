use std::path::{Component, Path};

use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::caching;
use super::entry::{Entry, Found, report};
use crate::dispatch::CacheType;
use crate::dispatch::canonical::{CanonicalPath, canonical_piece};
use crate::dispatch::outline::{Outline, Piece};
use crate::dispatch::path::PathPattern;
use crate::dispatch::pattern::Pattern;
use crate::dispatch::route::{Alias, Condition, Redirect, Route, Scope, Target};
use crate::problem::Problems;

/// The keys of a `[[route]]`.
pub(super) const KEYS: [&str; 17] = [
    "name",
    "path",
    "pattern",
    "methods",
    "controller",
    "template",
    "files",
    "alias",
    "redirect",
    "delegate",
    "include",
    "status",
    "cache",
    "groups",
    "query",
    "vary",
    "max_body",
];

/// The keys that say what a route does.
const TARGETS: [&str; 7] =
    ["controller", "template", "files", "alias", "redirect", "delegate", "include"];

/// What may not stand in a URL that is sent as a header.
const UNSENDABLE: AsciiSet = CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\').add(b'`');

/// What one `[[route]]` says.
pub(super) enum Read<'e> {
    /// A route with a path, which counts from the table's prefix.
    Path { path: PathPattern, route: Route },
    /// A route with a pattern.
    Pattern { route: Route },
    /// Another file's routes.
    Include { file: Found<&'e str> },
    /// Another file's table, below `prefix`; seen from the site's root that is `below`.
    Delegate { prefix: PathPattern, below: PathPattern, file: Found<&'e str> },
}

/// Reads a `[[route]]` of the table below `prefix`. None when too much is wrong with it to go on.
pub(super) fn read<'e>(
    entry: &Entry<'e>,
    prefix: &PathPattern,
    scope: Scope,
    problems: &mut Problems,
) -> Option<Read<'e>> {
    let target = target_key(entry, problems)?;
    report_misplaced(entry, target, problems);
    match target {
        "include" => entry.text("include", problems).map(|file| Read::Include { file }),
        "delegate" => delegate(entry, prefix, problems),
        _ => leaf(entry, target, prefix, scope, problems),
    }
}

/// The one key that says what the route does.
fn target_key(entry: &Entry<'_>, problems: &mut Problems) -> Option<&'static str> {
    match entry.present(&TARGETS)[..] {
        [target] => Some(target),
        [] => {
            let message = format!("the route does nothing; it needs one of {}", TARGETS.join(", "));
            report(problems, &entry.at, message);
            None
        }
        [first, second, ..] => {
            let at = entry.locate(second).unwrap_or_else(|| entry.at.clone());
            let message = format!("`{second}` beside `{first}`: a route does one thing only");
            report(problems, &at, message);
            None
        }
    }
}

/// Reports keys that say nothing about a route that does this.
fn report_misplaced(entry: &Entry<'_>, target: &str, problems: &mut Problems) {
    const OF_CONTENT: [&str; 5] = ["cache", "groups", "query", "vary", "max_body"];
    let (keys, reason): (&[&str], &str) = match target {
        "controller" => (&["status"], "the controller's reply has the status"),
        "template" | "files" => (&["status", "max_body"], "it is for other kinds of routes"),
        "redirect" => (&OF_CONTENT, "a redirect is answered from the table itself"),
        "alias" => (
            &["status", "cache", "groups", "query", "vary", "max_body"],
            "it belongs to the route that the alias leads to",
        ),
        "delegate" => (
            &[
                "name", "pattern", "methods", "status", "cache", "groups", "query", "vary",
                "max_body",
            ],
            "only `path` stands beside `delegate`; the rest belongs to the routes of that file",
        ),
        _ => (
            &[
                "name", "path", "pattern", "methods", "status", "cache", "groups", "query", "vary",
                "max_body",
            ],
            "nothing stands beside `include`; it belongs to the routes of that file",
        ),
    };
    for key in entry.present(keys) {
        let at = entry.locate(key).unwrap_or_else(|| entry.at.clone());
        report(problems, &at, format!("`{key}` has no meaning beside `{target}`: {reason}"));
    }
}

fn delegate<'e>(
    entry: &Entry<'e>,
    outer: &PathPattern,
    problems: &mut Problems,
) -> Option<Read<'e>> {
    let file = entry.text("delegate", problems);
    let Some(written) = entry.text("path", problems) else {
        if entry.locate("path").is_none() {
            report(problems, &entry.at, "`delegate` needs a `path`, the prefix of its routes");
        }
        return None;
    };
    let prefix = PathPattern::parse(written.value).and_then(|prefix| {
        if prefix.catch_all().is_some() {
            return Err("all that is below the `path` is delegated; leave `{*…}` out".to_owned());
        }
        let below = prefix.below(outer)?;
        Ok((prefix, below))
    });
    match prefix {
        Ok((prefix, below)) => Some(Read::Delegate { prefix, below, file: file? }),
        Err(message) => {
            report(problems, &written.at, message);
            None
        }
    }
}

/// Reads a route that answers requests by itself.
fn leaf<'e>(
    entry: &Entry<'e>,
    target_key: &str,
    prefix: &PathPattern,
    scope: Scope,
    problems: &mut Problems,
) -> Option<Read<'e>> {
    let methods = methods(entry, problems);
    let default = match target_key {
        "controller" => CacheType::Normal,
        "template" => CacheType::Persistent,
        _ => CacheType::NoCache,
    };
    let cache = caching::policy(entry, &methods, default, problems);
    let query = caching::query(entry, problems);
    let vary = caching::vary(entry, problems);
    let max_body = caching::max_body(entry, problems);
    let name = entry.text("name", problems).map(|name| name.value.to_owned());

    let (condition, path) = condition(entry, prefix, problems)?;
    let captures = match &condition {
        Condition::Path(path) => path.names().to_vec(),
        Condition::Pattern { prefix, pattern } => {
            prefix.names().iter().chain(pattern.names()).cloned().collect()
        }
    };
    let groups = groups(entry, &captures, problems);
    let target = target(entry, target_key, &condition, prefix, &captures, problems)?;
    let mut route = Route {
        name,
        location: entry.at.clone(),
        methods,
        target,
        cache,
        query,
        vary,
        max_body,
        scope,
        condition,
        captures,
        groups,
        label: String::new(),
    };
    route.label = format!("{} ({})", route.path(), route.location);
    Some(match path {
        Some(path) => Read::Path { path, route },
        None => Read::Pattern { route },
    })
}

fn methods(entry: &Entry<'_>, problems: &mut Problems) -> Vec<Method> {
    let Some(words) = entry.texts("methods", "methods = [\"GET\"]", problems) else {
        return vec![Method::GET, Method::HEAD];
    };
    let mut methods = Vec::new();
    for Found { value, at } in &words {
        let method = Method::from_bytes(value.as_bytes());
        match method.ok().filter(|_| !value.contains(|char: char| char.is_ascii_lowercase())) {
            Some(method) if !methods.contains(&method) => methods.push(method),
            Some(_) => {}
            None => {
                let message = format!("`{value}` is no method; write it as in \"GET\", \"POST\"");
                report(problems, at, message);
            }
        }
    }
    if words.is_empty() {
        let at = entry.locate("methods").unwrap_or_else(|| entry.at.clone());
        report(problems, &at, "a route without methods is never matched; write [\"GET\"]");
    }
    if let Some(get) = methods.iter().position(|method| method == Method::GET)
        && !methods.contains(&Method::HEAD)
    {
        methods.insert(get + 1, Method::HEAD);
    }
    methods
}

/// Reads `path` or `pattern`; a path also as it counts from the table's prefix.
fn condition(
    entry: &Entry<'_>,
    prefix: &PathPattern,
    problems: &mut Problems,
) -> Option<(Condition, Option<PathPattern>)> {
    let (written, read) = match entry.present(&["path", "pattern"])[..] {
        ["path"] => {
            let written = entry.text("path", problems)?;
            let read = PathPattern::parse(written.value).and_then(|path| {
                let whole = path.below(prefix)?;
                Ok((Condition::Path(whole), Some(path)))
            });
            (written, read)
        }
        ["pattern"] => {
            let written = entry.text("pattern", problems)?;
            let read = Pattern::compile(written.value).and_then(|pattern| {
                if let Some(name) =
                    pattern.names().iter().find(|name| prefix.names().contains(name))
                {
                    return Err(format!("the capture `{name}` is in the prefix `{prefix}` too"));
                }
                let (prefix, pattern) = (prefix.clone(), Box::new(pattern));
                Ok((Condition::Pattern { prefix, pattern }, None))
            });
            (written, read)
        }
        [] => {
            report(problems, &entry.at, "the route needs a `path` or a `pattern`");
            return None;
        }
        _ => {
            let at = entry.locate("pattern").unwrap_or_else(|| entry.at.clone());
            report(problems, &at, "`pattern` beside `path`: a route has one of them");
            return None;
        }
    };
    read.map_err(|message| report(problems, &written.at, message)).ok()
}

fn groups(entry: &Entry<'_>, captures: &[String], problems: &mut Problems) -> Vec<Outline> {
    let mut groups = Vec::new();
    let texts = entry.texts("groups", "groups = [\"stories\", \"story:{slug}\"]", problems);
    for Found { value, at } in texts.unwrap_or_default() {
        match Outline::parse(value, captures) {
            Ok(group) => groups.push(group),
            Err(message) => report(problems, &at, message),
        }
    }
    groups
}

fn target(
    entry: &Entry<'_>,
    key: &str,
    condition: &Condition,
    prefix: &PathPattern,
    captures: &[String],
    problems: &mut Problems,
) -> Option<Target> {
    let status = redirect_status(entry, key, problems);
    let Found { value, at } = entry.text(key, problems)?;
    let target = match key {
        "controller" => Ok(Target::Controller(value.to_owned())),
        "template" => Ok(Target::Template(value.to_owned())),
        "files" => files(value, condition).map(|folder| Target::Files { folder }),
        "alias" => alias(value, prefix, captures).map(|path| Target::Alias(Alias(path))),
        _ => redirect(value, captures).and_then(|to| match condition {
            Condition::Path(path)
                if path.literal().is_some() && path.literal() == to.path.literal() =>
            {
                Err("the route redirects to itself".to_owned())
            }
            _ => Ok(Target::Redirect { to, status }),
        }),
    };
    target.map_err(|message| report(problems, &at, message)).ok()
}

fn redirect_status(entry: &Entry<'_>, key: &str, problems: &mut Problems) -> StatusCode {
    // What browsers do not remember, so that a mistake can be taken back.
    let default = StatusCode::FOUND;
    if key != "redirect" {
        return default;
    }
    let allowed = |status| matches!(status, 301 | 302 | 303 | 307 | 308);
    let advice = "301 or 308 (moved for good), 302 or 307 (for now), or 303 (see there)";
    entry.status("status", allowed, advice, problems).map_or(default, |status| status.value)
}

/// The folder or file below the docroot, with slashes between its parts.
fn files(written: &str, condition: &Condition) -> Result<String, String> {
    let mut parts = Vec::new();
    for part in Path::new(written).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            _ => {
                return Err(format!(
                    "`{written}` leads out of the docroot; name a file or folder below it"
                ));
            }
        }
    }
    match condition {
        Condition::Path(path) if path.catch_all().is_none() && !path.names().is_empty() => {
            Err("which file? The last capture of the `path` must be `{*path}`".to_owned())
        }
        Condition::Pattern { pattern, .. } if pattern.names().len() > 1 => {
            Err("which file? The `pattern` must have one named capture at most".to_owned())
        }
        _ => Ok(parts.join("/")),
    }
}

/// The path that an alias leads to, which counts from the table's prefix.
fn alias(written: &str, prefix: &PathPattern, captures: &[String]) -> Result<Outline, String> {
    if !written.starts_with('/') || written.contains(['?', '#']) {
        return Err(format!("`{written}` is not a path; an alias leads to a path like \"/list\""));
    }
    let outline = canonical(Outline::parse(written, captures)?, written)?;
    let outline = outline.after(prefix.outline(), 0);
    let example = outline.expand(|_, text| text.push('x'));
    match CanonicalPath::new(&example) {
        Ok(_) => Ok(outline),
        Err(error) => Err(format!("no route can match `{written}`: {error}")),
    }
}

fn redirect(written: &str, captures: &[String]) -> Result<Redirect, String> {
    let (path, tail) = written.split_at(written.find(['?', '#']).unwrap_or(written.len()));
    let path_outline = Outline::parse(path, captures)?;
    let path = if path.starts_with('/') && !path.starts_with("//") {
        canonical(path_outline, path)?
    } else if let Some(("http" | "https", rest)) = path.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || host.contains('{') {
            return Err(format!(
                "`{written}` has no fixed host; a visitor must not choose which site it is"
            ));
        }
        path_outline.map_text(sendable)
    } else {
        return Err(format!(
            "`{written}` is neither a path like \"/new\" nor a URL like \"https://example.org/\""
        ));
    };
    let tail = Outline::parse(tail, captures)?.map_text(sendable);
    Ok(Redirect { path, tail })
}

fn canonical(outline: Outline, written: &str) -> Result<Outline, String> {
    let mut pieces = Vec::with_capacity(outline.pieces().len());
    for piece in outline.pieces() {
        pieces.push(match piece {
            Piece::Text(text) => {
                let text =
                    canonical_piece(text).map_err(|error| format!("`{written}`: {error}"))?;
                Piece::Text(text.into_owned())
            }
            Piece::Capture(index) => Piece::Capture(*index),
        });
    }
    Ok(Outline::new(written, pieces))
}

fn sendable(text: &str) -> String {
    utf8_percent_encode(text, &UNSENDABLE).to_string()
}
