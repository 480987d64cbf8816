use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::dispatch::route::Location;
use crate::problem::{Problem, Problems, nearest};

/// A file's name and the ends of its lines.
pub(super) struct Source {
    file: Arc<Path>,
    ends: Vec<usize>,
}

impl Source {
    pub(super) fn new(file: &Path, text: &str) -> Source {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Source { file: file.into(), ends: ends.map(|(at, _)| at).collect() }
    }

    /// Returns the location of the beginning of `span`.
    pub(super) fn locate(&self, span: Range<usize>) -> Location {
        let line = 1 + self.ends.partition_point(|end| *end < span.start);
        Location { file: self.file.clone(), line }
    }

    /// Returns the file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }
}

/// A value and its location.
#[derive(Debug, Clone)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) at: Location,
}

/// The keys of one table of the file: a `[[route]]`, an `[[error]]`, a `cache = { … }`.
pub(super) struct Entry<'e> {
    source: &'e Source,
    table: &'e DeTable<'e>,
    /// The location of the table.
    pub(super) at: Location,
}

impl<'e> Entry<'e> {
    /// Creates the entry for `table`. Keys that are not in `known` are reported.
    pub(super) fn new(
        source: &'e Source,
        table: &'e DeTable<'e>,
        at: Location,
        known: &[&str],
        problems: &mut Problems,
    ) -> Entry<'e> {
        let entry = Entry { source, table, at };
        entry.report_unknown(known, problems);
        entry
    }

    fn report_unknown(&self, known: &[&str], problems: &mut Problems) {
        for key in self.table.keys() {
            let word: &str = key.get_ref();
            if known.contains(&word) {
                continue;
            }
            let advice = match nearest(word, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", known.join(", ")),
            };
            let at = self.source.locate(key.span());
            report(problems, &at, format!("unknown key `{word}`; {advice}"));
        }
    }

    /// Returns those of `keys` that the entry contains.
    pub(super) fn present<'k>(&self, keys: &[&'k str]) -> Vec<&'k str> {
        keys.iter().copied().filter(|key| self.table.contains_key(*key)).collect()
    }

    /// Returns the location of `key`, if the entry contains it.
    pub(super) fn locate(&self, key: &str) -> Option<Location> {
        self.table.get_key_value(key).map(|(key, _)| self.source.locate(key.span()))
    }

    /// Returns the location of the beginning of `span`.
    pub(super) fn at_span(&self, span: Range<usize>) -> Location {
        self.source.locate(span)
    }

    /// Returns the unparsed value of `key`.
    pub(super) fn value(&self, key: &str) -> Option<Located<&'e Spanned<DeValue<'e>>>> {
        let value = self.table.get(key)?;
        Some(Located { value, at: self.source.locate(value.span()) })
    }

    /// Returns the text of `key`; other values are reported.
    pub(super) fn text(&self, key: &str, problems: &mut Problems) -> Option<Located<&'e str>> {
        let Located { value, at } = self.value(key)?;
        match value.get_ref().as_str() {
            Some("") => report(problems, &at, format!("`{key}` is empty")),
            Some(value) => return Some(Located { value, at }),
            None => {
                let kind = value.get_ref().type_str();
                report(problems, &at, format!("`{key}` must be text in quotes, not {kind}"));
            }
        }
        None
    }

    /// Returns the boolean value of `key`; other values are reported.
    pub(super) fn flag(&self, key: &str, problems: &mut Problems) -> Option<bool> {
        let Located { value, at } = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            report(problems, &at, format!("`{key}` must be true or false"));
        }
        flag
    }

    /// Returns the texts of the list `key`; other values are reported.
    pub(super) fn texts(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems,
    ) -> Option<Vec<Located<&'e str>>> {
        let Located { value, at } = self.value(key)?;
        let Some(list) = value.get_ref().as_array() else {
            report(problems, &at, format!("`{key}` must be a list of texts, as in {example}"));
            return None;
        };
        let mut texts = Vec::with_capacity(list.len());
        for value in list.iter() {
            let at = self.source.locate(value.span());
            match value.get_ref().as_str() {
                Some("") => report(problems, &at, format!("`{key}` contains an empty text")),
                Some(value) => texts.push(Located { value, at }),
                None => {
                    let message = format!("`{key}` must be a list of texts, as in {example}");
                    report(problems, &at, message);
                }
            }
        }
        Some(texts)
    }

    /// Returns the status code of `key`, for which `allowed` must return true; other values are
    /// reported.
    pub(super) fn status(
        &self,
        key: &str,
        allowed: impl Fn(u16) -> bool,
        advice: &str,
        problems: &mut Problems,
    ) -> Option<Located<http::StatusCode>> {
        let Located { value, at } = self.value(key)?;
        let number = value.get_ref().as_integer();
        let number =
            number.and_then(|number| u16::from_str_radix(number.as_str(), number.radix()).ok());
        let status = number.filter(|number| allowed(*number));
        let status = status.and_then(|number| http::StatusCode::from_u16(number).ok());
        if status.is_none() {
            report(problems, &at, format!("`{key}` must be {advice}"));
        }
        status.map(|value| Located { value, at })
    }

    /// Returns the table that is the value of `key`, if it is a table.
    pub(super) fn table(
        &self,
        key: &str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Option<Entry<'e>> {
        let Located { value, at } = self.value(key)?;
        let table = value.get_ref().as_table()?;
        let entry = Entry { source: self.source, table, at };
        entry.report_unknown(known, problems);
        Some(entry)
    }
}

/// Adds a problem at `at`.
pub(super) fn report(problems: &mut Problems, at: &Location, message: impl Into<String>) {
    problems.push(Problem::at_line(&*at.file, at.line, message));
}
