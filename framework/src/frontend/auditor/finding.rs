use std::fmt;

use serde::Serialize;

use crate::cache::Key;
use crate::log::Position;
use crate::shown::shown;

/// A cached page that differs from a fresh one, although no record of the log explains the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The page's route as written in `dispatch.conf`: `/stories/{slug} (dispatch.conf:12)`.
    pub route: String,
    /// The page: path and query, and everything else that its key depends on.
    pub key: String,
    /// Where the page and a fresh one first differ.
    pub difference: Difference,
    /// Groups of the page whose names are known.
    pub groups: Vec<String>,
    /// The number of the page's other groups. A fresh page is not in them, and the cache does not store names.
    pub unnamed_groups: usize,
    /// Groups of a fresh page that the cached one is not in.
    pub new_groups: Vec<String>,
    /// The position up to which the page is certainly current.
    pub as_of: Position,
    /// The same for the fresh page.
    pub fresh_as_of: Position,
    /// Whether two fresh pages differ, too: the page then contains a clock, a random number, or a list without an
    /// order.
    pub differs_each_time: bool,
}

/// Where two pages first differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The place: `the status`, or `byte 120 of the body (line 4)`.
    pub place: String,
    /// The text of the cached page at this place.
    pub cached: String,
    /// The text of the fresh page at this place.
    pub fresh: String,
}

/// The result of an audit of all cached pages.
///
/// Its `Display` implementation lists the findings and the number of pages compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// The number of pages compared.
    pub checked: u64,
    /// The number of pages not compared because of their routes' policies or their own lifetimes.
    pub skipped: u64,
    /// The pages that differ from fresh ones.
    pub findings: Vec<Finding>,
    /// The pages that could not be compared, each with the reason, for example that a record explains the difference.
    pub unclear: Vec<String>,
    /// Whether the audit reached all pages.
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
            "{} pages compared, {found} differ from fresh ones, {unclear} unclear, {} skipped",
            self.checked, self.skipped
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { route, key, difference, as_of, fresh_as_of, .. } = self;
        writeln!(f, "{key} is in the cache, but a fresh page differs")?;
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
            "  as of position {as_of}; no record invalidates it up to {fresh_as_of}, the position of the fresh page"
        )?;
        if self.differs_each_time {
            write!(
                f,
                "\n  Two fresh pages differ as well: does the page contain a clock, a random number, or a list \
                 without an order? Write `audit_ignore` or `audit = false` in dispatch.conf."
            )?;
        }
        Ok(())
    }
}

impl Finding {
    /// Returns the page's groups as text.
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

/// Formats a key for display.
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
    fn a_finding_displays_all_its_fields() {
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
            "as of position 3; no record invalidates it up to 9, the position of the fresh page",
            "Two fresh pages differ as well",
        ] {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
    }
}
