//! What readers may enter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::update::Entry;

/// The most tags that a recipe has.
const TAGS: usize = 8;
/// The longest title, name and tag, in characters.
const LINE: usize = 80;
/// The longest recipe or comment, in characters.
const TEXT: usize = 20_000;

/// What a reader ought to change: a sentence by the name of the field.
pub type Problems = BTreeMap<&'static str, String>;

/// What the form of a recipe sends.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct RecipeForm {
    title: String,
    body: String,
    author: String,
    /// Separated by commas.
    tags: String,
}

/// What the form of a comment sends.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct CommentForm {
    author: String,
    body: String,
}

/// What the form of a favourite sends.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct FavouriteForm {
    author: String,
}

impl RecipeForm {
    /// The form that would send `entry`.
    pub fn filled(title: &str, body: &str, author: &str, tags: &[String]) -> RecipeForm {
        let (title, body, author) = (title.to_owned(), body.to_owned(), author.to_owned());
        RecipeForm { title, body, author, tags: tags.join(", ") }
    }

    /// What was entered.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self) -> Result<Entry, Problems> {
        let mut problems = Problems::new();
        let title = title(&self.title, &mut problems);
        let body = text(&self.body, "A recipe wants a text.", &mut problems);
        let author = name(&self.author, &mut problems);
        let tags = tags(&self.tags, &mut problems);
        if problems.is_empty() { Ok(Entry { title, body, author, tags }) } else { Err(problems) }
    }
}

impl CommentForm {
    /// Name and text.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(&self) -> Result<(String, String), Problems> {
        let mut problems = Problems::new();
        let author = name(&self.author, &mut problems);
        let body = text(&self.body, "A comment wants a text.", &mut problems);
        if problems.is_empty() { Ok((author, body)) } else { Err(problems) }
    }
}

impl FavouriteForm {
    /// The name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&self) -> Result<String, Problems> {
        let mut problems = Problems::new();
        let author = name(&self.author, &mut problems);
        if problems.is_empty() { Ok(author) } else { Err(problems) }
    }
}

/// One line.
fn title(entered: &str, problems: &mut Problems) -> String {
    let title = entered.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() || title.chars().count() > LINE {
        let problem = format!("A recipe wants a title of up to {LINE} characters.");
        problems.insert("title", problem);
    }
    title
}

/// A name, which stands in the address of its list.
fn name(entered: &str, problems: &mut Problems) -> String {
    let name = entered.split_whitespace().collect::<Vec<_>>().join(" ");
    if !is_segment(&name) {
        problems.insert("author", format!("A name {SEGMENT}."));
    }
    name
}

/// Paragraphs, without the space around them and at the ends of lines.
fn text(entered: &str, missing: &str, problems: &mut Problems) -> String {
    let mut lines: Vec<&str> = entered.trim().lines().map(str::trim_end).collect();
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    let text = lines.join("\n");
    if text.is_empty() {
        problems.insert("body", missing.to_owned());
    } else if text.chars().count() > TEXT {
        problems.insert("body", format!("The text is longer than {TEXT} characters."));
    }
    text
}

/// Tags in lower case, with `-` for spaces, each once.
fn tags(entered: &str, problems: &mut Problems) -> Vec<String> {
    let mut tags = Vec::new();
    for tag in entered.split(',') {
        let tag = tag.split_whitespace().collect::<Vec<_>>().join("-").to_lowercase();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.len() > TAGS || !tags.iter().all(|tag| is_segment(tag)) {
        problems.insert("tags", format!("There are up to {TAGS} tags; a tag {SEGMENT}."));
    }
    tags
}

/// What [`is_segment`] asks for.
const SEGMENT: &str = "begins with a letter or a digit, has up to 80 characters and no slash";

/// Whether a text can stand between two slashes of an address.
fn is_segment(text: &str) -> bool {
    let fits = |letter: char| letter != '/' && !letter.is_control();
    text.starts_with(char::is_alphanumeric)
        && text.chars().all(fits)
        && text.chars().count() <= LINE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_words_in_lower_case_each_once() {
        let mut problems = Problems::new();
        assert_eq!(tags(" Soup, one pot,,SOUP ,", &mut problems), ["soup", "one-pot"]);
        assert!(problems.is_empty());
        tags("a/b", &mut problems);
        assert!(problems["tags"].starts_with("There are up to 8 tags"), "{problems:?}");
    }

    #[test]
    fn a_name_can_stand_in_an_address() {
        let problems = |entered| {
            let mut problems = Problems::new();
            name(entered, &mut problems);
            problems.len()
        };
        assert_eq!(["Ada", "Zoë O'Hara-Lund", "1st & 2nd?", "李"].map(problems), [0; 4]);
        assert_eq!(["", "..", "a/b", "a\u{1}b", " \t"].map(problems), [1; 5]);
    }

    #[test]
    fn one_blank_line_is_between_paragraphs_whatever_the_browser_sends() {
        let text = text("  - one\r\n- two \r\n \r\n\r\nStir.\n", "", &mut Problems::new());
        assert_eq!(text, "- one\n- two\n\nStir.");
    }

    #[test]
    fn a_form_says_all_that_is_wrong_at_once() {
        let problems = RecipeForm::default().read().err().expect("nothing is filled in");
        assert_eq!(problems.keys().copied().collect::<Vec<_>>(), ["author", "body", "title"]);
    }
}
