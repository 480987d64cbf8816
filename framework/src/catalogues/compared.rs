//! Compares the catalogues with each other, and with the texts that templates and code use.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalogue, Catalogues, ENGLISH};
use crate::problem::{Problem, Problems, nearest};

/// The limit on missing texts of one file that are noted separately.
const NOTED_EACH: usize = 5;

impl Catalogues {
    /// Returns the error for a use of this key with these arguments, if there is one: the site's first language lacks
    /// the key, or its text needs further arguments.
    pub(crate) fn wrong(&self, key: &str, given: &BTreeSet<&str>) -> Option<String> {
        let Some(catalogue) = self.last_resort_for(key) else {
            if self.all.is_empty() {
                return Some(
                    "`t` takes texts from the catalogues of the site's languages, but project.toml declares none: write \
                     at its top languages = [\"en\"]"
                        .to_owned(),
                );
            }
            return Some(self.no_text(key));
        };
        let needed = catalogue.arguments(key);
        let lacking: Vec<&String> =
            needed.iter().filter(|name| !given.contains(name.as_str())).collect();
        let first = lacking.first()?;
        Some(format!("the text `{key}` shows `${first}`, which is missing here: write {first}=…"))
    }

    /// Returns the note for a key that no text of the site has, in a site with languages.
    pub(crate) fn lacking(&self, key: &str) -> Option<String> {
        let lacks = !self.all.is_empty() && self.last_resort_for(key).is_none();
        lacks.then(|| self.no_text(key))
    }

    /// Returns the last fallback for a text: the first language, its shorter tags, and the built-in English texts.
    fn last_resort_for(&self, key: &str) -> Option<&Catalogue> {
        let first = self.all.first();
        let shorter = first.map_or(&[][..], |first| &first.fallbacks).iter();
        let mut all =
            first.into_iter().chain(shorter.map(|place| &self.all[*place])).chain([&*ENGLISH]);
        all.find(|catalogue| catalogue.has(key))
    }

    fn no_text(&self, key: &str) -> String {
        let others = self.all.iter().find(|catalogue| catalogue.has(key));
        if let Some((other, first)) = others.zip(self.all.first()) {
            return format!(
                "`{key}` is in `{}`, and not in `{}`, the site's first language, which is the fallback for the others",
                other.tag, first.tag
            );
        }
        let keys = self.all.iter().flat_map(|catalogue| catalogue.messages.keys());
        let near = nearest(key, keys.map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("no catalogue has the text `{key}`{near}")
    }

    /// Reports texts that other languages have and the first, the fallback for all, lacks. Texts that only other
    /// texts of their language refer to may be missing.
    pub(super) fn check_first(&self, problems: &mut Problems) {
        let Some((first, others)) = self.all.split_first() else { return };
        for catalogue in others {
            let named: BTreeSet<&String> =
                catalogue.messages.values().flat_map(|message| &message.named.messages).collect();
            for key in catalogue.messages.keys().filter(|key| !key.starts_with('-')) {
                if self.last_resort_for(key).is_none() && !named.contains(key) {
                    let message = format!(
                        "`{key}` is not in `{}`, the site's first language, which is the fallback for the others",
                        first.tag
                    );
                    problems.push(catalogue.at(key, message));
                }
            }
        }
    }

    /// Returns probable mistakes that are not errors: texts that a language lacks, or has with other arguments than
    /// the first language, and unused texts. `asked` are the keys in templates and code, if all are known.
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
            let mut lacking: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for key in keys.iter().filter(|key| !catalogue.has(key) && !stands_in.contains(*key)) {
                let Some(message) = first.messages.get(key) else { continue };
                lacking.entry(&message.file).or_default().push((message.line, key));
            }
            for mut texts in lacking.into_values() {
                texts.sort_unstable();
                let shown = if texts.len() > NOTED_EACH { 1 } else { texts.len() };
                let (tag, more) = (&catalogue.tag, texts.len() - shown);
                for (_, key) in &texts[..shown] {
                    let message = match more {
                        0 => format!("`{key}` is not in `{tag}`"),
                        _ => format!("`{key}` and {more} more of this file are not in `{tag}`"),
                    };
                    notes.push(first.at(key, message));
                }
            }
        }
        for key in asked.into_iter().flat_map(|asked| self.unused(asked)) {
            let catalogue = self.all.iter().find(|catalogue| catalogue.messages.contains_key(&key));
            if let Some(catalogue) = catalogue {
                notes.push(
                    catalogue.at(&key, format!("neither a template nor the code asks for `{key}`")),
                );
            }
        }
        notes
    }

    /// Returns the keys that neither templates and code nor other messages use.
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
        // Attributes of a term select among its forms.
        let counts = |key: &&String| !key.starts_with('-') || !key.contains('.');
        // The framework uses the built-in texts.
        let is_own = |key: &&String| !used.contains(*key) && !ENGLISH.has(key);
        all.filter(counts).filter(is_own).cloned().collect()
    }
}

impl Catalogue {
    /// Returns the arguments of a text, including those of the messages that it refers to.
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
