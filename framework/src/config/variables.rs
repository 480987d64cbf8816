use std::ffi::OsString;

use toml::{Table, Value};

use super::{Config, Secret};
use crate::frontend::Sample;
use crate::problem::{Problem, Problems, nearest};

/// The prefix of all variables.
const PREFIX: &str = "HEADWATER_";

/// Returns the process's environment. Values that are not Unicode are included with replacement characters, so that
/// they are refused later.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// A value of the environment that overrides the file's.
#[derive(Debug)]
pub(super) struct Override {
    /// The variable, for messages.
    pub(super) variable: String,
    /// The key's section; `None` at the top level.
    pub(super) section: Option<String>,
    /// The key in its section.
    pub(super) key: String,
    /// The new value.
    pub(super) value: Value,
}

impl Override {
    /// Returns the key with its section: `link.lease`.
    pub(super) fn path(&self) -> String {
        match &self.section {
            Some(section) => format!("{section}.{}", self.key),
            None => self.key.clone(),
        }
    }

    /// Inserts the value into `table`.
    pub(super) fn apply(self, table: &mut Table) {
        let Some(section) = self.section else {
            table.insert(self.key, self.value);
            return;
        };
        let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            section.insert(self.key, self.value);
        }
    }
}

/// Returns the overrides in `environment`, in its order. Each is well-formed.
pub(super) fn overrides(
    environment: impl Iterator<Item = (String, String)>,
    problems: &mut Problems,
) -> Vec<Override> {
    let known = keys();
    let mut overrides = Vec::new();
    for (variable, text) in environment.filter(|(variable, _)| variable.starts_with(PREFIX)) {
        let Some(key) = known.iter().find(|key| key.variable() == variable) else {
            problems.push(unknown(&variable, &known));
            continue;
        };
        let found = Override {
            variable,
            section: key.section.clone(),
            key: key.name.clone(),
            value: typed(&text, &key.specimen),
        };
        match well_formed(&found) {
            Ok(()) => overrides.push(found),
            Err(message) => problems.push(Problem::new(format!("{}: {message}", found.variable))),
        }
    }
    overrides
}

/// A key of `project.toml`.
#[derive(Debug)]
pub(super) struct Key {
    /// Its section; `None` at the top level.
    pub(super) section: Option<String>,
    /// Its name in the section.
    pub(super) name: String,
    /// A value of its type.
    specimen: Value,
}

impl Key {
    /// Returns the variable that overrides it.
    pub(super) fn variable(&self) -> String {
        let name = self.name.to_uppercase();
        match &self.section {
            Some(section) => format!("{PREFIX}{}__{name}", section.to_uppercase()),
            None => format!("{PREFIX}{name}"),
        }
    }
}

/// Returns all keys, taken from the default configuration.
pub(super) fn keys() -> Vec<Key> {
    let mut config = Config::default();
    // Serialization omits values that are `None`.
    config.link.secret = Some(Secret::new("specimen"));
    config.admin.secret = Some(Secret::new("specimen"));
    config.audit.sample = Some(Sample::OFF);
    config.idempotency.cookies = Some(Vec::new());
    config.secret_key = Some(Secret::new("specimen"));
    config.secret_key_file = Some("specimen".into());
    config.language_cookie = Some("specimen".to_owned());
    let tree = Table::try_from(config).expect("the default configuration is a TOML table");
    let mut keys = Vec::new();
    for (name, value) in tree {
        match value {
            Value::Table(section) => keys.extend(section.into_iter().map(|(key, specimen)| Key {
                section: Some(name.clone()),
                name: key,
                specimen,
            })),
            specimen => keys.push(Key { section: None, name, specimen }),
        }
    }
    keys
}

/// Converts `text` to the type of `specimen`, if possible; otherwise the deserializer reports the allowed forms.
fn typed(text: &str, specimen: &Value) -> Value {
    match specimen {
        Value::Integer(_) => {
            text.trim().parse().map(Value::Integer).unwrap_or_else(|_| text.into())
        }
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(Value::from).collect())
        }
        // A size may be a bare number of bytes.
        _ => text.into(),
    }
}

fn well_formed(found: &Override) -> Result<(), String> {
    let mut table = Table::new();
    let single = Override {
        variable: String::new(),
        section: found.section.clone(),
        key: found.key.clone(),
        value: found.value.clone(),
    };
    single.apply(&mut table);
    match table.try_into::<Config>() {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::new(error.message()).message),
    }
}

fn unknown(variable: &str, known: &[Key]) -> Problem {
    let names: Vec<String> = known.iter().map(Key::variable).collect();
    let word = variable.strip_prefix(PREFIX).unwrap_or(variable);
    let near = nearest(word, names.iter().filter_map(|name| name.strip_prefix(PREFIX)));
    Problem::new(match near {
        Some(name) => format!("{variable}: unknown variable; did you mean `{PREFIX}{name}`?"),
        None => format!(
            "{variable}: unknown variable; a name with {PREFIX} must be that of a key of \
             project.toml, as in {PREFIX}LINK__LEASE"
        ),
    })
}
