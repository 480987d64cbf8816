//! Checks of a site's routes against its templates, its docroot and its code.

use std::collections::BTreeSet;
use std::path::Path;

use http::header::ACCEPT_LANGUAGE;

use crate::cache_type::CacheType;
use crate::controller::{LANGUAGE_CONTROLLER, Registration};
use crate::dispatch::{Location, Route, Table, Target, service_controller, service_of};
use crate::extract::Need;
use crate::frontend::{LANG_CAPTURE, key_scope};
use crate::problem::{Problem, Problems, nearest};
use crate::request_values::RequestUses;
use crate::templates::Engine;

/// A site's routes, with everything that they refer to.
pub(super) struct RouteChecks<'a> {
    pub(super) table: &'a Table,
    /// `None` if a template cannot be loaded.
    pub(super) templates: Option<&'a Engine>,
    pub(super) templates_folder: &'a Path,
    pub(super) docroot: &'a Path,
    pub(super) controllers: &'a [Registration],
    pub(super) has_sessions: bool,
    pub(super) has_languages: bool,
}

impl<'a> RouteChecks<'a> {
    /// Returns every reference of a route that cannot be resolved, and every combination of settings that cannot work.
    pub(super) fn problems(&self) -> Problems {
        let mut problems = Problems::new();
        for (name, location) in self.table.templates() {
            if !self.has_template(name) {
                problems.push(at(location, self.no_template(name)));
            }
        }
        self.check_further_caches(&mut problems);
        self.check_sessions(&mut problems);
        self.check_languages(&mut problems);
        self.check_files(&mut problems);
        self.check_controllers(&mut problems);
        problems
    }

    /// Returns whether a template exists. Where the templates cannot be loaded, its file counts.
    pub(super) fn has_template(&self, name: &str) -> bool {
        match self.templates {
            Some(templates) => templates.contains(name),
            None => self.templates_folder.join(name).is_file(),
        }
    }

    /// Returns which values of the request the pages of a route use.
    pub(super) fn uses(&self, route: &Route, templates: &Engine) -> RequestUses {
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
        // Cached error pages have the key of the page.
        for status in route.cache_statuses.iter() {
            if let Some(name) = self.table.error_template(route.scope, status) {
                uses.add(templates.uses(name));
            }
        }
        if !self.has_languages {
            return uses.without(RequestUses::LANG);
        }
        if route.captures().iter().any(|name| name == LANG_CAPTURE) {
            uses.add(RequestUses::LANG_IN_PATH);
        }
        uses
    }

