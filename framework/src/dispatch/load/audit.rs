//! The values of `audit` and `audit_ignore`: the content that the auditor compares.

use regex::bytes::Regex;

use super::entry::{Entry, Located, report};
use crate::dispatch::{AuditPolicy, Audited, CacheType};
use crate::problem::Problems;

/// Reads `audit` and `audit_ignore` of a route with this cache type.
pub(super) fn policy(entry: &Entry<'_>, kind: CacheType, problems: &mut Problems) -> AuditPolicy {
    let mut audited = Audited::Untimed;
    if let Some(Located { value, at }) = entry.value("audit") {
        match value.get_ref().as_bool() {
            Some(true) => audited = Audited::All,
            Some(false) => audited = Audited::Nothing,
            None => report(problems, &at, "`audit` must be true or false"),
        }
    }
    let mut ignored = Vec::new();
    let example = "audit_ignore = ['<time>.*?</time>']";
    for Located { value, at } in entry.texts("audit_ignore", example, problems).unwrap_or_default()
    {
        match Regex::new(value) {
            Ok(expression) => ignored.push(expression),
            Err(error) => report(problems, &at, format!("`audit_ignore`: {error}")),
        }
    }
    for key in entry.present(&["audit", "audit_ignore"]) {
        let message = match kind {
            CacheType::NoCache => format!("nothing is cached here, so `{key}` has no effect"),
            _ if key == "audit_ignore" && audited == Audited::Nothing => {
                "`audit_ignore` has no effect beside `audit = false`; leave one of them out"
                    .to_owned()
            }
            _ => continue,
        };
        report(problems, &entry.locate(key).unwrap_or_else(|| entry.at.clone()), message);
    }
    AuditPolicy { audited, ignored }
}
