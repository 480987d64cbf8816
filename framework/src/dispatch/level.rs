use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::Method;
use regex::RegexSet;

use super::captures::Captures;
use super::path::PathPattern;
use super::route::{Condition, Location, Route};
use crate::problem::{Problem, Problems};

/// The routes of one table: the site's own, or one that a prefix was delegated to.
#[derive(Debug, Clone)]
pub(super) struct Level {
    by_method: Vec<(Method, Paths)>,
    /// For a method that no path route takes: the delegated prefixes alone.
    otherwise: Paths,
    patterns: RegexSet,
    /// The routes of `patterns`, in its order.
    pattern_routes: Vec<usize>,
}

/// What stands in a table before it is made ready for matching, in the order of its file.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A route with a path, which counts from the table's prefix.
    Path { path: PathPattern, route: usize },
    /// A route with a pattern.
    Pattern { route: usize },
    /// A prefix with a table of its own.
    Delegate { prefix: PathPattern, level: usize, location: Location },
}

/// Where a path leads within a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// To this route.
    Route(usize),
    /// Into another level, with what follows the prefix.
    Down(usize, Remainder),
}

/// What follows a delegated prefix in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remainder {
    /// Nothing: the path is the prefix itself.
    Nothing,
    /// Only a slash that the prefix has not: nothing can match this.
    Slash,
    /// The path from this byte on, beginning with a slash.
    From(usize),
}

/// Paths that requests of one method are matched with.
#[derive(Debug, Clone, Default)]
struct Paths {
    /// Paths without captures. They are the most specific ones, so they are looked up first.
    literals: HashMap<String, Step>,
    router: matchit::Router<Step>,
}

impl Level {
    /// Makes `items` ready for matching and reports those that hide each other.
    pub(super) fn build(items: &[Item], routes: &[Arc<Route>], problems: &mut Problems) -> Level {
        let mut builder = Builder { items, routes, problems, reported: HashSet::new() };
        builder.check_prefixes();
        let mut methods: Vec<&Method> = Vec::new();
        for item in items {
            let Item::Path { route, .. } = item else { continue };
            for method in &routes[*route].methods {
                if !methods.contains(&method) {
                    methods.push(method);
                }
            }
        }
        let by_method = methods
            .into_iter()
            .map(|method| (method.clone(), builder.paths(Some(method))))
            .collect();
        let otherwise = builder.paths(None);
        builder.check_patterns();
        let (patterns, pattern_routes) = builder.patterns();
        Level { by_method, otherwise, patterns, pattern_routes }
    }

    /// Where the path routes lead a request for `path`, which begins at byte `offset` of the whole
    /// path. The captures on the way are appended to `captures`.
    pub(super) fn step(
        &self,
        method: &Method,
        path: &str,
        offset: usize,
        captures: &mut Captures,
    ) -> Option<Step> {
        let paths = self.by_method.iter().find(|(known, _)| known == method);
        let paths = paths.map_or(&self.otherwise, |(_, paths)| paths);
        paths.find(path, offset, captures)
    }

    /// The first pattern route that takes `method` and matches `path`.
    pub(super) fn pattern(
        &self,
        method: &Method,
        path: &str,
        routes: &[Arc<Route>],
    ) -> Option<usize> {
        self.matching_patterns(path).find(|route| routes[*route].takes(method))
    }

    /// Every method with which a route matches `path`.
    pub(super) fn allowed<'l>(&'l self, path: &str, routes: &'l [Arc<Route>]) -> Vec<&'l Method> {
        let mut allowed = Vec::new();
        for (method, paths) in &self.by_method {
            let found = paths.find(path, 0, &mut Captures::default());
            if matches!(found, Some(Step::Route(_))) {
                allowed.push(method);
            }
        }
        for route in self.matching_patterns(path) {
            allowed.extend(&routes[route].methods);
        }
        allowed
    }

