use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{Method, StatusCode};

use super::canonical::CanonicalPath;
use super::captures::Captures;
use super::level::{Level, Remainder, Step};
use super::load;
use super::own_url::UnsafeRequests;
use super::resolution::{Match, Resolution};
use super::route::{Location, PathCondition, Route, Scope, Target};
use super::shape::Shape;
use crate::problem::Problems;

/// The maximum number of alias rewrites for a request.
const MOST_REWRITES: usize = 8;

/// The content of `dispatch.conf` and the files that it names, prepared for matching.
#[derive(Debug, Clone)]
pub struct Table {
    /// In the order of the files.
    pub(super) routes: Vec<Arc<Route>>,
    /// The site's own level is the first.
    pub(super) levels: Vec<Level>,
    /// By scope, which is the level's index.
    pub(super) pages: Vec<ErrorPages>,
    pub(super) names: HashMap<String, usize>,
    pub(super) files: Vec<PathBuf>,
    pub(super) unsafe_requests: UnsafeRequests,
}

/// The `[[error]]` pages of one scope.
#[derive(Debug, Clone, Default)]
pub(super) struct ErrorPages {
    /// The enclosing scope; `None` for the site itself.
    pub(super) parent: Option<usize>,
    pub(super) pages: Vec<ErrorPage>,
}

/// One `[[error]]` of `dispatch.conf`.
#[derive(Debug, Clone)]
pub(super) struct ErrorPage {
    pub(super) status: StatusCode,
    pub(super) template: String,
    pub(super) location: Location,
}

impl Table {
    /// Loads `path` and the files that it names.
    ///
    /// # Errors
    /// Returns all problems in these files.
    pub fn load(path: &Path) -> Result<Table, Problems> {
        let (table, problems) = load::from_file(path);
        problems.or(table)
    }

    /// Loads like [`Table::load`], but returns the valid parts of the files too, so that a check can report all
    /// problems of a site.
    pub fn read(path: &Path) -> (Table, Problems) {
        load::from_file(path)
    }

    /// Loads `text` as if it were the content of `file`.
    ///
    /// # Errors
    /// Returns all problems in `text` and in the files that it names.
    #[cfg(any(test, feature = "internals"))]
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Table, Problems> {
        let (table, problems) = load::from_text(text, file.as_ref());
        problems.or(table)
    }

    /// Finds the target of a request. The most specific path route that accepts the method wins, then the first pattern
    /// route; a route that accepts GET accepts HEAD. Requests below a delegated prefix are resolved in its own table
    /// only. Neither aliases nor the length of the path can make this slow.
    pub fn resolve<'a>(&'a self, method: &Method, path: CanonicalPath<'a>) -> Resolution<'a> {
        self.follow(method, path.into_text(), |_| ())
    }

