use std::fmt;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::problem::Problem;

/// The prefix of the variables of `[site]`.
pub(super) const PREFIX: &str = "HEADWATER_SITE__";

/// `[site]`: the settings of the site's own code, which defines their types.
///
/// They are stored as text, so that an invalid setting is reported with its line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SiteSettings {
    file: PathBuf,
    text: String,
    variables: Vec<Variable>,
}

#[derive(Clone, PartialEq, Eq)]
struct Variable {
    name: String,
    text: String,
}

impl SiteSettings {
    /// Returns the settings in `text`, the content of `file`.
    pub(super) fn new(file: PathBuf, text: String) -> SiteSettings {
        SiteSettings { file, text, variables: Vec::new() }
    }

    /// Adds a variable, which overrides the file and earlier variables with its name.
    pub(super) fn variable(&mut self, name: String, text: String) {
        self.variables.push(Variable { name, text });
    }

    /// Returns the names of all settings, and whether they are variables.
    pub(super) fn names(&self) -> Vec<(String, bool)> {
        let (file, _) = DeTable::parse_recoverable(&self.text);
        let mut names = Vec::new();
        if let Some(site) = file.get_ref().get("site") {
            collect("site", site.get_ref(), &mut names);
        }
        let mut names: Vec<(String, bool)> = names.into_iter().map(|name| (name, false)).collect();
        names.extend(self.variables.iter().map(|variable| (variable.name.clone(), true)));
        names
    }

    /// Deserializes the settings as a `T`.
    ///
    /// # Errors
    /// Fails when they do not fit, with file and line, or the variable's name.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        // Each variable is tried as text first, then as a TOML value.
        let mut are_values = vec![false; self.variables.len()];
        loop {
            let error = match T::deserialize(self.deserializer(&are_values)) {
                Ok(settings) => return Ok(settings),
                Err(error) => error,
            };
            match self.variable_of(&error) {
                Some(index) if !are_values[index] => are_values[index] = true,
                at => return Err(self.problem(&error, at)),
            }
        }
    }

    fn deserializer(&self, are_values: &[bool]) -> toml::Deserializer<'_> {
        let (mut file, _) = DeTable::parse_recoverable(&self.text);
        let (span, mut table) = match file.get_mut().remove("site") {
            Some(site) => (site.span(), site.into_inner()),
            None => (0..0, DeValue::Table(DeTable::new())),
        };
        for (index, (Variable { name, text }, is_value)) in
            self.variables.iter().zip(are_values).enumerate()
        {
            let value = if *is_value { DeValue::parse(text).ok() } else { None };
            let value = value.map(Spanned::into_inner);
            let value = value.unwrap_or_else(|| DeValue::String(text.into()));
            // An offset after the end of the text identifies the variable in an error.
            let at = self.text.len() + 1 + index;
            let keys = name[PREFIX.len()..].to_lowercase();
            insert(&mut table, keys.split("__"), value, at);
        }
        let table = match table {
            DeValue::Table(table) => table,
            _ => DeTable::new(),
        };
        toml::Deserializer::from(Spanned::new(span, table))
    }

    /// Returns the index of the variable that an error refers to.
    fn variable_of(&self, error: &Error) -> Option<usize> {
        let index = error.span()?.start.checked_sub(self.text.len() + 1)?;
        (index < self.variables.len()).then_some(index)
    }

    fn problem(&self, error: &Error, variable: Option<usize>) -> Problem {
        let problem = Problem::from_toml(&self.file, &self.text, error);
        match variable {
            Some(index) => {
                Problem::new(format!("{}: {}", self.variables[index].name, problem.message))
            }
            None => Problem { message: format!("[site]: {}", problem.message), ..problem },
        }
    }
}

/// Adds the names of all values below `name`.
fn collect(name: &str, value: &DeValue<'_>, names: &mut Vec<String>) {
    match value {
        DeValue::Table(table) => {
            for (key, value) in table {
                collect(&format!("{name}.{}", key.get_ref()), value.get_ref(), names);
            }
        }
        _ => names.push(name.to_owned()),
    }
}

