//! What readers enter.

use std::collections::BTreeSet;

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

/// The name that a reader gives. It can stand in an address.
#[derive(Clone, Serialize, Deserialize, Form)]
pub struct Author {
    #[form(required, maxlength = 80, label = "Your name", autocomplete = "nickname")]
    #[form(pattern = r"[\p{Alphabetic}\p{N}][^\/\p{Cc}]*")]
    #[form(title = "a letter or a digit first, and no slash")]
    pub author: String,
}

/// A recipe as its author writes it.
#[derive(Clone, Serialize, Deserialize, Form)]
pub struct RecipeForm {
    #[form(required, maxlength = 80, autocomplete = "off")]
    pub title: String,
    #[form(type = "textarea", required, maxlength = 20_000, label = "Recipe")]
    #[form(hint = "An empty line begins a paragraph. Lines that begin with “- ” are ingredients.")]
    pub body: String,
    #[form(maxlength = 200, autocomplete = "off", hint = "With commas: soup, one pot, winter.")]
    pub tags: String,
    #[form(group)]
    pub by: Author,
}

/// What a reader says about a recipe.
#[derive(Clone, Serialize, Deserialize, Form)]
#[form(id = "comment")]
pub struct NewComment {
    #[form(group)]
    pub by: Author,
    #[form(type = "textarea", required, maxlength = 20_000, label = "Your comment")]
    pub body: String,
}

impl RecipeForm {
    /// The tags as they stand in addresses, each once.
    pub fn tags(&self) -> Vec<String> {
        let tags = self.tags.split(',').map(slug).filter(|tag| !tag.is_empty());
        tags.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_in_lower_case_each_once() {
        let form = |tags: &str| {
            let by = Author { author: "Ada".to_owned() };
            let (title, body) = ("Soup".to_owned(), "Stir.".to_owned());
            RecipeForm { title, body, tags: tags.to_owned(), by }
        };
        assert_eq!(form(" Soup, one pot,,SOUP ,").tags(), ["one-pot", "soup"]);
        assert!(form(" -, /").tags().is_empty());
    }

    #[test]
    fn the_components_are_those_of_the_framework() {
        let ours = include_str!("../templates/components.html");
        assert_eq!(ours, headwater::form::COMPONENTS);
    }

    #[test]
    fn a_name_can_stand_in_an_address() {
        let errors = |name| Submitted::<Author>::of(&[("author", name)]).errors().len();
        assert_eq!(["Ada", "Zoë O'Hara-Lund", "1st & 2nd?", "李"].map(errors), [0; 4]);
        assert_eq!(["", "..", "a/b", "a\u{1}b", " \t"].map(errors), [1; 5]);
    }
}
