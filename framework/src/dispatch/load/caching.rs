use std::time::Duration;

use http::{HeaderName, Method};

use super::entry::{Entry, Found, report};
use crate::dispatch::{CachePolicy, CacheType, QueryKey};
use crate::problem::Problems;
use crate::units::{parse_duration, parse_size};

const TYPES: &str = "\"normal\", \"persistent\", \"no_cache\" or { timeout = \"20s\" }";

/// Headers that tell visitors apart: with one of them in the key every visitor would have a copy.
const PERSONAL: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Reads `cache`. A route that says nothing about it has the type `default`.
pub(super) fn policy(
    entry: &Entry<'_>,
    methods: &[Method],
    default: CacheType,
    problems: &mut Problems,
) -> CachePolicy {
    let caches = methods.contains(&Method::GET);
    let default = if caches { default } else { CacheType::NoCache };
    let mut policy = CachePolicy { kind: default, stale_if_error: Duration::ZERO };
    let Some(Found { value, at }) = entry.value("cache") else { return policy };
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
    if policy.kind == CacheType::NoCache && !policy.stale_if_error.is_zero() {
        let message = "nothing is cached here, so `stale_if_error` has no effect; \
                       add type = \"normal\" or a `timeout`";
        report(problems, &at, message);
    }
    policy
}

/// Reads `cache = { … }`.
fn table(entry: &Entry<'_>, policy: &mut CachePolicy, problems: &mut Problems) {
    // Known, so that it gets a message of its own.
    let known = ["type", "timeout", "stale_if_error", "stale_while_revalidate"];
    let Some(entry) = entry.table("cache", &known, problems) else { return };
    if let Some(Found { value, at }) = entry.text("type", problems) {
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
    if let Some(stale) = duration(&entry, "stale_if_error", problems) {
        policy.stale_if_error = stale;
    }
    if let Some(at) = entry.locate("stale_while_revalidate") {
        report(problems, &at, "`stale_while_revalidate` is not supported yet; leave it out");
    }
}

fn kind(word: &str) -> Result<CacheType, String> {
    match word {
        "normal" => Ok(CacheType::Normal),
        "persistent" => Ok(CacheType::Persistent),
        "no_cache" => Ok(CacheType::NoCache),
        "timeout" => Err("how long? Write cache = { timeout = \"20s\" }".to_owned()),
        _ => Err(format!("`{word}` is no cache type; write {TYPES}")),
    }
}

fn duration(entry: &Entry<'_>, key: &str, problems: &mut Problems) -> Option<Duration> {
    let Found { value, at } = entry.text(key, problems)?;
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
    for Found { value, at } in names.unwrap_or_default() {
        let name = match HeaderName::try_from(value) {
            Ok(name) if value != "*" => name,
            _ => {
                report(problems, &at, format!("`{value}` is no name of a header"));
                continue;
            }
        };
        if PERSONAL.contains(&name.as_str()) {
            let message = format!(
                "`{name}` cannot be part of the cache key: every visitor would have a copy of the \
                 page. Let the site's variant function say what sets visitors apart, or write \
                 cache = \"no_cache\""
            );
            report(problems, &at, message);
        } else if !headers.contains(&name) {
            headers.push(name);
        }
    }
    headers
}

/// Reads `max_body`.
pub(super) fn max_body(entry: &Entry<'_>, problems: &mut Problems) -> Option<u64> {
    let Found { value, at } = entry.value("max_body")?;
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
