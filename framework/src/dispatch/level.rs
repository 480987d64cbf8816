use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use regex::RegexSet;

use super::captures::Captures;
use super::route::Route;

/// The routes of one table: the site's own, or one that a prefix was delegated to.
#[derive(Debug, Clone)]
pub(super) struct Level {
    pub(super) by_method: Vec<(Method, Paths)>,
    /// For a method that no path route takes: the delegated prefixes alone.
    pub(super) otherwise: Paths,
    pub(super) patterns: RegexSet,
    /// The routes of `patterns`, in its order.
    pub(super) pattern_routes: Vec<usize>,
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
pub(super) struct Paths {
    /// Paths without captures. They are the most specific ones, so they are looked up first.
    literals: HashMap<String, Step>,
    router: matchit::Router<Step>,
}

impl Level {
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
    /// Adds the paths of this shape, which none has that was added before. An error tells that
    /// they overlap with others in a way that leaves open which one is meant.
    pub(super) fn insert(&mut self, shape: &str, step: Step) -> Result<(), matchit::InsertError> {
        if shape.contains('{') {
            return self.router.insert(shape, step);
        }
        self.literals.insert(shape.to_owned(), step);
        Ok(())
    }

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
