use http::Method;

use super::entry::{Entry, Located, report};
use super::kind::{Kind, Traits};
use super::{audit, caching, control, guard, target};
use crate::dispatch::capture_template::CaptureTemplate;
use crate::dispatch::path::PathPattern;
use crate::dispatch::pattern::Pattern;
use crate::dispatch::route::{PathCondition, Route, Scope, Target};
use crate::dispatch::{AuditPolicy, CacheType};
use crate::http::names::SESSION_USER;
use crate::problem::Problems;
use crate::request_values::GrowingUses;

/// The keys of a `[[route]]` except the one that declares its [`Kind`].
const KEYS: [&str; 22] = [
    "name",
    "path",
    "pattern",
    "methods",
    "on",
    "status",
    "cache",
    "cache_statuses",
    "browser",
    "cdn",
    "groups",
    "query",
    "vary",
    "session",
    "max_body",
    "forgery",
    "errors",
    "resend",
    "rate",
    "rate_by",
    "audit",
    "audit_ignore",
];

/// The parsed content of one `[[route]]`.
pub(super) enum Read<'e> {
    /// A route with a path, relative to the table's prefix.
    Path { path: PathPattern, route: Route },
    /// A route with a pattern.
    Pattern { route: Route },
    /// The routes of another file.
    Include { file: Located<&'e str> },
    /// The table of another file, below `prefix`. `below` is the same prefix relative to the site's
    /// root.
    Delegate { prefix: PathPattern, below: PathPattern, file: Located<&'e str> },
}

/// Returns all keys of a `[[route]]`.
pub(super) fn keys() -> Vec<&'static str> {
    KEYS.into_iter().chain(Kind::ALL.map(Kind::key)).collect()
}

/// Reads a `[[route]]` of the table below `prefix`. `None` if its problems prevent an
/// interpretation.
pub(super) fn read<'e>(
    entry: &Entry<'e>,
    prefix: &PathPattern,
    scope: Scope,
    problems: &mut Problems,
) -> Option<Read<'e>> {
    let kind = kind(entry, problems)?;
    report_misplaced(entry, kind, problems);
    match kind {
        Kind::Include => entry.text("include", problems).map(|file| Read::Include { file }),
        Kind::Delegate => delegate(entry, prefix, problems),
        Kind::Controller
        | Kind::Template
        | Kind::Service
        | Kind::Files
        | Kind::Alias
        | Kind::Redirect => leaf(entry, kind, prefix, scope, problems),
    }
}

/// Returns the kind of route that exactly one key declares.
fn kind(entry: &Entry<'_>, problems: &mut Problems) -> Option<Kind> {
    let is_here = |kind: &Kind| entry.locate(kind.key()).is_some();
    match Kind::ALL.into_iter().filter(is_here).collect::<Vec<_>>()[..] {
        [kind] => Some(kind),
        [] => {
            let keys = Kind::ALL.map(Kind::key).join(", ");
            let message = format!("the route does nothing; it needs one of {keys}");
            report(problems, &entry.at, message);
            None
        }
        [first, second, ..] => {
            let (first, second) = (first.key(), second.key());
            let at = entry.locate(second).unwrap_or_else(|| entry.at.clone());
            let message = format!("`{second}` beside `{first}`: a route does one thing only");
            report(problems, &at, message);
            None
        }
    }
}

