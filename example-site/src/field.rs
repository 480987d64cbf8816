//! What visitors may enter.

use std::collections::BTreeMap;

use serde::Serialize;

/// A field of a form, and how much text it takes.
pub struct Field {
    /// Its name in the form.
    name: &'static str,
    /// The most that may be entered, in characters.
    longest: usize,
}

/// What a visitor ought to change, by the name of the field.
pub type Problems = BTreeMap<&'static str, Problem>;

/// What is wrong with a field. Templates say it in the visitor's language.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The key of the sentence that says it.
    pub label: String,
    /// How many characters were entered.
    pub length: usize,
    /// How many are allowed.
    pub longest: usize,
}

/// A story's title.
pub const TITLE: Field = Field { name: "title", longest: 120 };
/// The name below a comment.
pub const AUTHOR: Field = Field { name: "author", longest: 60 };
/// The name that a visitor signs in with.
pub const NAME: Field = Field { name: "name", longest: 60 };
/// The text of a story or comment.
pub const BODY: Field = Field { name: "body", longest: 20_000 };

impl Problem {
    /// One that has nothing to do with length.
    pub fn new(label: &str) -> Problem {
        Problem { label: label.to_owned(), length: 0, longest: 0 }
    }
}

impl Field {
    /// What was entered, without the space around it and at the ends of its lines, and with no more
    /// than one blank line in a row. An empty or overlong text is noted in `problems`.
    pub fn read(&self, entered: &str, problems: &mut Problems) -> String {
        let Field { name, longest } = *self;
        let mut lines: Vec<&str> = entered.trim().lines().map(str::trim_end).collect();
        lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
        let text = lines.join("\n");
        let length = text.chars().count();
        let what = match length {
            0 => "missing",
            _ if length > longest => "long",
            _ => return text,
        };
        problems.insert(name, Problem { label: format!("{name}-{what}"), length, longest });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(field: &Field, entered: &str) -> Problems {
        let mut problems = Problems::new();
        field.read(entered, &mut problems);
        problems
    }

    #[test]
    fn one_blank_line_is_between_paragraphs_whatever_the_browser_sends() {
        let text = BODY.read("  one \r\n \r\n\r\ntwo\r\nthree\n", &mut Problems::new());
        assert_eq!(text, "one\n\ntwo\nthree");
    }

    #[test]
    fn a_blank_text_is_missing() {
        assert_eq!(problems(&AUTHOR, " \t")["author"].label, "author-missing");
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(problems(&TITLE, &"é".repeat(120)).is_empty());
        let problems = problems(&TITLE, &"é".repeat(121));
        let Problem { label, length, longest } = &problems["title"];
        assert_eq!((label.as_str(), *length, *longest), ("title-long", 121, 120));
    }
}
