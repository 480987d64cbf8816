use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Table;
use toml::de::{DeTable, DeValue};

use super::origin::Origins;
use super::{Config, Setting, SiteSettings, check, site, variables};
use crate::problem::{Problem, Problems, line_of};

/// The default file; it need not exist.
pub(crate) const DEFAULT_FILE: &str = "project.toml";

impl Config {
    /// Reads `path` (by default [`DEFAULT_FILE`], if it exists) and applies the `HEADWATER_…` variables of
    /// `environment`; of two values for one variable the later wins. Relative paths in the result start at the file's
    /// folder.
    ///
    /// # Errors
    /// Returns all problems in the file and in the variables, with line or name.
    pub(crate) fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, Problems> {
        let (config, problems) = Config::read(path, environment);
        problems.or(config)
    }

    /// Reads the configuration of the site in `folder`, without environment variables.
    ///
    /// # Errors
    /// Returns all problems in its project.toml, which need not exist.
    pub(crate) fn of_folder(folder: &Path) -> Result<Config, Problems> {
        let file = folder.join(DEFAULT_FILE);
        if file.exists() {
            return Config::load(Some(&file), std::iter::empty());
        }
        let mut config = Config::default();
        config.start_paths_at(folder);
        Ok(config)
    }

    /// Reads the configuration like [`Config::load`], but uses defaults for invalid values, so that a check can
    /// continue to report all problems of a site.
    pub(crate) fn read(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> (Config, Problems) {
        let (config, _, problems) = Config::read_layers(path, environment);
        (config, problems)
    }

    /// Reads the configuration like [`Config::read`], and also returns the problems that make a node unfit for the
    /// public but do not prevent its start.
    pub(crate) fn read_for_production(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> (Config, Problems, Problems) {
        let (config, origins, problems) = Config::read_layers(path, environment);
        let unfit = config.unfit_for_production(&origins);
        (config, problems, unfit)
    }

    /// Returns all settings and their origins.
    ///
    /// # Errors
    /// Returns all problems in the file and in the variables.
    pub(crate) fn explain(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Vec<Setting>, Problems> {
        let (config, origins, problems) = Config::read_layers(path, environment);
        problems.or(config.explained(&origins, path.unwrap_or(Path::new(DEFAULT_FILE))))
    }

    fn read_layers(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> (Config, Origins, Problems) {
        let mut problems = Problems::new();
        let file = path.unwrap_or(Path::new(DEFAULT_FILE));
        let mut site = SiteSettings::default();
        let (mut table, mut origins) = match std::fs::read_to_string(file) {
            Ok(text) => {
                let read = read_table(file, &text, &mut problems);
                site = SiteSettings::new(file.to_owned(), text);
                read
            }
            Err(error) if error.kind() == ErrorKind::NotFound && path.is_none() => {
                (Table::new(), Origins::default())
            }
            Err(error) => {
                problems.push(Problem::in_file(file, format!("cannot be read: {error}")));
                (Table::new(), Origins::default())
            }
        };
        let (of_site, environment): (Vec<_>, Vec<_>) =
            environment.partition(|(variable, _)| variable.starts_with(site::PREFIX));
        for (variable, text) in of_site {
            if variable[site::PREFIX.len()..].split("__").any(str::is_empty) {
                problems.push(Problem::new(format!(
                    "{variable}: the name of a setting of [site] is missing"
                )));
                continue;
            }
            site.variable(variable, text);
        }
        for found in variables::overrides(environment.into_iter(), &mut problems) {
            origins.variable(&found.path(), &found.variable);
            found.apply(&mut table);
        }
        let mut config = table.try_into::<Config>().unwrap_or_else(|error| {
            problems.push(Problem::in_file(file, error.message()));
            Config::default()
        });
        config.site = site;
        problems.extend(check::check(&config, &origins));
        if let Some(folder) = file.parent() {
            config.start_paths_at(folder);
        }
        (config, origins, problems)
    }

    fn start_paths_at(&mut self, folder: &Path) {
        for path in [
            &mut self.log.path,
            &mut self.templates.path,
            &mut self.locales.path,
            &mut self.docroot.path,
            &mut self.docroot.sync,
            &mut self.dispatch.path,
        ] {
            *path = folder.join(&*path);
        }
        if let Some(path) = &mut self.secret_key_file {
            *path = folder.join(&*path);
        }
    }
}

/// Returns the valid part of `text`, the content of `file`; adds the rest to `problems`.
fn read_table(file: &Path, text: &str, problems: &mut Problems) -> (Table, Origins) {
    let (mut table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.push(Problem::from_toml(file, text, error));
    }
    if !errors.is_empty() {
        // The parser's guesses after a broken line would only cause spurious problems.
        return (Table::new(), Origins::default());
    }
    let origins = Origins::file(file, text, table.get_ref());
    // The types of these settings are defined in the site's code.
    if let Some(site) = table.get_mut().remove("site")
        && site.get_ref().as_table().is_none()
    {
        let line = line_of(text, site.span().start);
        problems.push(Problem::at_line(file, line, "`site` is a section: write [site]"));
    }
    // serde stops at the first error, so each key with an error is removed until none is left.
    while let Err(error) = Config::deserialize(toml::Deserializer::from(table.clone())) {
        problems.push(Problem::from_toml(file, text, &error));
        let removed = error.span().is_some_and(|span| remove(table.get_mut(), &span));
        if !removed {
            return (Table::new(), origins);
        }
    }
    let right = Table::deserialize(toml::Deserializer::from(table)).unwrap_or_else(|error| {
        problems.push(Problem::from_toml(file, text, &error));
        Table::new()
    });
    (right, origins)
}

/// Removes the key at `span`, or the key whose value is there, from `table`. Returns whether it was found.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let covers = |range: Range<usize>| range.start <= span.start && span.end <= range.end;
    let mut found = None;
    for (key, value) in table.iter_mut() {
        // The span of a table is that of its header and does not include its keys.
        if !covers(key.span())
            && let DeValue::Table(section) = value.get_mut()
            && remove(section, span)
        {
            return true;
        }
        if covers(key.span()) || covers(value.span()) {
            found = Some(key.clone());
            break;
        }
    }
    found.is_some_and(|key| table.remove(&key).is_some())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::super::{Environment, Mode, TraceFormat};
    use std::net::IpAddr;

    use super::*;
    use crate::http::ProxyHeaders;

    /// Makes a folder with this `project.toml`.
    fn project(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("project.toml");
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let (_folder, file) = project(text);
        let variables = variables.iter().map(|(name, text)| (name.to_string(), text.to_string()));
        Config::load(Some(&file), variables).map_err(|problems| {
            let folder = format!("{}/", file.parent().unwrap().display());
            problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
        })
    }

    #[track_caller]
    fn refused(text: &str, variables: &[(&str, &str)], parts: &[&str]) {
        let problems = load(text, variables).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        for part in parts {
            assert!(problems[0].contains(part), "`{part}` is not in: {}", problems[0]);
        }
    }

    #[test]
    fn an_empty_file_gives_the_defaults_with_paths_at_its_folder() {
        let (folder, file) = project("");
        let config = Config::load(Some(&file), std::iter::empty()).unwrap();
        assert_eq!(config.log.path, folder.path().join("data"));
        let mut defaults = Config { site: config.site.clone(), ..Config::default() };
        defaults.start_paths_at(folder.path());
        assert_eq!(config, defaults);
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let config = load(
            r#"
                name = "f1"
                mode = "frontend"
                environment = "development"
                languages = ["en", "de-CH"]
                [http]
                trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
                proxy_headers = "forwarded"
                [link]
                backends = ["10.0.0.1:8100", "b2.internal:8100"]
                secret = "hush"
                lease = "500ms"
                [cache]
                bytes = 1048576
                persistent_bytes = "2 MiB"
                max_groups = 7
                [templates]
                path = "/srv/templates"
                [trace]
                format = "json"
            "#,
            &[],
        )
        .unwrap();
        assert_eq!((config.name.as_str(), config.mode), ("f1", Mode::Frontend));
        assert_eq!(config.environment, Environment::Development);
        assert_eq!(config.languages, ["en", "de-CH"]);
        assert!(config.http.trusted_proxies[1].contains(&IpAddr::from([10, 1, 2, 3])));
        assert_eq!(config.http.proxy_headers, ProxyHeaders::Forwarded);
        assert_eq!(config.link.backends, ["10.0.0.1:8100", "b2.internal:8100"]);
        assert_eq!(config.link.secret.unwrap().expose(), "hush");
        assert_eq!(config.link.lease, Duration::from_millis(500));
        assert_eq!((config.cache.bytes, config.cache.persistent_bytes), (1 << 20, 2 << 20));
        assert_eq!(config.cache.max_groups, 7);
        assert_eq!(config.templates.path, Path::new("/srv/templates"));
        assert_eq!(config.trace.format, TraceFormat::Json);
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        let problems =
            Config::load(Some(Path::new("/nowhere/project.toml")), std::iter::empty()).unwrap_err();
        assert!(problems.to_string().starts_with("/nowhere/project.toml: cannot be read: "));
    }

    #[test]
    fn all_problems_of_all_layers_are_reported_at_once_with_their_position() {
        let problems = load(
            "mode = \"fronted\"\n[link]\nlese = \"2s\"\nlease = 2\n[http]\nlisten = \"localhost\"\n\
             [chache]\n[limits]\nheaders = 0\n",
            &[("HEADWATER_CACHE__LIFETIME", "ten"), ("HEADWATER_NMAE", "x")],
        )
        .unwrap_err();
        let expected = [
            "project.toml:1: unknown variant `fronted`",
            "did you mean `frontend`?",
            "project.toml:3: unknown field `lese`",
            "did you mean `lease`?",
            "project.toml:4: invalid type: integer `2`, expected a duration as text",
            "project.toml:6: `localhost` is not an address to listen on",
            "project.toml:7: unknown field `chache`",
            "did you mean `cache`?",
            "project.toml:9: `0` is not a whole number from 1",
            "HEADWATER_CACHE__LIFETIME: `ten` is not a duration",
            "HEADWATER_NMAE: unknown variable; did you mean `HEADWATER_NAME`?",
        ];
        let all = problems.join("\n");
        for part in expected {
            assert!(all.contains(part), "`{part}` is not in:\n{all}");
        }
        assert_eq!(problems.len(), 8, "{all}");
    }

    #[test]
    fn a_file_with_malformed_toml_is_refused_with_the_line() {
        refused("name = \"f1\"\nmode = \n", &[], &["project.toml:2: "]);
        refused("http = 3\n", &[], &["project.toml:1: invalid type: integer `3`"]);
    }

    #[test]
    fn variables_override_the_file_and_later_ones_override_earlier_ones() {
        let config = load(
            "name = \"file\"\n[link]\nlease = \"2s\"\n",
            &[
                ("HEADWATER_NAME", "f1"),
                ("HEADWATER_NAME", "f2"),
                ("HEADWATER_LINK__LEASE", "500ms"),
                ("HEADWATER_LINK__BACKENDS", "a:1, b:2"),
                ("HEADWATER_LINK__EXPECT_FRONTENDS", ""),
                ("HEADWATER_LANGUAGES", "pt-BR, de"),
                ("HEADWATER_HTTP__TRUSTED_PROXIES", "::1,10.0.0.0/8"),
                ("HEADWATER_CACHE__BYTES", "1 MiB"),
                ("HEADWATER_CACHE__MAX_GROUPS", "5"),
                ("HEADWATERS", "is another program"),
            ],
        )
        .unwrap();
        assert_eq!(config.name, "f2");
        assert_eq!(config.link.lease, Duration::from_millis(500));
        assert_eq!(config.link.backends, ["a:1", "b:2"]);
        assert!(config.link.expect_frontends.is_empty());
        assert_eq!(config.languages, ["pt-BR", "de"]);
        assert_eq!(config.http.trusted_proxies[0].to_string(), "::1/128");
        assert_eq!((config.cache.bytes, config.cache.max_groups), (1 << 20, 5));
    }

    #[test]
    fn a_bad_variable_is_named() {
        refused("", &[("HEADWATER_CACHE__MAX_GROUPS", "many")], &["MAX_GROUPS: ", "whole number"]);
        refused("", &[("HEADWATER_LINK__BACKENDS", "a:1,b")], &["LINK__BACKENDS: `b` is not"]);
        refused("", &[("HEADWATER_MODE", "both")], &["HEADWATER_MODE: unknown variant `both`"]);
        refused("", &[("HEADWATER_LINK__LESE", "1s")], &["did you mean `HEADWATER_LINK__LEASE`?"]);
        refused("", &[("HEADWATER_LINK", "1s")], &["HEADWATER_LINK: unknown variable"]);
        refused(
            "",
            &[("HEADWATER_LINK__LEASE", "2h")],
            &["HEADWATER_LINK__LEASE: a lease must be"],
        );
    }

    #[test]
    fn inconsistent_values_are_refused_with_their_position() {
        refused(
            "[link]\n\nlisten = \"0.0.0.0:8100\"\n",
            &[],
            &["project.toml:3: link.listen: ", "needs a secret"],
        );
        assert!(load("[link]\nlisten = \"0.0.0.0:8100\"\nsecret = \"hush\"", &[]).is_ok());
        refused(
            "[admin]\nlisten = \"0.0.0.0:8200\"\n",
            &[],
            &["project.toml:2: admin.listen: ", "needs a secret"],
        );
        assert!(load("[admin]\nlisten = \"0.0.0.0:8200\"\nsecret = \"hush\"", &[]).is_ok());
        refused("[admin]\nhosts = [\"http://f1\"]", &[], &["project.toml:2: ", "not a host"]);
        refused(
            "[limits]\ncollected_bodies = \"1 MiB\"",
            &[],
            &["project.toml:2: limits.collected_bodies: "],
        );
        refused("mode = \"frontend\"\n[link]\nbackends = []", &[], &["toml:3: link.backends"]);
        refused(
            "link.lease = \"0\"",
            &[],
            &["project.toml:1: link.lease: a lease must be 10ms to 1m"],
        );
        refused("[link]\nsecret = \"\"", &[], &["project.toml:2: the secret is empty"]);
        refused("[link]\nexpect_frontends = [\"f1\", \"f1\"]", &[], &["toml:2: ", "twice"]);
        refused("[cache]\npersistent_bytes = 0", &[], &["toml:2: cache.persistent_bytes"]);
        refused("[limits]\nheader_bytes = \"1 KiB\"", &[], &["toml:2: ", "8 KiB to 16 MiB"]);
        refused("[limits]\nbody_timeout = \"0\"", &[], &["toml:2: limits.body_timeout"]);
        refused("[trace]\nlevel = \"a=b=c\"", &[], &["toml:2: trace.level: `a=b=c`"]);
        refused("\nlanguages = [\"en\", \"EN\"]", &[], &["toml:2: languages: `EN`", "twice"]);
        refused("\nlanguages = [\"en_US\"]", &[], &["toml:2: ", "write \"en-US\""]);
        refused(
            "[http]\ntrusted_proxies = [\"proxy\"]",
            &[],
            &["toml:2: `proxy` is not an address"],
        );
        refused("name = \"f 1\"", &[], &["project.toml:1: `f 1` is not a name"]);
    }

    #[test]
    fn every_key_is_in_the_reference() {
        let reference = include_str!("../../../docs/project-toml.md");
        let mut section = String::new();
        let mut documented = Vec::new();
        for line in reference.lines() {
            if let Some(name) = line.strip_prefix("## `[").and_then(|line| line.split(']').next()) {
                section = format!("{name}.");
            }
            if let Some(name) = line.strip_prefix("| `").and_then(|line| line.split('`').next()) {
                documented.push(format!("{section}{name}"));
            }
        }
        let mut keys: Vec<String> = variables::keys()
            .into_iter()
            .map(|key| match key.section {
                Some(section) => format!("{section}.{}", key.name),
                None => key.name,
            })
            .collect();
        keys.sort();
        documented.sort();
        assert_eq!(documented, keys);
    }
}
