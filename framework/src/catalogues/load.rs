//! Reads the files of the catalogues.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fluent_bundle::FluentResource;
use fluent_bundle::concurrent::FluentBundle;
use fluent_syntax::ast::{Entry, Pattern};
use unic_langid::LanguageIdentifier;

use super::formats::Formats;
use super::functions::{self, FUNCTIONS};
use super::message::{Message, Named};
use super::{Catalogue, Catalogues};
use crate::http::Languages;
use crate::problem::{Problem, Problems, line_of, nearest};

/// The framework's built-in texts, by language. A site overrides them with the same keys.
pub(super) const BUILT_IN: [(&str, &str); 2] =
    [("en", include_str!("built_in/en.ftl")), ("de", include_str!("built_in/de.ftl"))];

/// Returns the built-in English texts, for a language without built-in texts.
#[cfg(debug_assertions)]
pub(crate) fn built_in(tag: &str) -> Option<&'static str> {
    let primary = tag.split('-').next().unwrap_or_default();
    let is_there = BUILT_IN.iter().any(|(language, _)| language.eq_ignore_ascii_case(primary));
    (!is_there).then_some(BUILT_IN[0].1)
}

/// The limit on the size of a catalogue file, in bytes.
const LONGEST: u64 = 1 << 20;

/// The limit on the number of files of all catalogues.
const MOST_FILES: usize = 4096;

/// The limit on nested braces.
const DEEPEST: usize = 16;

/// The limit on nested calls. It is higher, because the text of a message may contain unclosed parentheses.
const DEEPEST_CALLS: usize = 64;

