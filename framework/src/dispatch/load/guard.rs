//! The values of `forgery`: which requests are refused before anything is made of them.

use http::Method;

use super::entry::{Entry, Located, report};
use super::kind::Kind;
use crate::dispatch::ForgeryPolicy;
use crate::problem::Problems;

/// Reads `forgery` of a route of this kind that takes these methods.
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
    // To a service a GET may be the beginning of a WebSocket, and beside an alias it is refused anyway.
    if !matches!(kind, Kind::Service | Kind::Alias) && methods.iter().all(Method::is_safe) {
        let message =
            "what only reads is never refused for where it comes from; leave `forgery` out";
        report(problems, &at, message);
    }
    policy
}