    /// Reports pages for each user on a site without sessions, cached pages whose templates show the visitor's session,
    /// and pages for each user whose template does not show the user.
    fn check_sessions(&self, problems: &mut Problems) {
        if !self.has_sessions {
            for route in self.table.routes().iter().filter(|route| route.is_by_user()) {
                let message = "the route has a page for each user, and the site has no sessions: add \
                               `App::new().session::<…>(\"/sign-in\")`";
                problems.push(at(&route.location, message.to_owned()));
            }
        }
        let Some(templates) = self.templates else { return };
        for route in self.table.routes() {
            if route.cache.kind == CacheType::NoCache {
                continue;
            }
            if let Target::Template(name) = &route.target
                && route.is_by_user()
                && !templates.names_session(name)
            {
                let message = format!(
                    "`session = \"user\"` caches a page for each user, but the template `{name}` does not use the user, so \
                     all of these pages are equal: remove `session`, or let a controller take `SessionUser`"
                );
                problems.push(at(&route.location, message));
            }
            for status in route.cache_statuses.iter() {
                if let Some(name) = self.table.error_template(route.scope, status)
                    && templates.names_session(name)
                {
                    let status = status.as_u16();
                    let message = format!(
                        "the template `{name}` names `session`, and `cache_statuses` caches pages with status {status} for all \
                         visitors: remove {status}, or move the visitor's own content to a part of the page, \
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

    /// Reports pages that depend on the session of one visitor and that shared caches are allowed to store.
    fn check_further_caches(&self, problems: &mut Problems) {
        for route in self.table.routes() {
            let named = self.templates_of(route);
            let shows =
                named.iter().any(|name| self.templates.is_some_and(|it| it.names_session(name)));
            let controllers = self.controllers_of(route);
            let mut needs = controllers.flat_map(|controller| controller.all_needs());
            if !shows && !needs.any(Need::is_of_session) {
                continue;
            }
            for key in route.sharing_keys() {
                let message = format!(
                    "`{key}` lets shared caches store a page that depends on one visitor's session: remove it, or write \
                     browser = \"private, max-age=60\""
                );
                problems.push(at(&route.location, message));
            }
        }
    }

    /// Returns the controllers of a route.
    fn controllers_of(&self, route: &'a Route) -> impl Iterator<Item = &'a Registration> + use<'a> {
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

    /// Returns the templates that the pages of a route are known to use.
    fn templates_of(&self, route: &'a Route) -> Vec<&'a str> {
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

    /// Reports routes with a page for each language on a site that declares no languages.
    fn check_languages(&self, problems: &mut Problems) {
        if self.has_languages {
            return;
        }
        for route in self.table.routes() {
            let mut needs = self.controllers_of(route).flat_map(Registration::all_needs);
            let message = if route.vary.contains(&ACCEPT_LANGUAGE) {
                "`vary` names accept-language, so the route has a page for each of the site's languages"
            } else if needs.any(|need| matches!(need, Need::Lang)) {
                "the controller takes the page's language"
            } else {
                continue;
            };
            let message = format!(
                "{message}, but project.toml declares no languages: write at its top languages = [\"en\", \"de\"]"
            );
            problems.push(at(&route.location, message));
        }
    }

    /// Reports files routes without a docroot.
    fn check_files(&self, problems: &mut Problems) {
        if self.docroot.is_dir() {
            return;
        }
        for route in self.table.routes() {
            if matches!(route.target, Target::Files { .. }) {
                let docroot = self.docroot.display();
                let message =
                    format!("the files should be in {docroot}, but there is no such folder");
                problems.push(at(&route.location, message));
            }
        }
    }

    /// Reports controllers that are not registered, or that need more than the route gives them.
    fn check_controllers(&self, problems: &mut Problems) {
        let mut checked = BTreeSet::new();
        for route in self.table.routes() {
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
                    if !self.has_template(template) {
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
                        "{error} (the controller `{name}` is at {})",
                        controller.location()
                    ));
                }
            }
            for capture in controller.captures() {
                if !route.captures().iter().any(|known| known == capture) {
                    report(format!(
                        "`#[invalidate]` of the controller `{name}` uses `{{{capture}}}`, which \
                         this route does not capture"
                    ));
                }
            }
        }
    }

    pub(super) fn no_template(&self, name: &str) -> String {
        format!("there is no template `{name}` in {}", self.templates_folder.display())
    }

    /// Describes a controller or service that a route names and the site does not have.
    fn unregistered(&self, name: &str) -> String {
        let known = self.controllers.iter().map(Registration::name);
        if let Some(service) = service_of(name) {
            return match nearest(service, known.filter_map(service_of)) {
                Some(near) => {
                    format!("no service is registered as `{service}`; did you mean `{near}`?")
                }
                None => format!(
                    "no service is registered as `{service}`: add `.service(\"{service}\", …)` to \
                     the `App`"
                ),
            };
        }
        if name == LANGUAGE_CONTROLLER {
            return format!(
                "`{name}` sets the cookie with the visitor's language, but project.toml names no cookie: write at its top \
                 language_cookie = \"language\""
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

pub(super) fn at(location: &Location, message: String) -> Problem {
    Problem::at_line(location.file.to_path_buf(), location.line, message)
}
