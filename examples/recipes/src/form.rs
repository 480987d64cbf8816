//! What readers may enter.

use headwater::prelude::*;

use crate::update::Entry;

/// The most tags that a recipe has.
const TAGS: usize = 8;

/// The form of a recipe.
#[derive(Form)]
pub struct RecipeForm {
    #[form(required, maxlength = 80, autocomplete = "off")]
    title: String,
    #[form(
        type = "textarea",
        required,
        maxlength = 20_000,
        label = "Recipe",
        hint = "An empty line begins a paragraph. Lines that begin with “- ” are ingredients."
    )]
    body: String,
    #[form(autocomplete = "off", hint = "Separated by commas: soup, one pot, winter.")]
    tags: String,
    #[form(
        required,
        maxlength = 80,
        pattern = r"[\p{Alphabetic}\p{N}][^\/\p{Cc}]*",
        title = "a letter or a digit first, and no slash",
        label = "Your name",
        autocomplete = "nickname"
    )]
    author: String,
}

/// The form of a comment.
#[derive(Form)]
#[form(id = "comment")]
pub struct CommentForm {
    #[form(
        required,
        maxlength = 80,
        pattern = r"[\p{Alphabetic}\p{N}][^\/\p{Cc}]*",
        title = "a letter or a digit first, and no slash",
        label = "Your name",
        autocomplete = "nickname"
    )]
    author: String,
    #[form(type = "textarea", required, maxlength = 20_000, label = "Your comment")]
    body: String,
}

/// The form of a favourite.
#[derive(Form)]
#[form(id = "favourite")]
pub struct FavouriteForm {
    #[form(
        required,
        maxlength = 80,
        pattern = r"[\p{Alphabetic}\p{N}][^\/\p{Cc}]*",
        title = "a letter or a digit first, and no slash",
        label = "Your name",
        autocomplete = "nickname"
    )]
    author: String,
}

impl RecipeForm {
    /// The form that would send this recipe.
    pub fn filled(title: &str, body: &str, author: &str, tags: &[String]) -> FilledForm {
        let (title, body, author) = (title.to_owned(), body.to_owned(), author.to_owned());
        RecipeForm { title, body, author, tags: tags.join(", ") }.filled_form()
    }

    fn check(&self, errors: &mut Errors) {
        let tags = tags(&self.tags);
        let is_segment = |tag: &String| {
            tag.starts_with(char::is_alphanumeric)
                && tag.chars().count() <= 80
                && !tag.contains(|letter: char| letter == '/' || letter.is_control())
        };
        if tags.len() > TAGS || !tags.iter().all(is_segment) {
            errors.add(
                "tags",
                format!("There are up to {TAGS} tags; a tag begins with a letter or a digit and has no slash."),
            );
        }
    }

    /// What was entered.
    pub fn entry(self) -> Entry {
        let tags = tags(&self.tags);
        Entry { title: line(&self.title), body: text(&self.body), author: line(&self.author), tags }
    }
}

impl CommentForm {
    /// Name and text.
    pub fn entered(self) -> (String, String) {
        (line(&self.author), text(&self.body))
    }
}

impl FavouriteForm {
    /// The name.
    pub fn name(self) -> String {
        line(&self.author)
    }
}

/// One space between words.
fn line(entered: &str) -> String {
    entered.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Paragraphs, without the space at the ends of lines.
fn text(entered: &str) -> String {
    let mut lines: Vec<&str> = entered.lines().map(str::trim_end).collect();
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    lines.join("\n")
}

/// Tags in lower case, with `-` for spaces, each once.
fn tags(entered: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for tag in entered.split(',') {
        let tag = line(tag).replace(' ', "-").to_lowercase();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_in_lower_case_each_once() {
        assert_eq!(tags(" Soup, one pot,,SOUP ,"), ["soup", "one-pot"]);
        let recipe = |tags| {
            let fields = [("title", "Soup"), ("body", "Stir."), ("author", "Ada"), ("tags", tags)];
            Submitted::<RecipeForm>::of(&fields).errors().len()
        };
        assert_eq!(["soup, one pot", "a/b", "-", "1,2,3,4,5,6,7,8,9"].map(recipe), [0, 1, 1, 1]);
    }

    #[test]
    fn the_components_are_those_of_the_framework() {
        let ours = include_str!("../templates/components.html");
        assert_eq!(ours, headwater::form::COMPONENTS);
    }

    #[test]
    fn a_name_can_stand_in_an_address() {
        let errors = |name| Submitted::<FavouriteForm>::of(&[("author", name)]).errors().len();
        assert_eq!(["Ada", "Zoë O'Hara-Lund", "1st & 2nd?", "李"].map(errors), [0; 4]);
        assert_eq!(["", "..", "a/b", "a\u{1}b", " \t"].map(errors), [1; 5]);
    }

    #[test]
    fn one_blank_line_is_between_paragraphs() {
        assert_eq!(text("- one\n- two \n \n\nStir."), "- one\n- two\n\nStir.");
    }
}
