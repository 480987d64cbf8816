//! What a site's files say, loaded and checked against each other and against its code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::ACCEPT_LANGUAGE;

use super::asset::{self, ReferencedAssets};
use super::code_texts::CodeTexts;
use super::named_groups::{Named, NamedGroups, PLACE};
use super::texts_loader::TextsLoader;
use super::watched_paths::WatchedPaths;
use super::{App, running_node};
use crate::cache_type::CacheType;
use crate::config::Config;
use crate::controller::{Invalidates, LANGUAGE_CONTROLLER, Piece, Registration};
use crate::dispatch::{Location, Route, Table, Target, service_controller, service_of};
use crate::extract::Need;
use crate::files::{Files, Overlay};
use crate::frontend::{Edition, LANG_CAPTURE, key_scope};
use crate::inline::InlineKind;
use crate::problem::{Problem, Problems, nearest};
use crate::request_values::RequestUses;
use crate::templates::{Customise, Engine, EngineOptions, SiteFunction};

/// All that is needed to load a site's files, as often as they change.
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
    /// The files of `config`, for a site with this code.
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

    /// With what stands in front of the docroot's own files.
    pub(super) fn behind(self, overlay: Arc<dyn Overlay>) -> EditionLoader {
        EditionLoader { files: self.files.behind(overlay), ..self }
    }

    /// The files of the docroot.
    pub(super) fn files(&self) -> &Files {
        &self.files
    }

    /// Loads what a front end needs. A template or controller that is named but missing stops it
    /// here rather than at a visitor's request.
    ///
    /// The docroot's files that its pages refer to are noted in `referenced`. It reads files, so it may
    /// block.
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

    /// All that is wrong in the site's files, and between them and its code.
    pub(super) fn check(&self) -> Problems {
        let (_, templates, mut problems) = self.read(None);
        if let Some((templates, code)) = templates.zip(CodeTexts::beside(&self.controllers)) {
            problems.extend(code.problems(templates.catalogues()));
        }
        problems
    }

    /// Whether templates show messages.
    pub(super) fn shows_messages(&self) -> bool {
        self.read(None).1.is_some_and(|templates| templates.shows_messages())
    }

    /// What is not an error and probably a mistake. `code` is what the rest of the site's code does to groups.
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
        // What they name is not known as long as they are not loaded.
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

    /// Where the files are. Those that routes are in are looked for, because they name each other.
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
        // Templates that cannot be loaded are at least there.
        let is_there = |name: &str| match &templates {
            Some(templates) => templates.contains(name),
            None => folder.join(name).is_file(),
        };
        for (name, location) in table.templates().filter(|(name, _)| !is_there(name)) {
            problems.push(at(location, self.no_template(name)));
        }
        self.check_further_caches(&table, templates.as_ref(), &mut problems);
        if let Some(templates) = &templates {
            self.check_sessions(&table, templates, &mut problems);
            for route in table.routes() {
                route.uses.add(self.uses(route, &table, templates));
            }
        }
        if !self.has_sessions {
            check_no_sessions(&table, &mut problems);
        }
        if self.texts.languages().is_empty() {
            self.check_no_languages(&table, &mut problems);
        }
        if !self.docroot.is_dir() {
            check_no_files(&self.docroot, &table, &mut problems);
        }
        self.check_controllers(&table, is_there, &mut problems);
        (table, templates, problems)
    }

    /// Which values of the request the pages of a route use.
    fn uses(&self, route: &Route, table: &Table, templates: &Engine) -> RequestUses {
        let mut uses = RequestUses::NONE;
        if !route.target.is_content() {
            return uses;
        }
        self.templates_of(route).into_iter().for_each(|name| uses.add(templates.uses(name)));
        for need in self.controllers_of(route).flat_map(Registration::all_needs) {
            match need {
                Need::Lang => uses.add(RequestUses::LANG),
                Need::Scheme => uses.add(RequestUses::SCHEME),
                _ => {}
            }
        }
        // Error pages that are kept have the key of the page.
        for status in route.cache_statuses.iter() {
            if let Some(name) = table.error_template(route.scope, status) {
                uses.add(templates.uses(name));
            }
        }
        if self.texts.languages().is_empty() {
            return uses.without(RequestUses::LANG);
        }
        if route.captures().iter().any(|name| name == LANG_CAPTURE) {
            uses.add(RequestUses::LANG_IN_PATH);
        }
        uses
    }

    /// Pages that are cached, and of templates that show the visitor's session; and pages of each user that do not see the user.
    fn check_sessions(&self, table: &Table, templates: &Engine, problems: &mut Problems) {
        for route in table.routes() {
            if route.cache.kind == CacheType::NoCache {
                continue;
            }
            if let Target::Template(name) = &route.target
                && route.is_by_user()
                && !templates.names_session(name)
            {
                let message = format!(
                    "`session = \"user\"` keeps a page for each user, and the template `{name}` alone does not see the user, so \
                     that all of them are the same: leave it out, or let a controller take `SessionUser`"
                );
                problems.push(at(&route.location, message));
            }
            for status in route.cache_statuses.iter() {
                if let Some(name) = table.error_template(route.scope, status)
                    && templates.names_session(name)
                {
                    let status = status.as_u16();
                    let message = format!(
                        "the template `{name}` names `session`, and `cache_statuses` keeps pages with status {status} for all \
                         visitors: leave {status} out, or what is the visitor's own to a part of the page, \
                         `{{{{ part(url=…) }}}}`, with a route that has `cache = \"no_cache\"`"
                    );
                    problems.push(at(&route.location, message));
                }
            }
            for name in
                self.templates_of(route).into_iter().filter(|name| templates.names_session(name))
            {
                problems.push(at(&route.location, route.why_no_session(name)));
            }
        }
    }

    /// Pages that are made for the session of one visitor, and that caches further out are told to keep.
    fn check_further_caches(
        &self,
        table: &Table,
        templates: Option<&Engine>,
        problems: &mut Problems,
    ) {
        for route in table.routes() {
            let named = self.templates_of(route);
            let shows = named.iter().any(|name| templates.is_some_and(|it| it.names_session(name)));
            let controllers = self.controllers_of(route);
            let mut needs = controllers.flat_map(|controller| controller.all_needs());
            if !shows && !needs.any(Need::is_of_session) {
                continue;
            }
            for key in route.sharing_keys() {
                let message = format!(
                    "`{key}` has caches further out keep a page for all visitors that is made for the session of one: leave it \
                     out, or write browser = \"private, max-age=60\""
                );
                problems.push(at(&route.location, message));
            }
        }
    }

    /// The controllers that a route leads to.
    fn controllers_of<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = &'a Registration> {
        let name = match &route.target {
            Target::Controller(name) => Some(name.as_str()),
            Target::Template(_)
            | Target::Service(_)
            | Target::Files { .. }
            | Target::Alias(_)
            | Target::Redirect { .. } => None,
        };
        self.controllers.iter().filter(move |known| name == Some(known.name()))
    }

    /// The templates that the pages of a route are known to be made of.
    fn templates_of<'a>(&'a self, route: &'a Route) -> Vec<&'a str> {
        let of_controllers = self.controllers_of(route).flat_map(Registration::templates);
        let own = match &route.target {
            Target::Template(name) => Some(name.as_str()),
            Target::Controller(_)
            | Target::Service(_)
            | Target::Files { .. }
            | Target::Alias(_)
            | Target::Redirect { .. } => None,
        };
        own.into_iter().chain(of_controllers.map(|(name, _)| *name)).collect()
    }

    /// Routes with a page for each language when the site has named no languages.
    fn check_no_languages(&self, table: &Table, problems: &mut Problems) {
        for route in table.routes() {
            let mut needs = self.controllers_of(route).flat_map(Registration::all_needs);
            let message = if route.vary.contains(&ACCEPT_LANGUAGE) {
                "`vary` names accept-language, so the route has a page for each of the site's languages"
            } else if needs.any(|need| matches!(need, Need::Lang)) {
                "the controller takes the page's language, one of the site's languages"
            } else {
                continue;
            };
            let message = format!(
                "{message}, and project.toml names none: write there, at the top, languages = [\"en\", \"de\"]"
            );
            problems.push(at(&route.location, message));
        }
    }

    /// What the routes want of controllers that the site's code does not have.
    fn check_controllers(
        &self,
        table: &Table,
        has_template: impl Fn(&str) -> bool,
        problems: &mut Problems,
    ) {
        let mut checked = BTreeSet::new();
        for route in table.routes() {
            let name = match &route.target {
                Target::Controller(name) => name.clone(),
                Target::Service(name) => service_controller(name),
                Target::Template(_)
                | Target::Files { .. }
                | Target::Alias(_)
                | Target::Redirect { .. } => continue,
            };
            let Some(controller) = self.controllers.iter().find(|known| known.name() == name)
            else {
                problems.push(at(&route.location, self.unregistered(&name)));
                continue;
            };
            if checked.insert(name.clone()) {
                for (template, at) in controller.templates() {
                    if !has_template(template) {
                        let message = self.no_template(template);
                        problems.push(Problem::in_code(at, message));
                    }
                }
            }
            let mut report = |message| problems.push(at(&route.location, message));
            if route.cache.kind != CacheType::NoCache {
                let scope = key_scope(route);
                let needs = controller.all_needs().iter();
                for error in needs.filter_map(|need| need.check_request(&scope).err()) {
                    report(format!(
                        "{error} (the controller `{name}` stands at {})",
                        controller.location()
                    ));
                }
            }
            for capture in controller.captures() {
                if !route.captures().iter().any(|known| known == capture) {
                    report(format!(
                        "`#[invalidate]` of the controller `{name}` names `{{{capture}}}`, which \
                         this route does not capture"
                    ));
                }
            }
        }
    }

    fn no_template(&self, name: &str) -> String {
        format!("there is no template `{name}` in {}", self.templates.display())
    }

    /// What to say of a controller that a route names and the site does not have.
    fn unregistered(&self, name: &str) -> String {
        let known = self.controllers.iter().map(Registration::name);
        if let Some(service) = service_of(name) {
            return match nearest(service, known.filter_map(service_of)) {
                Some(near) => {
                    format!("no service is registered as `{service}`; did you mean `{near}`?")
                }
                None => format!(
                    "no service is registered as `{service}`: write `.service(\"{service}\", …)` at \
                     the `App`"
                ),
            };
        }
        if name == LANGUAGE_CONTROLLER {
            return format!(
                "`{name}` sets the cookie with the visitor's language, and project.toml names none: write there, at the \
                 top, language_cookie = \"language\""
            );
        }
        match nearest(name, known.filter(|known| service_of(known).is_none())) {
            Some(near) => {
                format!("no controller is registered as `{name}`; did you mean `{near}`?")
            }
            None => format!(
                "no controller is registered as `{name}`: write `#[controller(\"{name}\")]` and \
                 name the function in `controllers![…]`"
            ),
        }
    }
}

/// Routes with a page for each user when the site has no sessions.
fn check_no_sessions(table: &Table, problems: &mut Problems) {
    for route in table.routes().iter().filter(|route| route.is_by_user()) {
        let message = "the route has a page for each user, and the site has no sessions: add \
                       `App::new().session::<…>(\"/sign-in\")`";
        problems.push(at(&route.location, message.to_owned()));
    }
}

/// Routes to files when there is no docroot.
fn check_no_files(docroot: &Path, table: &Table, problems: &mut Problems) {
    for route in table.routes() {
        if matches!(route.target, Target::Files { .. }) {
            let docroot = docroot.display();
            let message = format!("the files are to be in {docroot}, and there is no such folder");
            problems.push(at(&route.location, message));
        }
    }
}

fn at(location: &Location, message: String) -> Problem {
    Problem::at_line(location.file.to_path_buf(), location.line, message)
}
