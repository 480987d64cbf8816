//! What the catalogues lack among each other, and what templates ask of them.

use std::collections::BTreeSet;

use super::{Catalogue, Catalogues, ENGLISH};
use crate::problem::{Problem, Problems, nearest};

impl Catalogues {
    /// What is wrong with a key that is asked for with these arguments, if anything is: no catalogue of the site has it, or
    /// the text in the site's first language needs more of them.
    pub(crate) fn wrong(&self, key: &str, given: &BTreeSet<&str>) -> Option<String> {
        let has = |catalogue: &&Catalogue| catalogue.has(key);
        let Some(catalogue) = self.all.iter().chain([&*ENGLISH]).find(has) else {
            if self.all.is_empty() {
                return Some(
                    "`t` takes texts from the catalogues of the site's languages, and project.toml names none: write \
                     there, at the top, languages = [\"en\"]"
                        .to_owned(),
                );
            }
            let keys = self.all.iter().flat_map(|catalogue| catalogue.messages.keys());
            let near = nearest(key, keys.map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Some(format!("no catalogue has the text `{key}`{near}"));
        };
        let needed = catalogue.arguments(key);
        let lacking: Vec<&String> =
            needed.iter().filter(|name| !given.contains(name.as_str())).collect();
        let first = lacking.first()?;
        Some(format!(
            "the text `{key}` shows `${first}`, which this does not give: write {first}=…"
        ))
    }

    /// What is not wrong, and hardly meant: texts that a language lacks, or has with other arguments than the first
    /// language, and texts that are in no template. `asked` are the keys in templates, if all are known.
    pub(crate) fn notes(&self, asked: Option<&BTreeSet<String>>) -> Problems {
        let mut notes = Problems::new();
        let Some((first, others)) = self.all.split_first() else { return notes };
        let own = |catalogue: &'_ Catalogue| -> BTreeSet<String> {
            let keys = catalogue.messages.keys().filter(|key| !key.starts_with('-'));
            keys.cloned().collect()
        };
        let keys = own(first);
        for catalogue in others {
            for key in own(catalogue).intersection(&keys) {
                let (here, there) = (catalogue.arguments(key), first.arguments(key));
                if here != there {
                    let message = format!(
                        "`{key}` shows {} in `{}`, and {} in `{}`",
                        listed(&here),
                        catalogue.tag,
                        listed(&there),
                        first.tag
                    );
                    notes.push(catalogue.at(key, message));
                }
            }
            let beyond = catalogue.fallbacks.iter().filter(|place| **place != 0);
            let stands_in: BTreeSet<String> =
                beyond.filter_map(|place| self.all.get(*place)).flat_map(own).collect();
            for key in keys.iter().filter(|key| !catalogue.has(key) && !stands_in.contains(*key)) {
                let message = format!("`{key}` is not in `{}`", catalogue.tag);
                notes.push(first.at(key, message));
            }
        }
        for key in asked.into_iter().flat_map(|asked| self.unused(asked)) {
            let catalogue = self.all.iter().find(|catalogue| catalogue.messages.contains_key(&key));
            if let Some(catalogue) = catalogue {
                notes.push(catalogue.at(&key, format!("no template asks for `{key}`")));
            }
        }
        notes
    }

    /// Keys that neither templates ask for nor other messages name.
    fn unused(&self, asked: &BTreeSet<String>) -> BTreeSet<String> {
        let mut used = asked.clone();
        let mut new: Vec<String> = asked.iter().cloned().collect();
        while let Some(key) = new.pop() {
            for message in self.all.iter().filter_map(|catalogue| catalogue.messages.get(&key)) {
                let terms = message.named.terms.iter().map(|term| format!("-{term}"));
                for name in message.named.messages.iter().cloned().chain(terms) {
                    if used.insert(name.clone()) {
                        new.push(name);
                    }
                }
            }
        }
        let all = self.all.iter().flat_map(|catalogue| catalogue.messages.keys());
        // A term's attributes choose among its forms.
        let counts = |key: &&String| !key.starts_with('-') || !key.contains('.');
        // What is built in is asked for by the framework.
        let is_own = |key: &&String| !used.contains(*key) && !ENGLISH.has(key);
        all.filter(counts).filter(is_own).cloned().collect()
    }
}

impl Catalogue {
    /// The arguments of a text, with those of the messages that it names.
    fn arguments(&self, key: &str) -> BTreeSet<String> {
        let mut arguments = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![key];
        while let Some(key) = waiting.pop() {
            let Some(message) = self.messages.get(key) else { continue };
            if seen.insert(key) {
                arguments.extend(message.named.arguments.iter().cloned());
                waiting.extend(message.named.messages.iter().map(String::as_str));
            }
        }
        arguments
    }

    fn at(&self, key: &str, what: String) -> Problem {
        match self.messages.get(key) {
            Some(message) => Problem::at_line(&*message.file, message.line, what),
            None => Problem::new(what),
        }
    }
}

fn listed(names: &BTreeSet<String>) -> String {
    match names.is_empty() {
        true => "no argument".to_owned(),
        false => names.iter().map(|name| format!("`${name}`")).collect::<Vec<_>>().join(", "),
    }
}
