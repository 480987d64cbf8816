use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use http::Method;
use regex::RegexSet;

use crate::dispatch::level::{Level, Paths, Remainder, Step};
use crate::dispatch::path::PathPattern;
use crate::dispatch::route::{Location, PathCondition, Route};
use crate::problem::{Problem, Problems};

/// One element of a table before it is prepared for matching, in the order of its file.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A route with a path, relative to the table's prefix.
    Path { path: PathPattern, route: usize },
    /// A route with a pattern.
    Pattern { route: usize },
    /// A prefix with its own table.
    Delegate { prefix: PathPattern, level: usize, location: Location },
}

/// Prepares `items` for matching and reports those that hide each other.
pub(super) fn level(items: &[Item], routes: &[Arc<Route>], problems: &mut Problems) -> Level {
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
    let by_method =
        methods.into_iter().map(|method| (method.clone(), builder.paths(Some(method)))).collect();
    let otherwise = builder.paths(None);
    builder.check_patterns();
    let (patterns, pattern_routes) = builder.patterns();
    Level { by_method, otherwise, patterns, pattern_routes }
}

/// Builds a level and checks that every route can be reached.
struct Builder<'b> {
    items: &'b [Item],
    routes: &'b [Arc<Route>],
    problems: &'b mut Problems,
    /// Pairs of items that were already reported as hiding each other.
    reported: HashSet<(usize, usize)>,
}

impl Builder<'_> {
    /// Reports routes that are below a delegated prefix of the same table.
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

    /// Returns the paths of the routes that accept `method`, and the delegated prefixes.
    fn paths(&mut self, method: Option<&Method>) -> Paths {
        // Ordered, so that the same file always yields the same problems.
        let mut taken: BTreeMap<String, (usize, Step)> = BTreeMap::new();
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
                match taken.get(&shape) {
                    Some((other, _)) => self.report_twice(*other, index),
                    None => drop(taken.insert(shape, (index, step))),
                }
            }
        }
        Paths::new(taken.into_iter().map(|(shape, (_, step))| (shape, step)))
    }

    /// Reports patterns that cannot be reached for one of their methods.
    fn check_patterns(&mut self) {
        let mut seen: HashMap<(&str, &Method), usize> = HashMap::new();
        for (index, item) in self.items.iter().enumerate() {
            let Item::Pattern { route } = item else { continue };
            let route = &self.routes[*route];
            let PathCondition::Pattern { pattern, .. } = &route.condition else { continue };
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
            if let PathCondition::Pattern { pattern, .. } = &self.routes[*route].condition {
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

/// Returns the paths that a delegated prefix matches: itself, itself with an additional slash, and
/// all paths below.
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
