//! Loads a site's files, and checks them against each other and against its code.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::asset::{self, ReferencedAssets};
use super::code_texts::CodeTexts;
use super::named_groups::{Named, NamedGroups, PLACE};
use super::route_checks::{RouteChecks, at};
use super::texts_loader::TextsLoader;
use super::watched_paths::WatchedPaths;
use super::{App, running_node};
use crate::cache_type::CacheType;
use crate::config::Config;
use crate::controller::{Invalidates, Piece, Registration};
use crate::dispatch::{Table, Target};
use crate::files::{Files, Overlay};
use crate::frontend::Edition;
use crate::inline::InlineKind;
use crate::problem::{Problem, Problems};
use crate::templates::{Customise, Engine, EngineOptions, SiteFunction};

/// Loads a site's files, at the start and after changes.
pub(super) struct EditionLoader {
    controllers: Vec<Registration>,
    customise: Vec<Customise>,
    functions: Vec<(String, SiteFunction)>,
    hashed: Vec<InlineKind>,
    texts: TextsLoader,
    has_sessions: bool,
    dispatch: PathBuf,
    templates: PathBuf,
    docroot: PathBuf,
    files: Files,
}

impl EditionLoader {
    /// Returns a loader for the files of `config` and a site with this code.
    pub(super) fn of(app: &App, config: &Config) -> EditionLoader {
        EditionLoader {
            controllers: app.controllers_with(config),
            customise: app.customise.clone(),
            functions: app.functions.clone(),
            hashed: [InlineKind::Script, InlineKind::Style]
                .into_iter()
                .filter(|kind| config.csp.hashes(*kind))
                .collect(),
            texts: TextsLoader::of(config),
            has_sessions: app.session.is_some(),
            dispatch: config.dispatch.path.clone(),
            templates: config.templates.path.clone(),
            docroot: config.docroot.path.clone(),
            files: Files::below(&config.docroot.path).encoded_in(running_node::codings(config)),
        }
    }

    /// Adds an overlay in front of the docroot's own files.
    pub(super) fn behind(self, overlay: Arc<dyn Overlay>) -> EditionLoader {
        EditionLoader { files: self.files.behind(overlay), ..self }
    }

    /// Returns the files of the docroot.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Loads the edition of a front end. A reference to a missing template or controller fails here rather than at a
    /// visitor's request.
    ///
    /// The docroot's files that its pages refer to are recorded in `referenced`. Reads files, so it may block.
    pub(super) fn load(
        &self,
        referenced: Option<Arc<ReferencedAssets>>,
    ) -> Result<Edition, Problems> {
        let (table, templates, problems) = self.read(referenced);
        match templates {
            Some(templates) => problems.or(Edition::new(table, templates)),
            None => Err(problems),
        }
    }

    /// Returns all problems in the site's files, and between them and its code.
    pub(super) fn check(&self) -> Problems {
        let (table, templates, mut problems) = self.read(None);
        let Some(code) = CodeTexts::beside(&self.controllers) else { return problems };
        let checks = self.checks(&table, templates.as_ref());
        // The checks of the routes report the templates of controllers, for those that a route names.
        let of_controllers: BTreeSet<&str> = self
            .controllers
            .iter()
            .flat_map(|controller| controller.templates())
            .map(|(name, _)| *name)
            .collect();
        let elsewhere = |name: &str| !of_controllers.contains(name) && !checks.has_template(name);
        for (name, at) in code.templates().filter(|(name, _)| elsewhere(name.as_str())) {
            problems.push(Problem { message: checks.no_template(name), ..at.clone() });
        }
        if let Some(templates) = &templates {
            problems.extend(code.problems(templates.catalogues()));
        }
        problems
    }

    /// Returns whether templates show messages.
    pub(super) fn shows_messages(&self) -> bool {
        self.read(None).1.is_some_and(|templates| templates.shows_messages())
    }

