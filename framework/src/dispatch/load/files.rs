use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::StatusCode;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::entry::{Entry, Located, Source, report};
use super::reach::{self, Item};
use super::{names, route};
use crate::dispatch::own_url::UnsafeRequests;
use crate::dispatch::path::PathPattern;
use crate::dispatch::route::{Location, Route, Scope};
use crate::dispatch::table::{ErrorPage, ErrorPages, Table};
use crate::problem::{Problem, Problems, nearest};

/// State of loading: everything that was read so far.
#[derive(Default)]
pub(super) struct Loader {
    problems: Problems,
    routes: Vec<Arc<Route>>,
    levels: Vec<LevelDraft>,
    /// The files that are being read, each included by the one before it.
    open: Vec<PathBuf>,
    /// All files that were opened, successfully or not.
    files: BTreeSet<PathBuf>,
}

/// A level that is being read.
#[derive(Default)]
struct LevelDraft {
    prefix: PathPattern,
    items: Vec<Item>,
    errors: ErrorPages,
}

impl Loader {
    /// Reads the site's own file.
    pub(super) fn read(&mut self, file: &Path) {
        self.files.insert(file.to_owned());
        match std::fs::read_to_string(file) {
            Ok(text) => self.take(&text, file),
            Err(error) => {
                self.problems.push(Problem::in_file(file, format!("cannot be read: {error}")));
            }
        }
    }

    /// Reads `text` as the content of the site's own file.
    pub(super) fn take(&mut self, text: &str, file: &Path) {
        self.levels.push(LevelDraft::default());
        self.open.push(file.canonicalize().unwrap_or_else(|_| file.to_owned()));
        self.file(text, file, 0);
    }

    /// Returns the table, and the problems.
    pub(super) fn finish(mut self) -> (Table, Problems) {
        let mut levels = Vec::with_capacity(self.levels.len());
        let mut pages = Vec::with_capacity(self.levels.len());
        for draft in self.levels {
            levels.push(reach::level(&draft.items, &self.routes, &mut self.problems));
            pages.push(draft.errors);
        }
        let names = names::collect(&self.routes, &mut self.problems);
        let files = self.files.into_iter().collect();
        let unsafe_requests = UnsafeRequests::of(&self.routes);
        let table = Table { routes: self.routes, levels, pages, names, files, unsafe_requests };
        names::check_aliases(&table, &mut self.problems);
        (table, self.problems)
    }

    fn file(&mut self, text: &str, file: &Path, level: usize) {
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in &errors {
                self.problems.push(Problem::from_toml(file, text, error));
            }
            return;
        }
        let source = Source::new(file, text);
        let mut entries: Vec<(usize, bool, &Spanned<DeValue<'_>>)> = Vec::new();
        for (key, value) in document.get_ref() {
            let word: &str = key.get_ref();
            let at = source.locate(key.span());
            if !matches!(word, "route" | "error") {
                let advice = match nearest(word, ["route", "error"]) {
                    Some(near) => format!("did you mean `[[{near}]]`?"),
                    None => "a dispatch file is made of [[route]] and [[error]]".to_owned(),
                };
                report(&mut self.problems, &at, format!("unknown key `{word}`; {advice}"));
                continue;
            }
            let Some(list) = value.get_ref().as_array() else {
                let message = format!("write `[[{word}]]`, with two brackets, for each {word}");
                report(&mut self.problems, &at, message);
                continue;
            };
            entries.extend(list.iter().map(|entry| (entry.span().start, word == "route", entry)));
        }
        entries.sort_by_key(|(start, ..)| *start);
        for (_, is_route, entry) in entries {
            let Some(table) = entry.get_ref().as_table() else {
                let at = source.locate(entry.span());
                report(&mut self.problems, &at, "a table with keys is needed here");
                continue;
            };
            let at = source.locate(entry.span());
            if is_route {
                self.route(&source, table, at, level);
            } else {
                self.error_page(&source, table, at, level);
            }
        }
    }

    fn route(&mut self, source: &Source, table: &DeTable<'_>, at: Location, level: usize) {
        let entry = Entry::new(source, table, at, &route::keys(), &mut self.problems);
        let prefix = self.levels[level].prefix.clone();
        let Some(read) = route::read(&entry, &prefix, Scope::pages_of(level), &mut self.problems)
        else {
            return;
        };
        match read {
            route::Read::Path { path, route } => {
                let item = Item::Path { path, route: self.routes.len() };
                self.routes.push(Arc::new(route));
                self.levels[level].items.push(item);
            }
            route::Read::Pattern { route } => {
                let item = Item::Pattern { route: self.routes.len() };
                self.routes.push(Arc::new(route));
                self.levels[level].items.push(item);
            }
            route::Read::Include { file } => self.follow(source.file(), &file, level),
            route::Read::Delegate { prefix, below, file } => {
                let inner = self.levels.len();
                let errors = ErrorPages { parent: Some(level), pages: Vec::new() };
                self.levels.push(LevelDraft { prefix: below, items: Vec::new(), errors });
                let item = Item::Delegate { prefix, level: inner, location: entry.at.clone() };
                self.levels[level].items.push(item);
                self.follow(source.file(), &file, inner);
            }
        }
    }

    /// Reads the file that `named` names in the file `by`.
    fn follow(&mut self, by: &Path, named: &Located<&str>, level: usize) {
        let file = by.parent().unwrap_or(Path::new("")).join(named.value);
        self.files.insert(file.clone());
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", file.display());
                return report(&mut self.problems, &named.at, message);
            }
        };
        let identity = file.canonicalize().unwrap_or_else(|_| file.clone());
        if self.open.contains(&identity) {
            let message = format!(
                "`{}` names this file, directly or through others, so it cannot be read here",
                file.display()
            );
            return report(&mut self.problems, &named.at, message);
        }
        self.open.push(identity);
        self.file(&text, &file, level);
        self.open.pop();
    }

    fn error_page(&mut self, source: &Source, table: &DeTable<'_>, at: Location, level: usize) {
        let problems = &mut self.problems;
        let entry = Entry::new(source, table, at, &["status", "template"], problems);
        for key in ["status", "template"] {
            if entry.locate(key).is_none() {
                report(problems, &entry.at, format!("an [[error]] needs `{key}`"));
            }
        }
        let is_error = |status| (400..600).contains(&status);
        let status = entry.status("status", is_error, "a number from 400 to 599", problems);
        let template = entry.text("template", problems);
        let (Some(status), Some(template)) = (status, template) else { return };
        let pages = &mut self.levels[level].errors.pages;
        if let Some(other) = same_status(pages, status.value) {
            let message = format!(
                "there is already an error page for {} at {}",
                status.value.as_u16(),
                other.location
            );
            return report(problems, &entry.at, message);
        }
        pages.push(ErrorPage {
            status: status.value,
            template: template.value.to_owned(),
            location: entry.at.clone(),
        });
    }
}

fn same_status(pages: &[ErrorPage], status: StatusCode) -> Option<&ErrorPage> {
    pages.iter().find(|page| page.status == status)
}
