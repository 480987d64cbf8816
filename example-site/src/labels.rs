//! What the interface says, in each language: `{{ label(key="newest") }}` in a template.

use std::collections::HashMap;
use std::sync::LazyLock;

use headwater::prelude::*;
use headwater::tera::{Error as TemplateError, Kwargs, TeraResult};

use crate::reader::Reader;

/// The labels by key, each in all languages.
type Labels = HashMap<String, HashMap<String, String>>;

static LABELS: LazyLock<Labels> = LazyLock::new(|| {
    toml::from_str(include_str!("../labels.toml")).expect("a test reads the file")
});

/// The label of this `key` in the language of the visitor. Further arguments replace the names in
/// braces; a `count` of 1 chooses the label with `_one` at its end.
pub fn label(arguments: Kwargs, page: &RenderedPage<'_>) -> TeraResult<String> {
    let mut key = arguments.must_get::<String>("key")?;
    if arguments.get::<u64>("count")? == Some(1) {
        key += "_one";
    }
    let language = Reader::of_variant(page.variant()).language;
    let label = LABELS.get(&key).and_then(|label| label.get(language));
    let label =
        label.ok_or_else(|| TemplateError::message(format!("there is no label `{key}`")))?;
    Ok(arguments.iter().fold(label.clone(), |label, (name, value)| {
        label.replace(&format!("{{{name}}}"), &value.to_string())
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::reader::LANGUAGES;

    /// All files below `folder`.
    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn every_label_is_there_in_every_language_with_the_same_arguments() {
        let arguments = |label: &str| {
            let opened = label.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            let mut names: Vec<_> = opened.map(str::to_owned).collect();
            names.sort();
            names
        };
        for (key, label) in &*LABELS {
            for language in LANGUAGES {
                let translated = label.get(language);
                let translated = translated.unwrap_or_else(|| panic!("{key} in {language}"));
                assert_eq!(arguments(translated), arguments(&label["en"]), "{key} in {language}");
            }
        }
    }

    #[test]
    fn every_label_that_a_template_asks_for_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates");
        for file in files(&folder) {
            let template = fs::read_to_string(&file).unwrap();
            for asked in template.split("label(key=\"").skip(1) {
                let key = asked.split('"').next().unwrap();
                assert!(LABELS.contains_key(key), "{key} in {}", file.display());
            }
        }
    }
}