    fn matching_patterns(&self, path: &str) -> impl Iterator<Item = usize> {
        let matches = (!self.patterns.is_empty()).then(|| self.patterns.matches(path));
        let matches = matches.into_iter().flat_map(|matches| matches.into_iter());
        matches.map(|index| self.pattern_routes[index])
    }
}

impl Paths {
    fn find(&self, path: &str, offset: usize, captures: &mut Captures) -> Option<Step> {
        if let Some(step) = self.literals.get(path) {
            return Some(*step);
        }
        let found = self.router.at(path).ok()?;
        let mut own = found.params.len();
        let mut step = *found.value;
        if let Step::Down(level, Remainder::From(_)) = step {
            own -= 1;
            let rest = found.params.iter().last().map_or("", |(_, rest)| rest);
            // The slash before the rest of the path belongs to it.
            step = Step::Down(level, Remainder::From(path.len() - rest.len() - 1));
        }
        for (_, value) in found.params.iter().take(own) {
            // Both point into the same text.
            let start = value.as_ptr().addr() - path.as_ptr().addr() + offset;
            captures.push(start, start + value.len());
        }
        Some(step)
    }
}

/// Makes a level, and sees to it that every route can be reached.
struct Builder<'b> {
    items: &'b [Item],
    routes: &'b [Arc<Route>],
    problems: &'b mut Problems,
    /// Pairs of items that were reported as hiding each other.
    reported: HashSet<(usize, usize)>,
}

