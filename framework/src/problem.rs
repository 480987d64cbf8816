//! Problems in files that a site's author writes: each contains its location and the remedy.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

/// One error in a file of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file, when the problem is in one.
    pub file: Option<PathBuf>,
    /// The line in the file, counted from 1.
    pub line: Option<usize>,
    /// The column in that line, in characters, counted from 1.
    pub column: Option<usize>,
    /// The error, and the allowed values.
    pub message: String,
}

impl Problem {
    /// Creates a problem without a file.
    pub(crate) fn new(message: impl Into<String>) -> Problem {
        Problem { file: None, line: None, column: None, message: message.into() }
    }

    /// Creates a problem in `file`.
    pub(crate) fn in_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Problem {
        Problem { file: Some(file.into()), ..Problem::new(message) }
    }

    /// Creates a problem at a line (counted from 1) of `file`.
    pub(crate) fn at_line(
        file: impl Into<PathBuf>,
        line: usize,
        message: impl Into<String>,
    ) -> Problem {
        Problem { line: Some(line), ..Problem::in_file(file, message) }
    }

    /// Creates a problem in the site's code.
    pub(crate) fn in_code(at: &Location<'_>, message: impl Into<String>) -> Problem {
        Problem::at_line(at.file(), at.line() as usize, message)
    }

    /// Creates a problem at a line and a column (in characters, both counted from 1) of `file`.
    pub(crate) fn at_column(
        file: impl Into<PathBuf>,
        line: usize,
        column: usize,
        message: impl Into<String>,
    ) -> Problem {
        Problem { column: Some(column), ..Problem::at_line(file, line, message) }
    }

    /// Converts an error of the TOML parser or a type's deserializer; `text` is the content of
    /// `file`. For an unknown key the nearest known one is suggested.
    pub(crate) fn from_toml(file: &Path, text: &str, error: &toml::de::Error) -> Problem {
        let line = error.span().map(|span| line_of(text, span.start));
        Problem { line, ..Problem::in_file(file, with_nearest(error.message())) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(f, "{number}:")?;
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

/// All problems, in the order in which they were found. As an error it is never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// No problems yet.
    pub fn new() -> Problems {
        Problems::default()
    }

    /// Adds a problem.
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds all of `other`.
    pub(crate) fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    /// Returns whether there are no problems.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the problems, in the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Sorts the problems by file, line and column; those without a file come first.
    pub(crate) fn sorted(mut self) -> Problems {
        self.0.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        self
    }

    /// Returns `value` if there are no problems, otherwise the problems.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Returns the line (counted from 1) of the byte at `offset` in `text`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Returns the member of `known` that `word` was most likely meant to be, if any is similar.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Adds "did you mean" to serde's messages about unknown fields and variants.
fn with_nearest(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown ") {
        return message.to_owned();
    }
    match words.next().and_then(|unknown| nearest(unknown, words)) {
        Some(known) => format!("{message}; did you mean `{known}`?"),
        None => message.to_owned(),
    }
}

/// Formats an error with its causes, on one line.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Cache {
        #[expect(dead_code)]
        lifetime: Option<u32>,
        #[expect(dead_code)]
        bytes: Option<u32>,
    }

    #[test]
    fn an_unknown_key_is_reported_with_file_line_and_nearest_key() {
        let text = "bytes = 3\n\nlifetme = 4\n";
        let error = toml::from_str::<Cache>(text).unwrap_err();
        let problem = Problem::from_toml(Path::new("project.toml"), text, &error).to_string();
        assert!(problem.starts_with("project.toml:3: unknown field `lifetme`"), "{problem}");
        assert!(problem.ends_with("did you mean `lifetime`?"), "{problem}");
    }

    #[test]
    fn a_place_is_written_as_editors_open_it() {
        let problem = Problem::at_column("templates/a.html", 3, 7, "no");
        assert_eq!(problem.to_string(), "templates/a.html:3:7: no");
        assert_eq!(Problem::at_line("a.conf", 3, "no").to_string(), "a.conf:3: no");
        assert_eq!(Problem::in_file("a.conf", "no").to_string(), "a.conf: no");
        assert_eq!(Problem::new("no").to_string(), "no");
    }

    #[test]
    fn a_far_word_has_no_nearest() {
        assert_eq!(nearest("zebra", ["lifetime", "bytes"]), None);
    }
}
