use std::path::Path;

use toml::{Table, Value};

use super::Config;
use super::origin::Origins;

/// A setting with its value and where that comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// As in `link.lease`.
    pub(crate) key: String,
    /// As project.toml has it. A secret is not shown.
    pub(crate) value: String,
    /// `default`, the file and line, or the variable.
    pub(crate) origin: String,
}

impl Config {
    /// All settings, those of the site's own code by their names alone: some may be secret.
    pub(super) fn explained(&self, origins: &Origins, file: &Path) -> Vec<Setting> {
        // What serializes at all was read from TOML.
        let tree = Table::try_from(self).unwrap_or_default();
        let mut settings = Vec::new();
        let mut add = |key: String, value: &Value| {
            let origin = origins.of(&key);
            settings.push(Setting { key, value: value.to_string(), origin });
        };
        for (name, value) in &tree {
            match value {
                Value::Table(section) => {
                    for (key, value) in section {
                        add(format!("{name}.{key}"), value);
                    }
                }
                value => add(name.clone(), value),
            }
        }
        for (key, is_variable) in self.site.names() {
            let origin = if is_variable { key.clone() } else { file.display().to_string() };
            settings.push(Setting { key, value: "…".to_owned(), origin });
        }
        settings
    }
}