impl Builder<'_> {
    /// Nothing may stand beside a delegated prefix that lies below it.
    fn check_prefixes(&mut self) {
        for (holder, item) in self.items.iter().enumerate() {
            let Item::Delegate { prefix, location, .. } = item else { continue };
            let shape = prefix.shape();
            let below = format!("{}/", shape.trim_end_matches('/'));
            for (index, other) in self.items.iter().enumerate() {
                let path = match other {
                    Item::Path { path, .. } => path,
                    Item::Delegate { prefix, .. } if index > holder => prefix,
                    _ => continue,
                };
                let other_shape = path.shape();
                if index != holder && (other_shape == shape || other_shape.starts_with(&below)) {
                    self.reported.insert((holder, index));
                    self.reported.insert((index, holder));
                    let message = format!(
                        "`{path}` cannot be reached: {location} delegates `{prefix}` and all that \
                         is below it to another file; write the route there"
                    );
                    self.report(index, message);
                }
            }
        }
    }

    /// The paths of the routes that take `method`, and the delegated prefixes.
    fn paths(&mut self, method: Option<&Method>) -> Paths {
        let mut paths = Paths::default();
        let mut taken: HashMap<String, usize> = HashMap::new();
        let mut inserted: Vec<(String, usize)> = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            let ways = match item {
                Item::Path { path, route } => {
                    if !method.is_some_and(|method| self.routes[*route].takes(method)) {
                        continue;
                    }
                    vec![(path.shape(), Step::Route(*route))]
                }
                Item::Delegate { prefix, level, .. } => ways_down(prefix, *level),
                Item::Pattern { .. } => continue,
            };
            for (shape, step) in ways {
                if let Some(other) = taken.get(&shape).copied() {
                    self.report_twice(other, index);
                    continue;
                }
                taken.insert(shape.clone(), index);
                if !shape.contains('{') {
                    paths.literals.insert(shape, step);
                } else if let Err(error) = paths.router.insert(&shape, step) {
                    let other = inserted.iter().find(|(other, _)| {
                        let mut router = matchit::Router::new();
                        router.insert(other, ()).is_ok() && router.insert(&shape, ()).is_err()
                    });
                    match other.map(|(_, other)| *other) {
                        Some(other) => self.report_ambiguous(other, index),
                        None => self.report(index, error.to_string()),
                    }
                } else {
                    inserted.push((shape, index));
                }
            }
        }
        paths
    }

    /// Every pattern must be reachable for each of its methods.
    fn check_patterns(&mut self) {
        let mut seen: HashMap<(&str, &Method), usize> = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            let Item::Pattern { route } = item else { continue };
            let route = &self.routes[*route];
            let Condition::Pattern { pattern, .. } = &route.condition else { continue };
            for method in &route.methods {
                if let Some(other) = seen.insert((pattern.as_str(), method), index) {
                    self.report_twice(other, index);
                }
            }
            let hides = |item: &Item| match item {
                Item::Path { path, route: other } => {
                    path.shape() == "/{*rest}"
                        && route.methods.iter().all(|method| self.routes[*other].takes(method))
                }
                _ => false,
            };
            let hider = self.items.iter().position(hides);
            if let Some(hider) = hider.filter(|_| !pattern.is_match("/")) {
                let message = format!(
                    "`{}` cannot be reached: paths are matched before patterns, and {} takes \
                     every path; make that route a `pattern` too, after this one",
                    route.path(),
                    self.name(hider),
                );
                self.report(index, message);
            }
        }
    }

    fn patterns(&mut self) -> (RegexSet, Vec<usize>) {
        let mut expressions = Vec::new();
        let mut pattern_routes = Vec::new();
        for item in self.items {
            let Item::Pattern { route } = item else { continue };
            if let Condition::Pattern { pattern, .. } = &self.routes[*route].condition {
                expressions.push(pattern.anchored());
                pattern_routes.push(*route);
            }
        }
        let set = RegexSet::new(expressions).unwrap_or_else(|error| {
            let message = format!("the patterns of one table are too much together: {error}");
            self.problems.push(Problem::new(message));
            RegexSet::empty()
        });
        (set, pattern_routes)
    }

    fn report_twice(&mut self, first: usize, second: usize) {
        if first != second && self.reported.insert((first, second)) {
            let methods = self.common_methods(first, second);
            let message = format!(
                "{} for {methods} is already taken by {}; only one of them could be reached",
                self.path(second),
                self.name(first),
            );
            self.report(second, message);
        }
    }

    fn report_ambiguous(&mut self, first: usize, second: usize) {
        if first != second && self.reported.insert((first, second)) {
            let message = format!(
                "{} and {} match the same paths and neither is the more specific one; \
                 write one of them as a `pattern`",
                self.path(second),
                self.name(first),
            );
            self.report(second, message);
        }
    }

    fn report(&mut self, index: usize, message: String) {
        let location = self.location(index);
        self.problems.push(Problem::at_line(&*location.file, location.line, message));
    }

    fn common_methods(&self, first: usize, second: usize) -> String {
        let methods = |index: usize| match &self.items[index] {
            Item::Path { route, .. } | Item::Pattern { route } => &*self.routes[*route].methods,
            Item::Delegate { .. } => &[],
        };
        let common: Vec<&str> = methods(first)
            .iter()
            .filter(|method| methods(second).contains(method))
            .map(Method::as_str)
            .collect();
        if common.is_empty() { "every method".to_owned() } else { common.join(", ") }
    }

    fn path(&self, index: usize) -> String {
        match &self.items[index] {
            Item::Path { route, .. } | Item::Pattern { route } => {
                format!("`{}`", self.routes[*route].path())
            }
            Item::Delegate { prefix, .. } => format!("`{prefix}`"),
        }
    }

    fn name(&self, index: usize) -> String {
        format!("{} ({})", self.path(index), self.location(index))
    }

    fn location(&self, index: usize) -> &Location {
        match &self.items[index] {
            Item::Path { route, .. } | Item::Pattern { route } => &self.routes[*route].location,
            Item::Delegate { location, .. } => location,
        }
    }
}

/// What a delegated prefix matches: itself, itself with one more slash, and all below it.
fn ways_down(prefix: &PathPattern, level: usize) -> Vec<(String, Step)> {
    let shape = prefix.shape();
    let stem = shape.trim_end_matches('/');
    let mut ways = vec![
        (shape.clone(), Step::Down(level, Remainder::Nothing)),
        (format!("{stem}/{{*rest}}"), Step::Down(level, Remainder::From(0))),
    ];
    if stem == shape {
        ways.push((format!("{stem}/"), Step::Down(level, Remainder::Slash)));
    }
    ways
}