/// Inserts a value at the path `keys`.
fn insert<'v, 'k>(
    place: &mut DeValue<'v>,
    mut keys: impl Iterator<Item = &'k str>,
    value: DeValue<'v>,
    at: usize,
) {
    let Some(key) = keys.next() else {
        *place = value;
        return;
    };
    if !matches!(place, DeValue::Table(_)) {
        *place = DeValue::Table(DeTable::new());
    }
    let DeValue::Table(table) = place else { return };
    // The key gets the variable's offset, too.
    let mut inner = table.remove(key).map_or(DeValue::Table(DeTable::new()), Spanned::into_inner);
    insert(&mut inner, keys, value, at);
    let key = Spanned::new(at..at, key.to_owned().into());
    table.insert(key, Spanned::new(at..at, inner));
}

impl fmt::Debug for SiteSettings {
    /// Omits the settings, because some may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteSettings")
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::Config;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        database: String,
        mail: Mail,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Mail {
        relay: String,
        port: u16,
    }

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("project.toml");
        std::fs::write(&file, text).unwrap();
        let variables = variables.iter().map(|(name, text)| (name.to_string(), text.to_string()));
        let config = Config::load(Some(&file), variables);
        let config = config.unwrap_or_else(|problems| panic!("{problems}"));
        let folder = format!("{}/", folder.path().display());
        config.site.read().map_err(|problem| problem.to_string().replace(&folder, ""))
    }

    const WHOLE: &str =
        "name = \"f1\"\n\n[site]\ndatabase = \"db:1\"\n\n[site.mail]\nrelay = \"r\"\nport = 25\n";

    fn settings(database: &str, relay: &str, port: u16) -> Settings {
        Settings { database: database.to_owned(), mail: Mail { relay: relay.to_owned(), port } }
    }

    #[test]
    fn settings_have_the_types_of_the_sites_code() {
        assert_eq!(read(WHOLE, &[]), Ok(settings("db:1", "r", 25)));
    }

    #[test]
    fn variables_override_the_file_and_get_the_type_that_the_code_requires() {
        let variables = [
            ("HEADWATER_SITE__DATABASE", "12345"),
            ("HEADWATER_SITE__MAIL__RELAY", "first"),
            ("HEADWATER_SITE__MAIL__RELAY", "true"),
            ("HEADWATER_SITE__MAIL__PORT", "587"),
        ];
        let expected = Ok(settings("12345", "true", 587));
        assert_eq!(read(WHOLE, &variables), expected);
        assert_eq!(read("", &variables), expected);
    }

    #[test]
    fn a_setting_that_does_not_fit_is_reported_with_its_line_or_variable() {
        let error = read("[site]\ndatabase = \"d\"\nmial = 3\n", &[]).unwrap_err();
        assert!(error.starts_with("project.toml:3: [site]: unknown field `mial`"), "{error}");
        assert!(error.ends_with("did you mean `mail`?"), "{error}");
        let error = read("[site]\ndatabase = 7\n", &[]).unwrap_err();
        assert!(error.starts_with("project.toml:2: [site]: invalid type"), "{error}");
        let error = read("[site]\nmail = {}\ndatabase = \"d\"\n", &[]).unwrap_err();
        assert!(error.starts_with("project.toml:2: [site]: missing field `relay`"), "{error}");
        let error = read("\n[site]\n", &[]).unwrap_err();
        assert!(error.starts_with("project.toml:2: [site]: missing field `database`"), "{error}");
        let error = read(WHOLE, &[("HEADWATER_SITE__MAIL__PORT", "many")]).unwrap_err();
        assert!(error.starts_with("HEADWATER_SITE__MAIL__PORT: invalid type"), "{error}");
        let error = read(WHOLE, &[("HEADWATER_SITE__DATABSE", "x")]).unwrap_err();
        assert!(error.starts_with("HEADWATER_SITE__DATABSE: unknown field"), "{error}");
    }

    #[test]
    fn a_site_key_that_is_not_a_section_is_refused_with_its_position() {
        let error =
            Config::load(None, [("HEADWATER_SITE__".to_owned(), "x".to_owned())].into_iter());
        assert!(error.unwrap_err().to_string().contains("name of a setting"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("project.toml");
        std::fs::write(&file, "name = \"f1\"\nsite = 3\n").unwrap();
        let error = Config::load(Some(&file), std::iter::empty()).unwrap_err().to_string();
        assert!(error.contains("project.toml:2: `site` is a section"), "{error}");
    }
}
