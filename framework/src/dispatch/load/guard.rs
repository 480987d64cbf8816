//! The values of `forgery` and `rate`: requests that are rejected before they are processed.

use std::time::Duration;

use http::Method;

use super::entry::{Entry, Located, report};
use super::kind::Kind;
use crate::dispatch::{CacheType, ForgeryPolicy, Rate, RateBy};
use crate::problem::{Problems, nearest};
use crate::units::parse_duration;

/// Reads `forgery` of a route of this kind with these methods.
pub(super) fn forgery(
    entry: &Entry<'_>,
    kind: Kind,
    methods: &[Method],
    problems: &mut Problems,
) -> ForgeryPolicy {
    let Some(Located { value, at }) = entry.text("forgery", problems) else {
        return ForgeryPolicy::Refuse;
    };
    let policy = match value {
        "refuse" => ForgeryPolicy::Refuse,
        "allow" => ForgeryPolicy::Allow,
        _ => {
            let message = format!("`forgery` is \"refuse\" or \"allow\", not `{value}`");
            report(problems, &at, message);
            return ForgeryPolicy::Refuse;
        }
    };
    // For a service, a GET may begin a WebSocket. For an alias, the key is reported as misplaced anyway.
    if !matches!(kind, Kind::Service | Kind::Alias) && methods.iter().all(Method::is_safe) {
        let message =
            "requests that only read are never rejected as forgeries; leave `forgery` out";
        report(problems, &at, message);
    }
    policy
}

/// The longest period, which is the time that a visitor may have to wait.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Reads `rate` and `rate_by` of a route of this kind.
pub(super) fn rate(
    entry: &Entry<'_>,
    kind: Kind,
    cache: CacheType,
    problems: &mut Problems,
) -> Option<Rate> {
    let by = entry.text("rate_by", problems);
    let rate_by = match by.as_ref().map(|by| by.value) {
        None | Some("address") => RateBy::Address,
        Some("session") => RateBy::Session,
        Some(value) => {
            let at = by.as_ref().map_or(&entry.at, |by| &by.at);
            let message = match nearest(value, ["address", "session"]) {
                Some(near) => {
                    format!("`rate_by` cannot be `{value}`; did you mean \"{near}\"?")
                }
                None => format!("`rate_by` is \"address\" or \"session\", not `{value}`"),
            };
            report(problems, at, message);
            RateBy::Address
        }
    };
    if rate_by == RateBy::Session && cache != CacheType::NoCache {
        let at = by.as_ref().map_or(&entry.at, |by| &by.at);
        let message =
            "a cached route has no session; write cache = \"no_cache\", or rate_by = \"address\"";
        report(problems, at, message);
    }
    let Some(Located { value, at }) = entry.text("rate", problems) else {
        if let Some(Located { at, .. }) = by
            && entry.locate("rate").is_none()
        {
            report(
                problems,
                &at,
                "`rate_by` has no effect without `rate`; write rate = \"10/3m\" too",
            );
        }
        return None;
    };
    let on = entry.value("on").and_then(|on| on.value.get_ref().as_str());
    if kind == Kind::Service && on != Some("backend") {
        let message = "requests are counted where controllers run, and this service runs on front ends; \
                       write on = \"backend\", or leave `rate` out";
        report(problems, &at, message);
    }
    let parsed = value.split_once('/').and_then(|(requests, period)| {
        let requests = requests.trim().parse().ok().filter(|requests| *requests > 0)?;
        let period = parse_duration(period.trim()).ok()?;
        let is_sound = period >= Duration::from_secs(1) && period <= LONGEST;
        is_sound.then_some(Rate { requests, period, by: rate_by })
    });
    if parsed.is_none() {
        let message = format!(
            "`{value}` is not a rate; write a number of requests and a duration from 1s to 366d, as in \
             \"10/3m\""
        );
        report(problems, &at, message);
    }
    parsed
}