    /// Returns probable mistakes that are not errors. `groups` contains the effects of the rest of the site's code on
    /// groups.
    pub(super) fn notes(&self, mut groups: NamedGroups) -> Problems {
        let (table, templates, _) = self.read(None);
        for route in table.routes() {
            if !route.target.is_content() {
                continue;
            }
            let is_cached = route.cache.kind != CacheType::NoCache;
            groups.may_carry |= is_cached && matches!(route.target, Target::Controller(_));
            for (written, shape) in route.named_groups(PLACE) {
                groups.carried.push(Named {
                    at: at(&route.location, String::new()),
                    written,
                    shape,
                });
            }
        }
        // The groups of templates are unknown if these cannot be loaded.
        groups.may_carry |= templates.is_none();
        for (at, name) in templates.iter().flat_map(Engine::named_groups) {
            match name {
                Some(name) => {
                    let (at, written) = (at.clone(), name.clone());
                    groups.carried.push(Named { at, shape: written.clone(), written });
                }
                None => groups.may_carry = true,
            }
        }
        for controller in &self.controllers {
            groups.may_invalidate |= controller.may_invalidate();
            for pieces in controller.all_invalidates().iter().flat_map(Invalidates::groups) {
                let (mut written, mut shape) = (String::new(), String::new());
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => {
                            written.push_str(text);
                            shape.push_str(text);
                        }
                        Piece::Capture(name) => {
                            written += &format!("{{{name}}}");
                            shape.push(PLACE);
                        }
                    }
                }
                let at = Problem::in_code(controller.location(), "");
                groups.invalidated.push(Named { at, written, shape });
            }
        }
        let mut notes = groups.notes();
        notes
            .extend(templates.map(|templates| self.notes_on_texts(&templates)).unwrap_or_default());
        notes
    }

    fn notes_on_texts(&self, templates: &Engine) -> Problems {
        let (catalogues, code) = (templates.catalogues(), CodeTexts::beside(&self.controllers));
        let asked = templates.asked_texts().zip(code.as_ref());
        let asked =
            asked.map(|(asked, code)| asked.iter().chain(code.strings()).cloned().collect());
        let mut notes = catalogues.notes(asked.as_ref());
        notes.extend(code.map(|code| code.notes(catalogues)).unwrap_or_default());
        notes
    }

    /// Returns the paths of the site's files. The files with routes refer to each other, so they are read.
    pub(super) fn watched_paths(&self) -> WatchedPaths {
        let (table, _) = Table::read(&self.dispatch);
        let mut watched = self.texts.watched_paths();
        watched.files.extend_from_slice(table.files());
        watched.folders.push(self.templates.clone());
        WatchedPaths { docroot: self.docroot.clone(), ..watched }
    }

    fn read(
        &self,
        referenced: Option<Arc<ReferencedAssets>>,
    ) -> (Arc<Table>, Option<Engine>, Problems) {
        let (table, mut problems) = Table::read(&self.dispatch);
        let table = Arc::new(table);
        let routes = Arc::clone(&table);
        let options = EngineOptions {
            catalogues: Arc::new(self.texts.load(&mut problems)),
            customise: self.customise.clone(),
            functions: self.functions.clone(),
            has_sessions: self.has_sessions,
            hashed: self.hashed.clone(),
            url_for: Arc::new(move |name, params| {
                routes.url_for(name, params).map_err(|error| error.to_string())
            }),
            asset: asset::addresses(Arc::clone(&table), self.files.clone(), referenced),
            ..EngineOptions::default()
        };
        let folder = &self.templates;
        let templates = match folder.is_dir() {
            true => Engine::load(folder, &options),
            false => Ok(Engine::empty(&options)),
        };
        let templates = templates.map_err(|found| problems.extend(found)).ok();
        let checks = self.checks(&table, templates.as_ref());
        problems.extend(checks.problems());
        if let Some(templates) = &templates {
            for route in table.routes() {
                route.uses.add(checks.uses(route, templates));
            }
        }
        (table, templates, problems)
    }

    fn checks<'a>(&'a self, table: &'a Table, templates: Option<&'a Engine>) -> RouteChecks<'a> {
        RouteChecks {
            table,
            templates,
            templates_folder: &self.templates,
            docroot: &self.docroot,
            controllers: &self.controllers,
            has_sessions: self.has_sessions,
            has_languages: !self.texts.languages().is_empty(),
        }
    }
}
