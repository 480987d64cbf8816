use std::collections::BTreeMap;

/// A field of a form, and how much text it takes.
pub struct Field {
    /// Its name in the form.
    name: &'static str,
    /// What it is called in messages.
    label: &'static str,
    /// The most that may be entered, in characters.
    longest: usize,
}

/// Sentences about what a visitor ought to change, by the name of the field.
pub type Problems = BTreeMap<&'static str, String>;

/// A story's title.
pub const TITLE: Field = Field { name: "title", label: "title", longest: 120 };
/// A reader's name.
pub const AUTHOR: Field = Field { name: "author", label: "name", longest: 60 };
/// The text of a story or comment.
pub const BODY: Field = Field { name: "body", label: "text", longest: 20_000 };

impl Field {
    /// What was entered, without the space around it and at the ends of its lines, and with no more
    /// than one blank line in a row. An empty or overlong text is noted in `problems`.
    pub fn read(&self, entered: &str, problems: &mut Problems) -> String {
        let Field { name, label, longest } = *self;
        let mut lines: Vec<&str> = entered.trim().lines().map(str::trim_end).collect();
        lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
        let text = lines.join("\n");
        let length = text.chars().count();
        if length == 0 {
            problems.insert(name, format!("The {label} is missing."));
        } else if length > longest {
            let problem = format!("The {label} has {length} characters; {longest} are allowed.");
            problems.insert(name, problem);
        }
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
        assert_eq!(problems(&AUTHOR, " \t")["author"], "The name is missing.");
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(problems(&TITLE, &"é".repeat(120)).is_empty());
        let problems = problems(&TITLE, &"é".repeat(121));
        assert_eq!(problems["title"], "The title has 121 characters; 120 are allowed.");
    }
}
