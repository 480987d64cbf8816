use std::collections::BTreeSet;

/// The largest number of words. A site has a few dozen; one that derives them from its visitors' input has any number,
/// and then misspellings cannot be detected any more.
const MOST: usize = 1000;

/// The words with which the groups of entries begin.
///
/// The name of a group consists of a word and a value, as in `story:rain`. Values change, and an invalidation of a
/// value without a page is legitimate, but the words are the site's own. So only words are compared, and names without
/// a value are never reported, because they may be a slug.
#[derive(Debug, Default)]
pub(super) struct GroupWords {
    /// The names of tables. Their groups are invalidated whether or not a page has read them.
    tables: Vec<&'static str>,
    words: BTreeSet<String>,
    is_full: bool,
}

impl GroupWords {
    /// Creates an empty set for a site with these tables.
    pub(super) fn new(tables: Vec<&'static str>) -> GroupWords {
        GroupWords { tables, ..GroupWords::default() }
    }

    /// Adds the group of an entry.
    pub(super) fn add(&mut self, group: &str) {
        let Some(word) = word_of(group) else { return };
        if self.is_full {
            return;
        }
        self.words.insert(word.to_owned());
        if self.words.len() > MOST {
            self.is_full = true;
            self.words.clear();
        }
    }

    /// Returns the word of a group if no entry has been in a group with that word, and the similarly spelled word that
    /// was probably meant, if there is one.
    pub(super) fn suggestion(&self, group: &str) -> Option<(String, String)> {
        let word = word_of(group).filter(|word| !self.words.contains(*word))?;
        let (name, end) = word.split_at(word.len() - 1);
        let has_table = self.tables.contains(&name);
        if word == "url:" || has_table && matches!(end, "/" | "@") {
            return None;
        }
        if has_table {
            return Some((word.to_owned(), format!("{name}/")));
        }
        let automatic = self.tables.iter().filter(|_| matches!(end, "/" | "@"));
        let automatic = automatic.map(|table| format!("{table}{end}"));
        let named = self.words.iter().filter(|known| known.ends_with(end) && *known != "url:");
        let near = automatic.chain(named.cloned());
        let near = near.map(|known| (strsim::damerau_levenshtein(word, &known), known));
        let most = if word.len() > 6 { 2 } else { 1 };
        let (_, near) = near.filter(|(distance, _)| *distance <= most).min()?;
        Some((word.to_owned(), near))
    }
}

/// Returns the part of a group's name before the value, with the character between the two.
fn word_of(group: &str) -> Option<&str> {
    let end = group.find([':', '/', '@', '='])?;
    (end > 0).then(|| &group[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(groups: &[&str]) -> GroupWords {
        let mut words = GroupWords::new(vec!["tags", "wiki.pages"]);
        groups.iter().for_each(|group| words.add(group));
        words
    }

    fn suggestion(words: &GroupWords, group: &str) -> Option<String> {
        words.suggestion(group).map(|(_, near)| near)
    }

    #[test]
    fn a_word_close_to_one_of_a_page_s_groups_is_a_misspelling() {
        let words = words(&["story:rain", "author:ada", "recipes/pea-soup", "news"]);
        assert_eq!(suggestion(&words, "storys:rain").as_deref(), Some("story:"));
        assert_eq!(suggestion(&words, "stroy:snow").as_deref(), Some("story:"));
        assert_eq!(suggestion(&words, "auther:bob").as_deref(), Some("author:"));
        assert_eq!(suggestion(&words, "recipe/pea-soup").as_deref(), Some("recipes/"));
        assert_eq!(
            suggestion(&words, "tag/1").as_deref(),
            Some("tags/"),
            "a table that no page has read yet"
        );
        assert_eq!(suggestion(&words, "tags:soup").as_deref(), Some("tags/"), "a table's rows");
    }

    #[test]
    fn names_that_may_be_correct_are_not_reported() {
        let words = words(&["story:rain", "tag:soup", "url:/a", "news", "wiki.page/1"]);
        for group in [
            "story:snow",   // It has no page yet.
            "weather:hull", // No word is similar.
            "story/rain",   // Another kind of name.
            "new",          // It may be a value.
            "tags/soup",    // A table: every change of it invalidates its groups.
            "wiki.pages/1",
            "url:/b",
            ":x",
            "",
        ] {
            assert_eq!(suggestion(&words, group), None, "{group}");
        }
    }

    #[test]
    fn a_suggestion_differs_by_at_most_two_letters_and_by_one_if_the_word_is_short() {
        let words =
            words(&["recipes:x", "town:hull", "cities:x", "cited:x", "lang=de", "a:x", "urn:x"]);
        for (group, expected) in [
            ("recieps:x", Some("recipes:")),
            ("rexxpes:x", Some("recipes:")),
            ("rexxxes:x", None),
            ("tonw:x", Some("town:")),
            ("toxx:x", None),
            ("towxx:x", None),
            ("ctiess:x", Some("cities:")),
            ("citis:x", Some("cities:")),
            ("lnag=en", Some("lang=")),
            ("tags@tag=1", None),
            ("tagss@tag=1", Some("tags@")),
            ("tagss:1", None),
            (":x", None),
            ("url:/b", None),
        ] {
            assert_eq!(suggestion(&words, group).as_deref(), expected, "{group}");
        }
    }

    #[test]
    fn the_nearest_word_is_suggested_and_both_are_named_in_full() {
        let words = words(&["authors:x", "auhtor:x", "url:/a"]);
        let pair = |one: &str, other: &str| Some((one.to_owned(), other.to_owned()));
        assert_eq!(words.suggestion("authorr:x"), pair("authorr:", "authors:"));
        assert_eq!(words.suggestion("auhtorr:x"), pair("auhtorr:", "auhtor:"));
        assert_eq!(words.suggestion("tags:1"), pair("tags:", "tags/"));
        assert_eq!(
            words.suggestion("urls:1"),
            None,
            "pages are in the groups of their URLs by themselves"
        );
    }

    #[test]
    fn the_number_of_words_is_bounded() {
        let mut words = words(&[]);
        (0..MOST).for_each(|number| words.add(&format!("word-{number}:x")));
        (0..MOST).for_each(|number| words.add(&format!("word-{number}:y")));
        assert_eq!(words.words.len(), MOST);
        words.add("another:x");
        assert!(words.is_full && words.words.is_empty());
    }

    #[test]
    fn a_site_with_too_many_words_gets_no_advice() {
        let mut words = words(&["story:rain"]);
        assert!(
            suggestion(&words, "stories:rain").is_none()
                && suggestion(&words, "storys:a").is_some()
        );
        (0..=MOST).for_each(|number| words.add(&format!("{number}:x")));
        assert_eq!(suggestion(&words, "storys:rain"), None);
        assert!(words.words.is_empty());
    }
}
