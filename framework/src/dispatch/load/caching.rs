use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use super::entry::{Entry, Located, report};
use crate::dispatch::{CachePolicy, CacheStatuses, CacheType, QueryKey};
use crate::http::names::SESSION_USER;
use crate::problem::Problems;
use crate::units::{parse_duration, parse_size};

const TYPES: &str = "\"normal\", \"persistent\", \"no_cache\" or { timeout = \"20s\" }";

/// Headers that identify visitors: with one of them in the key, every visitor would have a separate copy.
const PERSONAL: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Headers that proxies set, but that any client can send.
const OF_PROXIES: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Reads `cache`. A route without it has the type `default`.
pub(super) fn policy(
    entry: &Entry<'_>,
    methods: &[Method],
    default: CacheType,
    problems: &mut Problems,
) -> CachePolicy {
    let caches = methods.contains(&Method::GET);
    let default = if caches { default } else { CacheType::NoCache };
    let mut policy = CachePolicy {
        kind: default,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
    };
    let Some(Located { value, at }) = entry.value("cache") else { return policy };
    let value = value.get_ref();
    if let Some(word) = value.as_str() {
        match kind(word) {
            Ok(kind) => policy.kind = kind,
            Err(message) => report(problems, &at, message),
        }
    } else if value.is_table() {
        table(entry, &mut policy, problems);
    } else {
        report(problems, &at, format!("`cache` must be {TYPES}, not {}", value.type_str()));
    }
    if policy.kind != CacheType::NoCache && !caches {
        let message = "only GET is cached, and the route does not take it; \
                       leave `cache` out or add \"GET\" to `methods`";
        report(problems, &at, message);
    }
    let windows = [
        ("stale_while_revalidate", policy.stale_while_revalidate),
        ("stale_if_error", policy.stale_if_error),
    ];
    let window = windows.into_iter().find(|(_, window)| !window.is_zero());
    if let Some((key, _)) = window.filter(|_| policy.kind == CacheType::NoCache) {
        let message = format!(
            "nothing is cached here, so `{key}` has no effect; \
             add type = \"normal\" or a `timeout`"
        );
        report(problems, &at, message);
    }
    policy
}

/// Reads `cache = { … }`.
fn table(entry: &Entry<'_>, policy: &mut CachePolicy, problems: &mut Problems) {
    let known = ["type", "timeout", "stale_if_error", "stale_while_revalidate"];
    let Some(entry) = entry.table("cache", &known, problems) else { return };
    if let Some(Located { value, at }) = entry.text("type", problems) {
        match kind(value) {
            Ok(kind) => policy.kind = kind,
            Err(message) => report(problems, &at, message),
        }
    }
    if let Some(timeout) = duration(&entry, "timeout", problems) {
        if let Some(at) = entry.locate("type") {
            report(problems, &at, "`timeout` is a type of its own; leave `type` out");
        }
        policy.kind = CacheType::Timeout(timeout);
    }
    if let Some(window) = duration(&entry, "stale_while_revalidate", problems) {
        policy.stale_while_revalidate = window;
    }
    if let Some(window) = duration(&entry, "stale_if_error", problems) {
        policy.stale_if_error = window;
    }
}

/// Reads `cache_statuses`: a list of statuses, or a table of statuses and lifetimes.
pub(super) fn statuses(
    entry: &Entry<'_>,
    kind: CacheType,
    problems: &mut Problems,
) -> CacheStatuses {
    let mut statuses = CacheStatuses::default();
    let Some(Located { value, at }) = entry.value("cache_statuses") else { return statuses };
    if let Some(list) = value.get_ref().as_array() {
        for value in list.iter() {
            let at = entry.at_span(value.span());
            let number = value.get_ref().as_integer().map(|number| number.as_str());
            match cacheable_status(number.unwrap_or_default()) {
                Ok(status) => statuses.insert(status, None),
                Err(message) => report(problems, &at, message),
            }
        }
    } else if let Some(table) = value.get_ref().as_table() {
        for (key, value) in table.iter() {
            let at = entry.at_span(key.span());
            let written = value.get_ref().as_str().ok_or_else(|| "how long?".to_owned());
            let lifetime = written.and_then(|text| {
                let lifetime = parse_duration(text).map_err(|error| error.to_string())?;
                (!lifetime.is_zero()).then_some(lifetime).ok_or("must not be zero".to_owned())
            });
            let lifetime = lifetime.map_err(|message| {
                format!("`cache_statuses`: {message}; write {{ {} = \"30s\" }}", key.get_ref())
            });
            match cacheable_status(key.get_ref()).and_then(|status| Ok((status, lifetime?))) {
                Ok((status, lifetime)) => statuses.insert(status, Some(lifetime)),
                Err(message) => report(problems, &at, message),
            }
        }
    } else {
        let message = "`cache_statuses` must be a list of statuses, as in [404, 410], or a table of \
                       statuses and lifetimes, as in { 404 = \"30s\", 301 = \"1h\" }";
        report(problems, &at, message);
    }
    if kind == CacheType::NoCache && !statuses.is_empty() {
        let message = "nothing is cached here, so `cache_statuses` has no effect; \
                       leave it out, or set `cache` to another type";
        report(problems, &at, message);
    }
    statuses
}

