use std::fmt;

use serde::Serialize;

use crate::cache::Key;
use crate::log::Position;
use crate::shown::shown;

/// A cached page that is not as it would be made now, though no record of the log says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The page's route as `dispatch.conf` has it: `/stories/{slug} (dispatch.conf:12)`.
    pub route: String,
    /// The page: path and query, and what else its key depends on.
    pub key: String,
    /// Where the page and a fresh one first differ.
    pub difference: Difference,
    /// Groups that the page is in.
    pub groups: Vec<String>,
    /// In how many groups the page is besides, in which a fresh one is not: the cache keeps no names.
    pub unnamed_groups: usize,
    /// Groups that a fresh page is in, and the cached one is not.
    pub new_groups: Vec<String>,
    /// The position up to which the page is certainly right.
    pub as_of: Position,
    /// The same of the fresh one.
    pub fresh_as_of: Position,
    /// Whether two fresh pages differ, too: there is a clock or a random number in the page, or a list
    /// without an order.
    pub differs_each_time: bool,
}

/// Where two pages first differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The place: `the status`, or `byte 120 of the body (line 4)`.
    pub place: String,
    /// What the cached page has there.
    pub cached: String,
    /// What a fresh one has there.
    pub fresh: String,
}

/// What an audit of all cached pages came to.
///
/// As text it is for people: what was found, and how many pages were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// How many pages were compared.
    pub checked: u64,
    /// How many their routes, or times of their own, keep from being compared.
    pub skipped: u64,
    /// The pages that are not as they would be made now.
    pub findings: Vec<Finding>,
    /// The pages that could not be compared, and why: a record explains the difference, say.
    pub unclear: Vec<String>,
    /// Whether all pages were looked at.
    pub is_complete: bool,
}

impl Default for Audit {
    fn default() -> Audit {
        let (findings, unclear) = (Vec::new(), Vec::new());
        Audit { checked: 0, skipped: 0, findings, unclear, is_complete: true }
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let (found, unclear) = (self.findings.len(), self.unclear.len());
        write!(
            f,
            "{} pages compared, {found} not as they would be made now, {unclear} unclear, {} skipped",
            self.checked, self.skipped
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { route, key, difference, as_of, fresh_as_of, .. } = self;
        writeln!(f, "{key} is in the cache, but would be made otherwise now")?;
        writeln!(f, "  route:  {route}")?;
        writeln!(f, "  at:     {}", difference.place)?;
        writeln!(f, "  cached: {}", difference.cached)?;
        writeln!(f, "  fresh:  {}", difference.fresh)?;
        writeln!(f, "  groups: {}", self.in_groups())?;
        if !self.new_groups.is_empty() {
            writeln!(f, "  a fresh page is also in: {}", self.new_groups.join(", "))?;
        }
        write!(
            f,
            "  from position {as_of}; nothing has invalidated it up to {fresh_as_of}, where the fresh one is from"
        )?;
        if self.differs_each_time {
            write!(
                f,
                "\n  It is another page each time it is made: is there a clock, a random number, a list \
                 without an order in it? Say `audit_ignore` or `audit = false` in dispatch.conf."
            )?;
        }
        Ok(())
    }
}

impl Finding {
    /// The groups that the page is in, in words.
    pub(super) fn in_groups(&self) -> String {
        let named = self.groups.join(", ");
        match (self.groups.is_empty(), self.unnamed_groups) {
            (true, 0) => "none".to_owned(),
            (false, 0) => named,
            (true, others) => format!("{others} that a fresh page is not in"),
            (false, others) => format!("{named}, and {others} that a fresh page is not in"),
        }
    }
}

/// A key for people.
pub(super) fn shown_key(key: &Key<'_>) -> String {
    let mut text = shown(key.id()).into_owned();
    for (name, value) in key.dependencies() {
        let value = shown(value);
        text += &match name {
            "" => format!(" [{value}]"),
            name => format!(" [{name}: {value}]"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::KeyBuilder;

    #[test]
    fn a_finding_says_all_that_is_known() {
        let key = KeyBuilder::new("/tags/rain?page=2").depends_on("", "de").depends_on("x-a", "b");
        let difference = Difference {
            place: "byte 7 of the body (line 1)".to_owned(),
            cached: "old".to_owned(),
            fresh: "new".to_owned(),
        };
        let finding = Finding {
            route: "/tags/{tag} (dispatch.conf:3)".to_owned(),
            key: shown_key(&key.build()),
            difference,
            groups: vec!["tag:rain".to_owned()],
            unnamed_groups: 2,
            new_groups: vec!["tag:snow".to_owned()],
            as_of: Position(3),
            fresh_as_of: Position(9),
            differs_each_time: true,
        };
        let text = finding.to_string();
        for part in [
            "/tags/rain?page=2 [de] [x-a: b] is in the cache",
            "route:  /tags/{tag} (dispatch.conf:3)",
            "at:     byte 7 of the body (line 1)\n  cached: old\n  fresh:  new",
            "groups: tag:rain, and 2 that a fresh page is not in",
            "a fresh page is also in: tag:snow",
            "from position 3; nothing has invalidated it up to 9",
            "another page each time",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
    }
}
