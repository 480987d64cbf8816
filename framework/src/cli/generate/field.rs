use super::words::{heading, identifier};
use crate::problem::{Problem, Problems, nearest};

/// A field of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: FieldKind,
    pub(super) optional: bool,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// One line of text.
    Line,
    /// Paragraphs.
    Text,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// An email address.
    Email,
    /// A web address.
    Url,
    /// A day.
    Date,
    /// Words, separated by commas.
    List,
    /// A picture.
    Image,
}

const KINDS: [(&str, FieldKind); 9] = [
    ("line", FieldKind::Line),
    ("text", FieldKind::Text),
    ("number", FieldKind::Number),
    ("flag", FieldKind::Flag),
    ("email", FieldKind::Email),
    ("url", FieldKind::Url),
    ("date", FieldKind::Date),
    ("list", FieldKind::List),
    ("image", FieldKind::Image),
];

/// The names of fields that every row has.
const OF_ROWS: [&str; 3] = ["id", "created", "changed"];

/// The names that generated code uses for variables where fields are in scope.
const OF_CODE: [&str; 3] = ["at", "now", "stored"];

impl Field {
    /// Parses the fields on the command line.
    ///
    /// # Errors
    /// Returns all problems in them.
    pub(super) fn read_all(words: &[String]) -> Result<Vec<Field>, Problems> {
        let mut problems = Problems::new();
        let mut fields: Vec<Field> = Vec::new();
        for word in words {
            match Field::read(word) {
                Ok(field) if fields.iter().any(|known| known.name == field.name) => {
                    problems.push(Problem::new(format!("two fields are called `{}`", field.name)));
                }
                Ok(field) => fields.push(field),
                Err(problem) => problems.push(problem),
            }
        }
        let images = fields.iter().filter(|field| field.kind == FieldKind::Image).count();
        if images > 1 {
            problems.push(Problem::new(
                "a row has one image at most; keep the others in a table of their own",
            ));
        }
        problems.or(fields)
    }

    fn read(word: &str) -> Result<Field, Problem> {
        let Some((name, kind)) = word.split_once(':') else {
            return Err(Problem::new(format!(
                "`{}` has no type; write name:type, as in title:line",
                word.escape_debug()
            )));
        };
        let name = identifier(name)?;
        if OF_ROWS.contains(&&*name) {
            return Err(Problem::new(format!("every row has a field `{name}`; leave it out")));
        }
        if OF_CODE.contains(&&*name) {
            return Err(Problem::new(format!(
                "`{name}` is a name that the code uses already; write another, as in the_{name}"
            )));
        }
        let (kind, optional) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (kind, false),
        };
        let known = KINDS.iter().find(|(word, _)| *word == kind);
        let Some(&(_, kind)) = known else {
            let advice = match nearest(kind, KINDS.iter().map(|(word, _)| *word)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "there are line, text, number, flag, email, url, date, list and image"
                    .to_owned(),
            };
            return Err(Problem::new(format!(
                "`{}` is not a type of a field; {advice}",
                kind.escape_debug()
            )));
        };
        match (kind, optional) {
            (FieldKind::Image, false) => {
                Err(Problem::new(format!("an image is optional; write {name}:image?")))
            }
            (FieldKind::Flag | FieldKind::List, true) => Err(Problem::new(format!(
                "a flag may be off and a list empty; leave out the `?` of `{name}`"
            ))),
            _ => Ok(Field { name, kind, optional }),
        }
    }

    /// Returns the name as a heading: "Picture".
    pub(super) fn heading(&self) -> String {
        heading(&self.name)
    }

    /// Returns the type in the row.
    pub(super) fn rust(&self) -> String {
        let name = match self.kind {
            FieldKind::Line
            | FieldKind::Text
            | FieldKind::Email
            | FieldKind::Url
            | FieldKind::Date
            | FieldKind::Image => "String",
            FieldKind::Number => "i64",
            FieldKind::Flag => "bool",
            FieldKind::List => "Vec<String>",
        };
        if self.optional { format!("Option<{name}>") } else { name.to_owned() }
    }

    /// Returns the doc comment, which adds to the type.
    pub(super) fn doc(&self) -> &'static str {
        match self.kind {
            FieldKind::Line => "One line of plain text.",
            FieldKind::Text => "Plain text.",
            FieldKind::Number => "A whole number.",
            FieldKind::Flag => "Yes or no.",
            FieldKind::Email => "An email address.",
            FieldKind::Url => "A web address.",
            FieldKind::Date => "A day, as in 2026-03-01.",
            FieldKind::List => "Words, each once.",
            FieldKind::Image => "The path of a picture in the docroot.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Vec<Field>, String> {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        Field::read_all(&words).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_field_is_a_name_and_a_type() {
        let fields = read("title:line published-on:date? picture:image?").unwrap();
        let shown: Vec<String> =
            fields.iter().map(|field| format!("{}: {}", field.name, field.rust())).collect();
        assert_eq!(
            shown,
            ["title: String", "published_on: Option<String>", "picture: Option<String>"]
        );
    }

    #[test]
    fn a_malformed_field_is_refused_with_advice() {
        for (words, advice) in [
            ("title", "write name:type"),
            ("title:lime", "did you mean `line`?"),
            ("due:day", "did you mean `date`?"),
            ("title:", "there are line, text"),
            ("title:String\u{7}", "there are line, text"),
            ("a:line a:text", "two fields are called `a`"),
            ("created:line", "leave it out"),
            ("picture:image", "write picture:image?"),
            ("a:image? b:image?", "one image at most"),
            ("done:flag?", "leave out the `?`"),
            ("fn:line", "the_fn"),
            ("stored:flag", "the_stored"),
        ] {
            let message = read(words).unwrap_err();
            assert!(message.contains(advice), "{message}");
        }
    }
}
