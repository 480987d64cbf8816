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
    /// For methods that no path route accepts: the delegated prefixes only.
    pub(super) otherwise: Paths,
    pub(super) patterns: RegexSet,
    /// The routes of `patterns`, in the same order.
    pub(super) pattern_routes: Vec<usize>,
}

/// The result of matching a path within a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A route.
    Route(usize),
    /// A delegated level, and the part of the path after its prefix.
    Down(usize, Remainder),
}

/// The part of a path after a delegated prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remainder {
    /// Empty: the path equals the prefix.
    Nothing,
    /// Only a slash that is not part of the prefix: no route can match.
    Slash,
    /// The path from this byte on, beginning with a slash.
    From(usize),
}

/// The paths for requests with one method.
///
/// `matchit` matches the paths whose captures are whole segments. It cannot match every other path:
/// it does not backtrack from a capture with text after it, and it accepts some pairs of paths only
/// in one order. So other paths, and those that `matchit` rejects, are tried one by one. All paths
/// have one order, that of [`Shape`], and the least path that matches wins. A table without such
/// paths has none to try.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    /// Paths without captures. They are the most specific ones, so they are looked up first.
    literals: HashMap<String, Step>,
    router: matchit::Router<Way>,
    /// The paths that are not in `router`, in order.
    others: Vec<(Shape, Way)>,
}

/// The target of a path, and its position in the order of all paths.
#[derive(Debug, Clone, Copy)]
struct Way {
    place: usize,
    step: Step,
}

impl Level {
    /// Matches a request for `path`, which begins at byte `offset` of the whole path, with the path
    /// routes. The captures are appended to `captures`.
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

    /// Returns the first pattern route that accepts `method` and matches `path`.
    pub(super) fn pattern(
        &self,
        method: &Method,
        path: &str,
        routes: &[Arc<Route>],
    ) -> Option<usize> {
        self.matching_patterns(path).find(|route| routes[*route].takes(method))
    }

    /// Returns every method with which a route matches `path`, and the route.
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
    /// Prepares paths for matching. No two may have the same shape; their order does not matter.
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
                    // `value` is a slice of `path`.
                    let start = value.as_ptr().addr() - path.as_ptr().addr() + offset;
                    captures.push(start, start + value.len());
                }
                routed.value.step
            }
        };
        let Step::Down(level, Remainder::From(_)) = step else { return Some(step) };
        // The delegated level matches the rest of the path, including the slash before it.
        let rest = captures.pop().map_or(path.len(), |start| start - offset - 1);
        Some(Step::Down(level, Remainder::From(rest)))
    }
}
