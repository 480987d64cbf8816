//! What changes the site's data.

use serde::{Deserialize, Serialize};

/// A change of the site's data. Updates are kept in the log: add new variants at the end.
#[derive(Clone, Serialize, Deserialize)]
pub enum Update {
    /// A new recipe.
    Publish(Entry),
    /// Another text, author or tags for a recipe; its address stays.
    Edit {
        /// The recipe's.
        slug: String,
        /// What it is from now on.
        entry: Entry,
    },
    /// The end of a recipe, its comments and its favourites.
    Delete {
        /// The recipe's.
        slug: String,
    },
    /// A comment on a recipe.
    Comment {
        /// The recipe's.
        slug: String,
        /// The name that the reader gave.
        author: String,
        /// Plain text.
        body: String,
    },
    /// A reader keeps a recipe; keeping it twice changes nothing.
    Favourite {
        /// The recipe's.
        slug: String,
        /// The name that the reader gave.
        author: String,
    },
}

/// A recipe as its author wrote it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Entry {
    /// One line of plain text.
    pub title: String,
    /// Plain text: blank lines separate paragraphs, `- ` begins an ingredient.
    pub body: String,
    /// The name that the author gave.
    pub author: String,
    /// Words in lower case, each once.
    pub tags: Vec<String>,
}

/// The slug of a new recipe with this title: its letters and digits in lower case with `-` between words,
/// and a number behind it where that is taken: 2, then the position of the update, so that it
/// takes no longer the more recipes have the title.
pub fn slug(title: &str, position: u64, mut is_taken: impl FnMut(&str) -> bool) -> String {
    let title = title.replace(['\'', '’'], "").to_lowercase();
    let words = title.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let words = if words.is_empty() { "recipe".to_owned() } else { words };
    let second = format!("{words}-2");
    let free = [words.clone(), second].into_iter().find(|slug| !is_taken(slug));
    free.unwrap_or_else(|| format!("{words}-{position}"))
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_is_made_of_the_titles_words() {
        let slug = |title| slug(title, 7, |_| false);
        assert_eq!(slug("Nana's Lentil Soup, twice!"), "nanas-lentil-soup-twice");
        assert_eq!(slug("Crème brûlée"), "crème-brûlée");
        assert_eq!(slug("…"), "recipe");
    }

    #[test]
    fn a_slug_that_is_taken_gets_a_number() {
        let slug = |taken: &[&str]| slug("Plum crumble", 7, |slug| taken.contains(&slug));
        assert_eq!(slug(&["plum-crumble"]), "plum-crumble-2");
        assert_eq!(slug(&["plum-crumble", "plum-crumble-2"]), "plum-crumble-7");
    }
}