impl Catalogues {
    /// Reads `folder`, which has a folder for each of the site's languages; it may be missing. Adds errors to
    /// `problems`.
    pub(crate) fn load(
        folder: &Path,
        languages: &Languages,
        problems: &mut Problems,
    ) -> Catalogues {
        let tags: Vec<&str> = languages.iter().collect();
        let mut catalogues =
            Catalogues { all: tags.iter().map(|tag| Catalogue::empty(tag, &tags)).collect() };
        let mut reader = Reader { left: MOST_FILES, problems };
        for path in reader.entries(folder) {
            if !path.is_dir() {
                continue;
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let name = name.unwrap_or_default();
            match catalogues.all.iter_mut().find(|known| *known.tag == *name) {
                Some(catalogue) => reader.catalogue(&path, catalogue),
                None => reader.problems.push(Problem::in_file(&path, no_language(&name, &tags))),
            }
        }
        for catalogue in &catalogues.all {
            catalogue.check(problems);
        }
        catalogues.check_first(problems);
        catalogues
    }
}

fn no_language(name: &str, tags: &[&str]) -> String {
    let known = tags.iter().find(|tag| tag.eq_ignore_ascii_case(name));
    match known.copied().or_else(|| nearest(name, tags.iter().copied())) {
        Some(near) => format!("this is not one of the site's languages; did you mean `{near}`?"),
        None => format!(
            "this is not one of the site's languages: name it in `languages` of project.toml, as \
             languages = [\"en\", \"{name}\"]"
        ),
    }
}

struct Reader<'a> {
    /// The number of files that may still be read.
    left: usize,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    /// Returns the content of a folder, sorted by name, without names that begin with a dot.
    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).and_then(|entries| {
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            paths.collect::<io::Result<Vec<_>>>()
        });
        let mut paths = match entries {
            Ok(paths) => paths,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.problems.push(unreadable(folder, &error));
                Vec::new()
            }
        };
        let is_hidden = |path: &Path| {
            path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."))
        };
        paths.retain(|path| !is_hidden(path));
        paths.sort_unstable();
        paths
    }

    fn catalogue(&mut self, folder: &Path, catalogue: &mut Catalogue) {
        for path in self.entries(folder) {
            if path.extension().is_none_or(|extension| extension != "ftl") {
                let message = "a catalogue is made of files whose names end in `.ftl`";
                self.problems.push(Problem::in_file(&path, message));
                continue;
            }
            let Some(left) = self.left.checked_sub(1) else {
                let message = format!("the catalogues have more than {MOST_FILES} files");
                return self.problems.push(Problem::in_file(folder, message));
            };
            self.left = left;
            match read(&path) {
                Ok(text) => self.file(&path, text, catalogue),
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn file(&mut self, path: &Path, text: String, catalogue: &mut Catalogue) {
        if let Some(offset) = too_deep(&text) {
            let message = format!(
                "braces may nest {DEEPEST} deep here, and calls {DEEPEST_CALLS}; make it several messages"
            );
            return self.problems.push(Problem::at_line(path, line_of(&text, offset), message));
        }
        let resource = match FluentResource::try_new(text) {
            Ok(resource) => resource,
            Err((resource, errors)) => {
                for error in errors {
                    let line = line_of(resource.source(), error.pos.start);
                    let message = format!("this is not Fluent: {}", error.kind);
                    self.problems.push(Problem::at_line(path, line, message));
                }
                return;
            }
        };
        catalogue.note(path, &resource, self.problems);
        catalogue.bundle.add_resource_overriding(resource);
    }
}

fn read(path: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    match file.take(LONGEST + 1).read_to_string(&mut text) {
        Ok(length) if length as u64 > LONGEST => {
            let message = "a file of a catalogue is at most 1 MiB long; make it several files";
            Err(Problem::in_file(path, message))
        }
        Ok(_) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Problem::in_file(path, "a catalogue must be UTF-8 text"))
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    Problem::in_file(path, format!("cannot be read: {error}"))
}

/// Returns the position at which a text exceeds the limit on nested braces, or on calls within braces.
fn too_deep(text: &str) -> Option<usize> {
    let (mut braces, mut calls) = (0_usize, 0_usize);
    text.bytes().position(|byte| {
        match byte {
            b'{' => braces += 1,
            b'}' => braces = braces.saturating_sub(1),
            b'(' => calls += 1,
            b')' => calls = calls.saturating_sub(1),
            _ => {}
        }
        // Outside of braces, parentheses are text.
        calls *= usize::from(braces > 0);
        braces > DEEPEST || calls > DEEPEST_CALLS
    })
}

/// Returns the shorter tags that remain when parts are removed from the end.
fn shorter(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(tag.rsplit_once('-'), |(rest, _)| rest.rsplit_once('-'))
        .map(|(rest, _)| rest)
}

impl Catalogue {
    /// Returns a catalogue with the built-in texts, for one of the languages with these tags.
    pub(super) fn empty(tag: &str, tags: &[&str]) -> Catalogue {
        let place = |wanted: &str| tags.iter().position(|known| known.eq_ignore_ascii_case(wanted));
        let mut fallbacks: Vec<usize> = shorter(tag).filter_map(place).collect();
        if tags.first().is_some_and(|first| *first != tag) && !fallbacks.contains(&0) {
            fallbacks.push(0);
        }
        // The tags of project.toml have been validated.
        let language: LanguageIdentifier = tag.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        bundle.set_use_isolating(false);
        let formats = Arc::new(Formats::of(tag));
        functions::add(&mut bundle, Arc::clone(&formats));
        let primary = tag.split('-').next().unwrap_or_default();
        let built_in = BUILT_IN.iter().find(|(language, _)| language.eq_ignore_ascii_case(primary));
        if let Some((_, text)) = built_in {
            let resource = FluentResource::try_new((*text).to_owned());
            bundle.add_resource_overriding(resource.unwrap_or_else(|(resource, _)| resource));
        }
        Catalogue { tag: tag.into(), bundle, formats, messages: BTreeMap::new(), fallbacks }
    }

    /// Adds the messages of a file.
    fn note(&mut self, path: &Path, resource: &FluentResource, problems: &mut Problems) {
        let source = resource.source();
        let file: Arc<Path> = path.into();
        // All names borrow from the source.
        let line =
            |name: &str| line_of(source, (name.as_ptr() as usize) - (source.as_ptr() as usize));
        let mut add = |key: String, name: &str, pattern: &Pattern<&str>| {
            let (file, line) = (Arc::clone(&file), line(name));
            if let Some(earlier) = self.messages.get(&key) {
                let (at, before) = (earlier.file.display(), earlier.line);
                let message = format!("`{key}` is defined already, at {at}:{before}");
                return problems.push(Problem::at_line(&*file, line, message));
            }
            self.messages.insert(key, Message { file, line, named: Named::of(pattern) });
        };
        for entry in resource.entries() {
            let (id, attributes) = match entry {
                Entry::Message(message) => {
                    if let Some(value) = &message.value {
                        add(message.id.name.to_owned(), message.id.name, value);
                    }
                    (message.id.name.to_owned(), &message.attributes)
                }
                Entry::Term(term) => {
                    let id = format!("-{}", term.id.name);
                    add(id.clone(), term.id.name, &term.value);
                    (id, &term.attributes)
                }
                _ => continue,
            };
            for attribute in attributes {
                let name = attribute.id.name;
                add(format!("{id}.{name}"), name, &attribute.value);
            }
        }
    }

    /// Reports references to missing messages, functions and options.
    fn check(&self, problems: &mut Problems) {
        let messages = || self.messages.keys().map(String::as_str);
        for message in self.messages.values() {
            let mut report = |what: String| {
                problems.push(Problem::at_line(&*message.file, message.line, what));
            };
            let terms = message.named.terms.iter().map(|term| format!("-{term}"));
            let named = message.named.messages.iter().cloned().chain(terms);
            for name in named.filter(|name| !self.has(name)) {
                let near = nearest(&name, messages());
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                report(format!("there is no `{name}` in this language{near}"));
            }
            for (function, options) in &message.named.functions {
                let Some((_, known)) = FUNCTIONS.iter().find(|(name, _)| name == function) else {
                    let known: BTreeSet<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
                    report(format!("there is no function `{function}`; there are {known:?}"));
                    continue;
                };
                for option in options.iter().filter(|option| !known.contains(&option.as_str())) {
                    report(format!("`{function}` takes no `{option}`; it takes {known:?}"));
                }
            }
        }
    }

    /// Returns whether a message, a term or an attribute with this name exists, including built-in ones.
    pub(super) fn has(&self, name: &str) -> bool {
        let built_in = || {
            let (id, attribute) = name.split_once('.').unwrap_or((name, ""));
            self.bundle.get_message(id).is_some_and(|message| match attribute {
                "" => message.value().is_some(),
                attribute => message.get_attribute(attribute).is_some(),
            })
        };
        self.messages.contains_key(name) || built_in()
    }
}
