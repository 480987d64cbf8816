use serde::{Deserialize, Serialize};

use super::pattern::{check_pattern, escape_address};

/// A set of content that becomes invalid in every cache. Cached content is invalid if it is in one of the
/// groups, or if one of the patterns is found in its id.
///
/// A *hard* invalidation ends the use of the content. A *soft* one makes it stale, as if its lifetime had ended
/// at that moment: it may still be served where a route has `stale_while_revalidate` or `stale_if_error`, for
/// as long as these allow. One invalidation may do both, to different groups and patterns; one that is named in
/// both ways is invalidated hard.
///
/// ```
/// use headwater::prelude::*;
///
/// let hard = Invalidation::new().group("stories");
/// let soft = Invalidation::new().group("most-read").pattern("^/tags/").soft();
/// assert!(hard.soft_groups.is_empty() && soft.groups.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Invalidation {
    /// Names of groups.
    pub groups: Vec<String>,
    /// Regular expressions (syntax of the `regex` crate), not anchored.
    pub patterns: Vec<String>,
    /// Names of groups whose content becomes stale.
    pub soft_groups: Vec<String>,
    /// Regular expressions; content becomes stale if one is found in its id.
    pub soft_patterns: Vec<String>,
}

impl Invalidation {
    /// Returns an invalidation of nothing.
    pub fn new() -> Invalidation {
        Invalidation::default()
    }

    /// Adds a group.
    pub fn group(mut self, group: impl Into<String>) -> Invalidation {
        self.groups.push(group.into());
        self
    }

    /// Adds a pattern: a regular expression that is searched for in the ids of entries.
    ///
    /// The id of a page is its address, percent-encoded with upper-case digits: `^/gr%C3%B6%C3%9Fe$`. Writing a
    /// pattern that no address can match to the log is refused. For text from data see [`Invalidation::path`].
    pub fn pattern(mut self, pattern: impl Into<String>) -> Invalidation {
        self.patterns.push(pattern.into());
        self
    }

    /// Adds the page at this path, whatever its query. The path is not percent-encoded: `/stories/größe`.
    ///
    /// ```
    /// use headwater::prelude::*;
    ///
    /// let gone = Invalidation::new().path("/stories/größe");
    /// assert_eq!(gone.patterns, [r"^/stories/gr%C3%B6%C3%9Fe(?:\?|$)"]);
    /// ```
    pub fn path(self, path: &str) -> Invalidation {
        self.pattern(format!(r"^{}(?:\?|$)", escape_address(path)))
    }

    /// Makes everything that was added so far soft: it becomes stale, not invalid.
    pub fn soft(mut self) -> Invalidation {
        let groups = std::mem::take(&mut self.groups);
        let patterns = std::mem::take(&mut self.patterns);
        add(&mut self.soft_groups, groups);
        add(&mut self.soft_patterns, patterns);
        self
    }

    /// Returns whether nothing is invalidated.
    pub fn is_empty(&self) -> bool {
        let Invalidation { groups, patterns, soft_groups, soft_patterns } = self;
        [groups, patterns, soft_groups, soft_patterns].into_iter().all(Vec::is_empty)
    }

    /// Checks that every pattern is a regular expression that can match an id.
    ///
    /// # Errors
    /// The first invalid pattern, with the reason: the parser's message with the position, or the part that no
    /// address contains, with its correct spelling.
    pub(crate) fn check(&self) -> Result<(), (String, String)> {
        for pattern in self.patterns.iter().chain(&self.soft_patterns) {
            check_pattern(pattern).map_err(|reason| (pattern.clone(), reason))?;
        }
        Ok(())
    }

    /// Adds the invalidations of `other`, without duplicates. A group or pattern that is hard in either of them
    /// stays hard.
    pub fn merge(&mut self, other: &Invalidation) {
        add(&mut self.groups, other.groups.iter().cloned());
        add(&mut self.patterns, other.patterns.iter().cloned());
        add(&mut self.soft_groups, other.soft_groups.iter().cloned());
        add(&mut self.soft_patterns, other.soft_patterns.iter().cloned());
        let (groups, patterns) = (&self.groups, &self.patterns);
        self.soft_groups.retain(|group| !groups.contains(group));
        self.soft_patterns.retain(|pattern| !patterns.contains(pattern));
    }
}

/// Adds those names that are not in the list yet.
fn add(names: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_applies_to_everything_added_before_it() {
        let both = Invalidation::new().group("a").pattern("^/a").soft().group("b");
        assert_eq!((both.soft_groups, both.soft_patterns), (vec!["a".into()], vec!["^/a".into()]));
        assert_eq!((both.groups, both.patterns), (vec!["b".to_owned()], vec![]));
    }

    #[test]
    fn hard_wins_over_soft_in_either_order() {
        let hard = || Invalidation::new().group("a").pattern("^/a");
        let soft = || Invalidation::new().group("a").group("b").pattern("^/a").soft();
        for (mut first, second) in [(hard(), soft()), (soft(), hard())] {
            first.merge(&second);
            assert_eq!(first, Invalidation { soft_groups: vec!["b".into()], ..hard() });
            first.merge(&second);
            assert_eq!(first.soft_groups, ["b"], "merging once more changes nothing");
        }
    }

    #[test]
    fn soft_invalidations_are_checked() {
        let soft = Invalidation::new().group("a").pattern("(").soft();
        assert!(!soft.is_empty());
        assert_eq!(soft.check().unwrap_err().0, "(");
    }

    #[test]
    fn a_pattern_that_no_address_can_match_is_refused() {
        let wrong = Invalidation::new().pattern("^/echo/größe$");
        let (pattern, reason) = wrong.check().unwrap_err();
        assert_eq!(pattern, "^/echo/größe$");
        assert!(reason.contains("write `/echo/gr%C3%B6%C3%9Fe`"), "{reason}");
        assert!(Invalidation::new().pattern("^fragment:größe").check().is_ok());
        assert!(Invalidation::new().path("/größe/a b?").check().is_ok());
    }
}