/// Parses a status that describes the whole page lastingly.
fn cacheable_status(written: &str) -> Result<StatusCode, String> {
    let status = written.parse().ok().and_then(|number: u16| StatusCode::from_u16(number).ok());
    match status {
        Some(StatusCode::OK) => {
            Err("200 is cached according to `cache`; leave it out of `cache_statuses`".to_owned())
        }
        Some(StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED) => Err(format!(
            "{written} depends on a single request, so it is not cached; \
             leave it out of `cache_statuses`"
        )),
        Some(status) if status.as_u16() >= 200 && status.as_u16() < 600 => Ok(status),
        _ => Err(format!(
            "`cache_statuses` takes statuses from 201 to 599, as in [404, 410]{}",
            if written.is_empty() { String::new() } else { format!(", not {written}") }
        )),
    }
}

fn kind(word: &str) -> Result<CacheType, String> {
    match word {
        "normal" => Ok(CacheType::Normal),
        "persistent" => Ok(CacheType::Persistent),
        "no_cache" => Ok(CacheType::NoCache),
        "timeout" => Err("how long? Write cache = { timeout = \"20s\" }".to_owned()),
        _ => Err(format!("`{word}` is not a cache type; write {TYPES}")),
    }
}

fn duration(entry: &Entry<'_>, key: &str, problems: &mut Problems) -> Option<Duration> {
    let Located { value, at } = entry.text(key, problems)?;
    match parse_duration(value) {
        Ok(Duration::ZERO) => report(problems, &at, format!("`{key}` must not be zero")),
        Ok(duration) => return Some(duration),
        Err(error) => report(problems, &at, format!("`{key}`: {error}")),
    }
    None
}

/// Reads `query`.
pub(super) fn query(entry: &Entry<'_>, problems: &mut Problems) -> QueryKey {
    match entry.texts("query", "query = [\"page\"]", problems) {
        Some(names) => QueryKey::Only(names.iter().map(|name| name.value.to_owned()).collect()),
        None => QueryKey::All,
    }
}

/// Reads `vary`.
pub(super) fn vary(entry: &Entry<'_>, problems: &mut Problems) -> Vec<HeaderName> {
    let mut headers = Vec::new();
    let names = entry.texts("vary", "vary = [\"accept-language\"]", problems);
    for Located { value, at } in names.unwrap_or_default() {
        let name = match HeaderName::try_from(value) {
            Ok(name) if value != "*" => name,
            _ => {
                report(problems, &at, format!("`{value}` is not a name of a header"));
                continue;
            }
        };
        if name == SESSION_USER {
            report(
                problems,
                &at,
                "the user of the session is not a header; write session = \"user\"",
            );
        } else if PERSONAL.contains(&name.as_str()) {
            let message = format!(
                "`{name}` cannot be part of the cache key: every visitor would have a copy of the \
                 page. Let the site's variant function distinguish visitors, or write \
                 cache = \"no_cache\""
            );
            report(problems, &at, message);
        } else if OF_PROXIES.contains(&name.as_str()) {
            let message = format!(
                "`{name}` cannot be part of the cache key: any client can send it. Name the site's \
                 proxies in project.toml, trusted_proxies = […] in [http], and let the site's \
                 variant function ask for the visitor's scheme or address"
            );
            report(problems, &at, message);
        } else if !headers.contains(&name) {
            headers.push(name);
        }
    }
    headers
}

/// Reads `session` of a route with this cache type. Returns whether the user of the session is part of the key.
pub(super) fn by_user(entry: &Entry<'_>, kind: CacheType, problems: &mut Problems) -> bool {
    let Some(Located { value, at }) = entry.text("session", problems) else { return false };
    if value != "user" {
        let message = format!("`session` is \"user\", for a page of each user, not `{value}`");
        report(problems, &at, message);
    } else if kind == CacheType::NoCache {
        let message = "nothing is cached here, and the controller sees the whole session; leave `session` out";
        report(problems, &at, message);
    }
    for key in entry.present(&["browser", "cdn"]) {
        let at = entry.locate(key).unwrap_or_else(|| at.clone());
        let message = format!(
            "`{key}` beside `session`: no cache outside of the site may store a page of one user"
        );
        report(problems, &at, message);
    }
    true
}

/// Reads `max_body`.
pub(super) fn max_body(entry: &Entry<'_>, problems: &mut Problems) -> Option<u64> {
    let Located { value, at } = entry.value("max_body")?;
    let value = value.get_ref();
    let size = if let Some(text) = value.as_str() {
        parse_size(text).map_err(|error| error.to_string())
    } else {
        let bytes = value
            .as_integer()
            .and_then(|bytes| u64::from_str_radix(bytes.as_str(), bytes.radix()).ok());
        bytes.ok_or_else(|| "write a size like \"2 GiB\" or a number of bytes".to_owned())
    };
    match size {
        Ok(size) => Some(size),
        Err(message) => {
            report(problems, &at, format!("`max_body`: {message}"));
            None
        }
    }
}
