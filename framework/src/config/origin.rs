use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, line_of};

/// The origins of values that are not defaults, by key (`link.lease`).
#[derive(Debug, Default)]
pub(super) struct Origins(HashMap<String, SettingOrigin>);

#[derive(Debug)]
enum SettingOrigin {
    /// A line (counted from 1) of the file.
    Line(PathBuf, usize),
    /// The environment variable with this name.
    Variable(String),
}

impl Origins {
    /// Records the lines of the keys of `table`, which was parsed from `text`, the content of `file`.
    pub(super) fn file(file: &Path, text: &str, table: &DeTable<'_>) -> Origins {
        let mut origins = Origins::default();
        let mut add = |key: String, offset: usize| {
            origins.0.insert(key, SettingOrigin::Line(file.to_owned(), line_of(text, offset)));
        };
        for (name, value) in table {
            match value.get_ref() {
                DeValue::Table(section) => {
                    for key in section.keys() {
                        add(format!("{}.{}", name.get_ref(), key.get_ref()), key.span().start);
                    }
                }
                _ => add(name.get_ref().to_string(), name.span().start),
            }
        }
        origins
    }

    /// Records that the value of `key` is that of a variable.
    pub(super) fn variable(&mut self, key: &str, variable: &str) {
        self.0.insert(key.to_owned(), SettingOrigin::Variable(variable.to_owned()));
    }

    /// Returns the origin of the value of `key` as text.
    pub(super) fn of(&self, key: &str) -> String {
        match self.0.get(key) {
            Some(SettingOrigin::Line(file, line)) => format!("{}:{line}", file.display()),
            Some(SettingOrigin::Variable(variable)) => variable.clone(),
            None => "default".to_owned(),
        }
    }

    /// Returns a problem with the value of `key`.
    pub(super) fn problem(&self, key: &str, message: &str) -> Problem {
        match self.0.get(key) {
            Some(SettingOrigin::Line(file, line)) => {
                Problem::at_line(file, *line, format!("{key}: {message}"))
            }
            Some(SettingOrigin::Variable(variable)) => {
                Problem::new(format!("{variable}: {message}"))
            }
            None => Problem::new(format!("{key}: {message}")),
        }
    }
}