/// Reports keys that have no meaning for a route of this kind.
fn report_misplaced(entry: &Entry<'_>, kind: Kind, problems: &mut Problems) {
    let Traits { key: target, misplaced, reason, .. } = kind.traits();
    if kind != Kind::Service
        && let Some(at) = entry.locate("on")
    {
        report(problems, &at, format!("`on` has no meaning beside `{target}`: it is for services"));
    }
    for key in misplaced.iter().flat_map(|keys| entry.present(keys)) {
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

/// Reads a route that handles requests itself.
fn leaf<'e>(
    entry: &Entry<'e>,
    kind: Kind,
    prefix: &PathPattern,
    scope: Scope,
    problems: &mut Problems,
) -> Option<Read<'e>> {
    let traits = kind.traits();
    let methods = methods(entry, traits.methods, problems);
    let cache = caching::policy(entry, &methods, traits.cache, problems);
    if kind == Kind::Service && cache.kind != CacheType::NoCache {
        let at = entry.locate("cache").unwrap_or_else(|| entry.at.clone());
        let message = "responses of services are not cached; leave `cache` out";
        report(problems, &at, message);
    }
    let cache_statuses = caching::statuses(entry, cache.kind, problems);
    let browser = control::control(entry, "browser", problems);
    let cdn = control::control(entry, "cdn", problems);
    let query = caching::query(entry, problems);
    let mut vary = caching::vary(entry, problems);
    let is_content = matches!(kind, Kind::Controller | Kind::Template);
    if is_content && caching::by_user(entry, cache.kind, problems) {
        vary.push(SESSION_USER);
    }
    let max_body = caching::max_body(entry, problems);
    let sends_problems = sends_problems(entry, problems);
    let forgery = guard::forgery(entry, kind, &methods, problems);
    let resend = resend(entry, &methods, problems);
    let rate = guard::rate(entry, kind, cache.kind, problems);
    let audit = match kind {
        // For the other kinds, these keys are already reported as misplaced.
        Kind::Controller | Kind::Template => audit::policy(entry, cache.kind, problems),
        _ => AuditPolicy::default(),
    };
    let name = entry.text("name", problems).map(|name| name.value.to_owned());

    let (condition, path) = condition(entry, prefix, problems)?;
    let captures = match &condition {
        PathCondition::Path(path) => path.names().to_vec(),
        PathCondition::Pattern { prefix, pattern } => {
            prefix.names().iter().chain(pattern.names()).cloned().collect()
        }
    };
    let groups = groups(entry, &captures, problems);
    let target = target::read(entry, kind, &condition, prefix, &captures, problems)?;
    if let (Target::Service(_), Some(at)) = (&target, entry.locate("resend")) {
        let message = "`resend` has no meaning here: the service is on the front end itself";
        report(problems, &at, message);
    }
    let mut route = Route {
        name,
        location: entry.at.clone(),
        methods,
        target,
        cache,
        cache_statuses,
        browser,
        cdn,
        query,
        vary,
        max_body,
        forgery,
        resend,
        rate,
        audit,
        scope: Scope { sends_problems, ..scope },
        uses: GrowingUses::default(),
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

/// Reads `errors`. Returns whether it is `"problem"`.
fn sends_problems(entry: &Entry<'_>, problems: &mut Problems) -> bool {
    let Some(Located { value, at }) = entry.text("errors", problems) else { return false };
    if !matches!(value, "page" | "problem") {
        report(problems, &at, format!("`errors` is \"page\" or \"problem\", not `{value}`"));
    }
    value == "problem"
}

fn methods(entry: &Entry<'_>, default: &[Method], problems: &mut Problems) -> Vec<Method> {
    let Some(words) = entry.texts("methods", "methods = [\"GET\"]", problems) else {
        return default.to_vec();
    };
    let mut methods = Vec::new();
    for Located { value, at } in &words {
        let method = Method::from_bytes(value.as_bytes());
        match method.ok().filter(|_| !value.contains(|char: char| char.is_ascii_lowercase())) {
            Some(method) if !methods.contains(&method) => methods.push(method),
            Some(_) => {}
            None => {
                let message =
                    format!("`{value}` is not a method; write it as in \"GET\", \"POST\"");
                report(problems, at, message);
            }
        }
    }
    let list = entry.value("methods");
    let list = list.and_then(|list| Some((list.value.get_ref().as_array()?, list.at)));
    if let Some((_, at)) = list.filter(|(list, _)| list.is_empty()) {
        report(problems, &at, "a route without methods is never matched; write [\"GET\"]");
    }
    if let Some(get) = methods.iter().position(|method| method == Method::GET)
        && !methods.contains(&Method::HEAD)
    {
        methods.insert(get + 1, Method::HEAD);
    }
    methods
}

/// Reads `resend`.
fn resend(entry: &Entry<'_>, methods: &[Method], problems: &mut Problems) -> bool {
    let resend = entry.flag("resend", problems).unwrap_or_default();
    if resend && methods.iter().all(Method::is_safe) {
        let at = entry.locate("resend").unwrap_or_else(|| entry.at.clone());
        let message = "`resend` is for requests that change something; write methods = [\"POST\"]";
        report(problems, &at, message);
    }
    resend
}

/// Reads `path` or `pattern`. A path is also returned relative to the table's prefix.
fn condition(
    entry: &Entry<'_>,
    prefix: &PathPattern,
    problems: &mut Problems,
) -> Option<(PathCondition, Option<PathPattern>)> {
    let (written, read) = match entry.present(&["path", "pattern"])[..] {
        ["path"] => {
            let written = entry.text("path", problems)?;
            let read = PathPattern::parse(written.value).and_then(|path| {
                let whole = path.below(prefix)?;
                Ok((PathCondition::Path(whole), Some(path)))
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
                Ok((PathCondition::Pattern { prefix, pattern }, None))
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

fn groups(entry: &Entry<'_>, captures: &[String], problems: &mut Problems) -> Vec<CaptureTemplate> {
    let mut groups = Vec::new();
    let texts = entry.texts("groups", "groups = [\"stories\", \"story:{slug}\"]", problems);
    for Located { value, at } in texts.unwrap_or_default() {
        match CaptureTemplate::parse(value, captures) {
            Ok(group) => groups.push(group),
            Err(message) => report(problems, &at, message),
        }
    }
    groups
}