    /// Finds the target of a request for `path`, which is canonical. Calls `visit` for each alias on the way.
    pub(super) fn follow<'a>(
        &'a self,
        method: &Method,
        mut path: Cow<'a, str>,
        mut visit: impl FnMut(&'a Arc<Route>),
    ) -> Resolution<'a> {
        let mut rewrites = 0;
        loop {
            let mut captures = Captures::default();
            let route = match self.walk(method, &path, &mut captures) {
                Ok(route) => &self.routes[route],
                Err((level, inner)) => return self.refuse(method, level, inner),
            };
            let found = Match { route, path, captures };
            let alias = match &route.target {
                Target::Alias(alias) => alias,
                // No file can have this name, or it leads out of the folder.
                Target::Files { .. } if found.file().is_none() => {
                    return Resolution::NotFound { scope: route.scope };
                }
                _ => return Resolution::Route(found),
            };
            visit(route);
            rewrites += 1;
            if rewrites > MOST_REWRITES {
                return Resolution::AliasLoop { alias: route };
            }
            path = match alias.0.literal() {
                Some(literal) => Cow::Borrowed(literal),
                None => {
                    let text = alias.0.expand(|index, text| {
                        text.push_str(found.capture(index).unwrap_or_default());
                    });
                    match CanonicalPath::new(&text) {
                        Ok(path) => Cow::Owned(path.into_text().into_owned()),
                        Err(_) => return Resolution::NotFound { scope: route.scope },
                    }
                }
            };
        }
    }

    /// Descends through the levels to the route that accepts the request. Otherwise returns the level in which no route
    /// was found, and the path within it.
    pub(super) fn walk<'p>(
        &self,
        method: &Method,
        path: &'p str,
        captures: &mut Captures,
    ) -> Result<usize, (usize, Option<&'p str>)> {
        let mut level = 0;
        let mut offset = 0;
        let mut inner = path;
        loop {
            match self.levels[level].step(method, inner, offset, captures) {
                Some(Step::Route(route)) => return Ok(route),
                Some(Step::Down(below, remainder)) => {
                    level = below;
                    match remainder {
                        Remainder::Slash => return Err((level, None)),
                        Remainder::From(start) => {
                            offset += start;
                            inner = &inner[start..];
                        }
                        // The whole path begins with a slash too, so the positions of captures in a lone slash are
                        // valid.
                        Remainder::Nothing => {
                            offset = 0;
                            inner = "/";
                        }
                    }
                }
                None => {
                    let found = self.levels[level].pattern(method, inner, &self.routes);
                    let route = found.ok_or((level, Some(inner)))?;
                    if let PathCondition::Pattern { pattern, .. } = &self.routes[route].condition {
                        pattern.capture(inner, offset, captures);
                    }
                    return Ok(route);
                }
            }
        }
    }

    /// Returns the resolution if no route of `level` accepts the method for the path `inner`.
    fn refuse(&self, method: &Method, level: usize, inner: Option<&str>) -> Resolution<'_> {
        let scope = Scope::pages_of(level);
        let allowed = inner.map(|inner| self.levels[level].allowed(inner, &self.routes));
        let allowed = allowed.unwrap_or_default();
        if allowed.is_empty() {
            return Resolution::NotFound { scope };
        }
        let sends_problems = allowed.iter().all(|(_, route)| route.scope.sends_problems);
        let scope = Scope { sends_problems, ..scope };
        let mut allowed: Vec<&str> = allowed.iter().map(|(method, _)| method.as_str()).collect();
        allowed.push(Method::OPTIONS.as_str());
        allowed.sort_unstable();
        allowed.dedup();
        let allow = allowed.join(", ");
        match *method {
            Method::OPTIONS => Resolution::Options { allow },
            _ => Resolution::MethodNotAllowed { allow, scope },
        }
    }

    /// Returns the template of the error page for `status` in `scope`, or in the scopes around it. `None` if errors are
    /// problem documents.
    pub fn error_template(&self, scope: Scope, status: StatusCode) -> Option<&str> {
        let mut level = Some(scope.level).filter(|_| !scope.sends_problems);
        while let Some(pages) = level.and_then(|level| self.pages.get(level)) {
            if let Some(page) = pages.pages.iter().find(|page| page.status == status) {
                return Some(&page.template);
            }
            level = pages.parent;
        }
        None
    }

    /// Returns the routes in the order of matching: paths, the most specific first, then patterns in the order of the
    /// files.
    pub fn routes(&self) -> Vec<&Arc<Route>> {
        let mut routes: Vec<&Arc<Route>> = self.routes.iter().collect();
        routes.sort_by_cached_key(|route| match &route.condition {
            PathCondition::Path(path) => (0, Some(Shape::new(&path.shape()))),
            PathCondition::Pattern { .. } => (1, None),
        });
        routes
    }

    /// Returns the files that were read, and those that are named but could not be read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Returns the controllers that routes name, and the locations.
    #[cfg(test)]
    pub fn controllers(&self) -> impl Iterator<Item = (&str, &Location)> {
        self.routes.iter().filter_map(|route| match &route.target {
            Target::Controller(name) => Some((name.as_str(), &route.location)),
            _ => None,
        })
    }

    /// Returns the templates that routes and error pages name, and the locations.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &Location)> {
        let routes = self.routes.iter().filter_map(|route| match &route.target {
            Target::Template(name) => Some((name.as_str(), &route.location)),
            Target::Controller(_)
            | Target::Service(_)
            | Target::Files { .. }
            | Target::Alias(_)
            | Target::Redirect { .. } => None,
        });
        let pages = self.pages.iter().flat_map(|scope| &scope.pages);
        routes.chain(pages.map(|page| (page.template.as_str(), &page.location)))
    }
}
