use std::collections::HashMap;
use std::sync::Arc;

use http::Method;
use regex::RegexSet;

use super::captures::Captures;
use super::route::Route;
use super::shape::Shape;

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
///
/// `matchit` holds the paths whose captures are whole segments. Among others it loses some: it does
/// not come back from a capture with text after it, and it refuses some pairs in one order and
/// takes them in the other. So these, and what it refuses, are tried one by one, and all are in
/// one order, that of [`Shape`]: the least one that matches takes the request. Where a table has
/// none of these, nothing is tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    /// Paths without captures. They are the most specific ones, so they are looked up first.
    literals: HashMap<String, Step>,
    router: matchit::Router<Way>,
    /// What is not in `router`, in order.
    others: Vec<(Shape, Way)>,
}

/// Where a path leads, and its place in the order of all paths.
#[derive(Debug, Clone, Copy)]
struct Way {
    place: usize,
    step: Step,
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

    /// Every method with which a route matches `path`, and the route.
    pub(super) fn allowed<'l>(
        &'l self,
        path: &str,
        routes: &'l [Arc<Route>],
    ) -> Vec<(&'l Method, &'l Route)> {
        let mut allowed = Vec::new();
        for (method, paths) in &self.by_method {
            let found = paths.find(path, 0, &mut Captures::default());
            if let Some(Step::Route(route)) = found {
                allowed.push((method, &*routes[route]));
            }
        }
        for route in self.matching_patterns(path) {
            let route = &*routes[route];
            allowed.extend(route.methods.iter().map(|method| (method, route)));
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
    /// Makes paths of these shapes, of which no two are the same, ready for matching. Their order
    /// does not matter.
    pub(super) fn new(shapes: impl IntoIterator<Item = (String, Step)>) -> Paths {
        let mut paths = Paths::default();
        let mut capturing = Vec::new();
        for (written, step) in shapes {
            match written.contains('{') {
                true => capturing.push((Shape::new(&written), written, step)),
                false => drop(paths.literals.insert(written, step)),
            }
        }
        capturing.sort_by(|one, other| one.0.cmp(&other.0));
        for (place, (shape, written, step)) in capturing.into_iter().enumerate() {
            let way = Way { place, step };
            if !shape.is_of_whole_segments() || paths.router.insert(written, way).is_err() {
                paths.others.push((shape, way));
            }
        }
        paths
    }

    fn find(&self, path: &str, offset: usize, captures: &mut Captures) -> Option<Step> {
        if let Some(step) = self.literals.get(path) {
            return Some(*step);
        }
        let routed = self.router.at(path).ok();
        let place = routed.as_ref().map_or(usize::MAX, |routed| routed.value.place);
        let mut before = self.others.iter().take_while(|(_, way)| way.place < place);
        let step = match before.find(|(shape, _)| shape.is_match(path)) {
            Some((shape, way)) => {
                shape.captures(path, |start, end| captures.push(offset + start, offset + end));
                way.step
            }
            None => {
                let routed = routed?;
                for (_, value) in routed.params.iter() {
                    // Both point into the same text.
                    let start = value.as_ptr().addr() - path.as_ptr().addr() + offset;
                    captures.push(start, start + value.len());
                }
                routed.value.step
            }
        };
        let Step::Down(level, Remainder::From(_)) = step else { return Some(step) };
        // The rest of the path, with the slash before it, is the matter of that level.
        let rest = captures.pop().map_or(path.len(), |start| start - offset - 1);
        Some(Step::Down(level, Remainder::From(rest)))
    }
}
