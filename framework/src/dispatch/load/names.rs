use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::entry::report;
use crate::dispatch::resolution::Resolution;
use crate::dispatch::route::{PathCondition, Route, Target};
use crate::dispatch::table::Table;
use crate::problem::Problems;

/// Returns the routes by name, and reports duplicate names.
pub(super) fn collect(routes: &[Arc<Route>], problems: &mut Problems) -> HashMap<String, usize> {
    let mut names = HashMap::new();
    for (index, route) in routes.iter().enumerate() {
        let Some(name) = &route.name else { continue };
        match names.entry(name.clone()) {
            Entry::Vacant(place) => drop(place.insert(index)),
            Entry::Occupied(other) => {
                let other: &Route = &routes[*other.get()];
                let message = format!(
                    "the name `{name}` is already taken by {}; the name of a route must be unique",
                    other.label()
                );
                report(problems, &route.location, message);
            }
        }
    }
    names
}

/// Reports aliases that form a circle or have no target, as far as this does not depend on requests. If there are other
/// problems, the target of an alias may be a route that could not be parsed, so a missing target is not reported.
pub(super) fn check_aliases(table: &Table, problems: &mut Problems) {
    let complete = problems.is_empty();
    let mut reported: Vec<*const Route> = Vec::new();
    for route in &table.routes {
        let (Target::Alias(alias), Some(method)) = (&route.target, route.methods.first()) else {
            continue;
        };
        // For an alias with captures, one example can prove a circle, but not that every request fails.
        let (start, certain) = match (alias.0.literal(), &route.condition) {
            (Some(target), _) => (target.to_owned(), complete),
            (None, PathCondition::Path(path)) => {
                (path.capture_template().expand(|_, text| text.push('x')), false)
            }
            (None, PathCondition::Pattern { .. }) => continue,
        };
        let mut visited: Vec<&Arc<Route>> = Vec::new();
        let resolution = table.follow(method, (&*start).into(), |alias| visited.push(alias));
        let message = match resolution {
            Resolution::AliasLoop { .. } => {
                let known = visited.iter().any(|alias| reported.contains(&Arc::as_ptr(alias)));
                if known || !visited.iter().any(|alias| Arc::ptr_eq(alias, route)) {
                    continue;
                }
                reported.extend(visited.iter().map(|alias| Arc::as_ptr(alias)));
                format!("the alias leads in a circle: {}", circle(route, &visited))
            }
            Resolution::NotFound { .. } if certain => {
                format!("the alias leads to `{start}`, which no route matches")
            }
            Resolution::MethodNotAllowed { allow, .. } if certain => {
                format!("the alias takes {method}, but `{start}` takes only {allow}")
            }
            _ => continue,
        };
        report(problems, &route.location, message);
    }
}

/// Returns the labels of the aliases from `first` back to `first`.
fn circle(first: &Arc<Route>, visited: &[&Arc<Route>]) -> String {
    let is_first = |alias: &&&Arc<Route>| Arc::ptr_eq(alias, first);
    let rest = visited.iter().skip_while(|alias| !is_first(alias)).skip(1);
    let rest = rest.take_while(|alias| !is_first(alias)).map(|alias| alias.label());
    let labels = std::iter::once(first.label()).chain(rest).chain([first.label()]);
    labels.collect::<Vec<&str>>().join(" → ")
}
