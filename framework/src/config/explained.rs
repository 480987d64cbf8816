use std::path::Path;

use toml::{Table, Value};

use super::Config;
use super::origin::Origins;

/// A setting with its value and origin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The key, as in `link.lease`.
    pub(crate) key: String,
    /// The value as in project.toml. Secrets are hidden.
    pub(crate) value: String,
    /// `default`, the file and line, or the variable.
    pub(crate) origin: String,
}

impl Config {
    /// Returns all settings. Those of the site's own code are listed without values, because some may be secret.
    pub(super) fn explained(&self, origins: &Origins, file: &Path) -> Vec<Setting> {
        // The values were read from TOML, so they can be serialized.
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
