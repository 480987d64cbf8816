use std::cmp::Ordering;

use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;

use super::*;

/// Builds a table of these paths. The name of a template contains the path's position in `paths`.
fn table_of(paths: &[(usize, String)]) -> Table {
    let route = |(place, path): &(usize, String)| {
        format!("[[route]]\npath = '{path}'\ntemplate = 't{place}'\n")
    };
    table(&paths.iter().map(route).collect::<String>())
}

/// Returns the template of the route that matches `path`, and its captures.
fn taken(table: &Table, path: &str) -> Option<(String, Vec<String>)> {
    match table.resolve(&Method::GET, CanonicalPath::new(path).unwrap()) {
        Resolution::Route(found) => {
            let captures = found.params().map(|(_, value)| value.into_owned()).collect();
            Some((found.route.target.to_string(), captures))
        }
        Resolution::NotFound { .. } => None,
        other => panic!("{other:?}"),
    }
}

/// Returns a regular expression that is equivalent to a path.
fn regex_of(written: &str) -> Regex {
    let capture = Regex::new(r"\\\{(\\\*)?[a-z0-9]+\\\}").unwrap();
    let literal = regex::escape(written);
    let expression =
        capture.replace_all(
            &literal,
            |found: &regex::Captures<'_>| {
                if found.get(1).is_some() { "(.+)" } else { "([^/]+)" }
            },
        );
    Regex::new(&format!("^{expression}$")).unwrap()
}

/// The order from the guide, for two paths that match the same request.
fn more_specific(one: &str, other: &str) -> Ordering {
    for (one, other) in one.split('/').zip(other.split('/')) {
        let kind = |segment: &str| match segment.split_once('{') {
            None => (0, 0, 0),
            Some(("", rest)) if rest.starts_with('*') => (3, 0, 0),
            Some(("", rest)) if rest.ends_with('}') => (2, 0, 0),
            Some((before, rest)) => {
                let after = rest.split_once('}').unwrap().1;
                (1, -(before.len() as isize), -(after.len() as isize))
            }
        };
        let order = kind(one).cmp(&kind(other));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// A model that applies the order to one path after the other.
struct Model<'p>(Vec<(&'p (usize, String), Regex)>);

impl Model<'_> {
    fn new(paths: &[(usize, String)]) -> Model<'_> {
        Model(paths.iter().map(|path| (path, regex_of(&path.1))).collect())
    }

    fn taken(&self, path: &str) -> Option<(String, Vec<String>)> {
        let matching = self.0.iter().filter(|(_, regex)| regex.is_match(path));
        let ((place, _), regex) =
            matching.min_by(|(one, _), (other, _)| more_specific(&one.1, &other.1))?;
        let found = regex.captures(path)?;
        let captures = found.iter().skip(1).flatten().map(|found| found.as_str().to_owned());
        Some((format!("template t{place}"), captures.collect()))
    }
}

/// Segments of paths; `#` is replaced by the index of the segment.
const SEGMENTS: [&str; 12] = [
    "a",
    "ab",
    "b",
    "user",
    "{p#}",
    "{p#}",
    "a{p#}",
    "ab{p#}",
    "{p#}b",
    "{p#}.md",
    "a{p#}b",
    "user-{p#}",
];

fn written_path() -> impl Strategy<Value = String> {
    let end = select(vec!["", "", "", "", "/", "/{*rest}"]);
    (prop::collection::vec(select(SEGMENTS.as_slice()), 0..4), end).prop_map(|(segments, end)| {
        let numbered = segments.iter().enumerate();
        let path: String = numbered
            .map(|(number, segment)| format!("/{}", segment.replace('#', &number.to_string())))
            .collect();
        let path = path + end;
        if path.is_empty() { "/".to_owned() } else { path }
    })
}

fn requested_path() -> impl Strategy<Value = String> {
    let segment =
        select(vec!["a", "ab", "b", "abb", "user", "user-7", "x.md", "a.md", "b.md", "x"]);
    (prop::collection::vec(segment, 1..5), any::<bool>()).prop_map(|(segments, slash)| {
        format!("/{}{}", segments.join("/"), if slash { "/" } else { "" })
    })
}

/// Removes all but the first path of each shape, because two paths with one shape are rejected at
/// load.
fn distinct(paths: Vec<String>) -> Vec<(usize, String)> {
    let mut distinct: Vec<(usize, String)> = Vec::new();
    let shape = |path: &str| regex_of(path).to_string();
    for path in paths {
        if distinct.iter().all(|(_, other)| shape(other) != shape(&path)) {
            distinct.push((distinct.len(), path));
        }
    }
    distinct
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_the_order_of_the_file_the_most_specific_route_is_found(
        (paths, shuffled) in prop::collection::vec(written_path(), 1..9)
            .prop_map(distinct)
            .prop_flat_map(|paths| (Just(paths.clone()), Just(paths).prop_shuffle())),
        requests in prop::collection::vec(requested_path(), 60),
    ) {
        let (table, other, model) = (table_of(&paths), table_of(&shuffled), Model::new(&paths));
        for request in requests {
            let expected = model.taken(&request);
            prop_assert_eq!(taken(&table, &request), expected.clone(), "{} of {:?}", request, paths);
            prop_assert_eq!(taken(&other, &request), expected, "{} of {:?}", request, shuffled);
        }
    }
}

#[test]
fn a_capture_with_text_after_it_does_not_end_the_search() {
    let paths = [(0, "/{user}/{page}".to_owned()), (1, "/{doc}.md/edit".to_owned())];
    let table = table_of(&paths);
    for (path, expected) in [
        ("/readme.md/history", "template t0"),
        ("/readme.md/edit", "template t1"),
        ("/readme/edit", "template t0"),
    ] {
        assert_eq!(taken(&table, path).unwrap().0, expected, "{path}");
    }
}
