use std::collections::BTreeSet;

/// How many beginnings are kept. A site has a few dozen; one that makes them up of what visitors send has any number,
/// and then nothing is known of names any more.
const MOST: usize = 1000;

/// What the names of groups begin with that entries were in so far.
///
/// The name of a group is a word and then a value, as in `story:rain`. Values come and go, and a value of which there
/// is not a page yet is invalidated rightly. The words are the site's own. So words are compared, and of names without a
/// value nothing is said: a slug may be one.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// The names of tables. Groups of theirs are invalidated whether or not a page has read them.
    tables: Vec<&'static str>,
    words: BTreeSet<String>,
    is_full: bool,
}

impl Carried {
    /// For a site with these tables.
    pub(super) fn new(tables: Vec<&'static str>) -> Carried {
        Carried { tables, ..Carried::default() }
    }

    /// An entry is in this group.
    pub(super) fn add(&mut self, group: &str) {
        let Some(word) = word_of(group) else { return };
        if self.is_full || self.words.contains(word) {
            return;
        }
        self.words.insert(word.to_owned());
        if self.words.len() > MOST {
            self.is_full = true;
            self.words.clear();
        }
    }

    /// The word of a group that no entry has been in, and the word that was meant, if there is one that is spelled
    /// almost like it.
    pub(super) fn meant(&self, group: &str) -> Option<(String, String)> {
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

/// What stands before the value in the name of a group, with the character between the two.
fn word_of(group: &str) -> Option<&str> {
    let end = group.find([':', '/', '@', '='])?;
    (end > 0).then(|| &group[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(groups: &[&str]) -> Carried {
        let mut carried = Carried::new(vec!["tags", "wiki.pages"]);
        groups.iter().for_each(|group| carried.add(group));
        carried
    }

    fn meant(carried: &Carried, group: &str) -> Option<String> {
        carried.meant(group).map(|(_, near)| near)
    }

    #[test]
    fn a_word_that_is_spelled_almost_like_one_of_a_page_s_groups_was_meant_for_it() {
        let carried = carried(&["story:rain", "author:ada", "recipes/pea-soup", "news"]);
        assert_eq!(meant(&carried, "storys:rain").as_deref(), Some("story:"));
        assert_eq!(meant(&carried, "stroy:snow").as_deref(), Some("story:"));
        assert_eq!(meant(&carried, "auther:bob").as_deref(), Some("author:"));
        assert_eq!(meant(&carried, "recipe/pea-soup").as_deref(), Some("recipes/"));
        assert_eq!(
            meant(&carried, "tag/1").as_deref(),
            Some("tags/"),
            "a table that no page has read yet"
        );
        assert_eq!(meant(&carried, "tags:soup").as_deref(), Some("tags/"), "a table's rows");
    }

    #[test]
    fn what_may_be_right_is_no_mistake() {
        let carried = carried(&["story:rain", "tag:soup", "url:/a", "news", "wiki.page/1"]);
        for group in [
            "story:snow",   // There is no page of it yet.
            "weather:hull", // Nothing is near.
            "story/rain",   // Another kind of name.
            "new",          // It may be a value.
            "tags/soup",    // A table: every change of it says so.
            "wiki.pages/1",
            "url:/b",
            ":x",
            "",
        ] {
            assert_eq!(meant(&carried, group), None, "{group}");
        }
    }

    #[test]
    fn of_a_site_that_makes_up_words_nothing_is_known() {
        let mut carried = carried(&["story:rain"]);
        assert!(meant(&carried, "stories:rain").is_none() && meant(&carried, "storys:a").is_some());
        (0..=MOST).for_each(|number| carried.add(&format!("{number}:x")));
        assert_eq!(meant(&carried, "storys:rain"), None);
        assert!(carried.words.is_empty());
    }
}
