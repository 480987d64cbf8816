//! Checks groups that a site names by hand: each should be both carried by pages and invalidated.
//!
//! Routes, fragments and `#[invalidate]` name groups by constant text, with a placeholder for each capture. Two such
//! names *meet* if one group may match both. A name that meets none of the other side is reported, but only if no
//! code of the site could be the other side: code may compute names of groups, which are unknown here.
//!
//! - Code that may invalidate: `apply` of a state with a [`Plain`](crate::state::Plain) value, and a controller with
//!   a [`Cluster`](crate::extract::Cluster) or a whole request, including its steps and wrappers. `apply` of a state
//!   of tables and values may name groups as well. But everything that pages read of such a state has groups of its
//!   own, so a name that only such an `apply` could invalidate is still reported, and the message mentions this.
//! - Code that may carry: a controller whose replies may be cached, a variant function, a fragment whose `groups` are
//!   an expression.
//!
//! Groups of tables and values have both sides. They are recognised by their whole shape: `recipes/soup` is a group
//! of a table `recipes`, `recipes:soup` is not, and is probably a mistake for it if nothing invalidates it.
//!
//! Two names that meet nothing and differ by a letter or two are always reported as a probable spelling mistake.

use crate::problem::{Problem, Problems};
use crate::state::FieldKind;

/// The placeholder for a capture.
pub(super) const PLACE: char = '\0';

/// The name of a group in constant text.
pub(super) struct Named {
    /// Its position.
    pub(super) at: Problem,
    /// The name as written.
    pub(super) written: String,
    /// The name with a [`PLACE`] for each capture.
    pub(super) shape: String,
}

/// The groups of a site.
#[derive(Default)]
pub(super) struct NamedGroups {
    /// Named by routes and fragments.
    pub(super) carried: Vec<Named>,
    /// Named by `#[invalidate]`.
    pub(super) invalidated: Vec<Named>,
    /// The fields of all states.
    pub(super) fields: Vec<(&'static str, FieldKind)>,
    /// Whether code may carry groups that it computes.
    pub(super) may_carry: bool,
    /// Whether code may invalidate groups that it computes.
    pub(super) may_invalidate: bool,
}

impl NamedGroups {
    /// Returns probable mistakes, with their positions.
    pub(super) fn notes(self) -> Problems {
        let NamedGroups { carried, invalidated, fields, may_carry, may_invalidate } = self;
        let automatic = automatic(&fields);
        let is_automatic = |one: &Named| automatic.iter().any(|other| meet(&one.shape, other));
        let lonely = |ones: Vec<Named>, others: &[&str]| -> Vec<Named> {
            let meets = |one: &Named| others.iter().any(|other| meet(&one.shape, other));
            ones.into_iter().filter(|one| !meets(one) && !is_automatic(one)).collect()
        };
        let shapes_of =
            |ones: &[Named]| ones.iter().map(|one| one.shape.clone()).collect::<Vec<_>>();
        let (carried_shapes, invalidated_shapes) = (shapes_of(&carried), shapes_of(&invalidated));
        let carried = lonely(carried, &texts(&invalidated_shapes));
        let mut invalidated = lonely(invalidated, &texts(&carried_shapes));
        let mut notes = Problems::new();
        let mut note = |at: Problem, message: String| notes.push(Problem { message, ..at });
        for Named { at, written, shape } in carried {
            let near = invalidated.iter().position(|other| is_near(&shape, &other.shape));
            if let Some(near) = near {
                let Named { at: place, written: other, .. } = &invalidated[near];
                let message = format!(
                    "nothing invalidates the group `{written}`, and `{other}`, which `#[invalidate]` names at \
                     {}, is carried by nothing: did you mean the same?",
                    place.to_string().trim_end_matches(": ")
                );
                note(at, message);
                invalidated.remove(near);
            } else if !may_invalidate {
                let value_of = |(field, kind): &(&'static str, FieldKind)| {
                    let value = written.strip_prefix(field)?.strip_prefix(':')?;
                    (*kind == FieldKind::Table).then_some((*field, value))
                };
                let write = format!(
                    "write `#[invalidate(groups = [\"{written}\"])]` above the controllers that change its content, or \
                     leave it out"
                );
                let message = match fields.iter().find_map(value_of) {
                    Some((table, value)) => format!(
                        "nothing is known to invalidate the group `{written}`. A row of the table is the group \
                         `{table}/{value}`, and a page that reads the row is in this group automatically: leave it out"
                    ),
                    None if fields.is_empty() => {
                        format!(
                            "nothing in the site's code invalidates the group `{written}`: {write}"
                        )
                    }
                    None => format!(
                        "nothing is known to invalidate the group `{written}`, and pages that read tables and values \
                         need no group: {write}, unless an `apply` names it by `at.invalidate`"
                    ),
                };
                note(at, message);
            }
        }
        if !may_carry {
            for Named { at, written, .. } in invalidated {
                note(
                    at,
                    format!(
                        "`#[invalidate]` names the group `{written}`, and no page and no fragment is in it: name it in \
                         the `groups` of a route"
                    ),
                );
            }
        }
        notes
    }
}

/// Returns the shapes of the groups that have both sides: those of tables and values, and those that are invalidated
/// with a page's own URL.
fn automatic(fields: &[(&'static str, FieldKind)]) -> Vec<String> {
    let mut shapes = vec![format!("url:{PLACE}")];
    for (field, kind) in fields {
        match kind {
            FieldKind::Table => {
                shapes.push(format!("{field}/{PLACE}"));
                shapes.push(format!("{field}@{PLACE}"));
                shapes.push(format!("{field}*"));
            }
            FieldKind::Value => shapes.push((*field).to_owned()),
            FieldKind::Plain => {}
        }
    }
    shapes
}

fn texts(shapes: &[String]) -> Vec<&str> {
    shapes.iter().map(String::as_str).collect()
}

/// Returns whether one text may match both shapes. A placeholder matches any text.
fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // `meet[i][j]`: whether the rest of `one` after `i` and the rest of `other` after `j` characters may match one
    // text.
    let mut meet = vec![vec![false; other.len() + 1]; one.len() + 1];
    for i in (0..=one.len()).rev() {
        for j in (0..=other.len()).rev() {
            meet[i][j] = match (one.get(i), other.get(j)) {
                (None, None) => true,
                (Some(&PLACE), Some(_)) if meet[i][j + 1] => true,
                (Some(_), Some(&PLACE)) if meet[i + 1][j] => true,
                (Some(&PLACE), _) => meet[i + 1][j],
                (_, Some(&PLACE)) => meet[i][j + 1],
                (Some(a), Some(b)) => a == b && meet[i + 1][j + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
    }
    meet[0][0]
}

/// Returns whether two shapes differ so little that one is probably a misspelling of the other.
fn is_near(one: &str, other: &str) -> bool {
    let length = one.chars().filter(|letter| *letter != PLACE).count();
    let places = |shape: &str| shape.matches(PLACE).count();
    let most = if length > 6 { 2 } else { 1 };
    length > 2 && places(one) == places(other) && strsim::damerau_levenshtein(one, other) <= most
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::app::App;
    use crate::cli::Site;
    use crate::config::Config;
    use crate::controller::{Invalidates, Piece, Registration};
    use crate::extract::{Cluster, FromRequestParts};
    use crate::frontend::Variant;
    use crate::request::Request;
    use crate::state::{At, Plain, State, Updates, Value};

    fn named(names: &[&str]) -> Vec<Named> {
        let one = |(line, name): (usize, &&str)| Named {
            at: Problem::at_line("a.conf", line + 1, ""),
            written: name.replace('*', "{x}"),
            shape: name.replace('*', "\0"),
        };
        names.iter().enumerate().map(one).collect()
    }

    fn notes(carried: &[&str], invalidated: &[&str], code: bool) -> Vec<String> {
        let groups = NamedGroups {
            carried: named(carried),
            invalidated: named(invalidated),
            fields: vec![
                ("recipes", FieldKind::Table),
                ("motto", FieldKind::Value),
                ("towns", FieldKind::Plain),
            ],
            may_carry: code,
            may_invalidate: code,
        };
        groups.notes().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_that_may_be_one_meet() {
        for (one, other, expected) in [
            ("story:*", "story:*", true),
            ("story:*", "story:rain", true),
            ("*", "anything", true),
            ("*:all", "story:*", true),
            ("a*b*c", "axxbc", true),
            ("a*b", "*ab*b", true),
            ("", "", true),
            ("*", "", true),
            ("story:*", "stories:*", false),
            ("story:*:1", "story:*:2", false),
            ("news", "new", false),
            ("a*b", "a", false),
        ] {
            let (one, other) = (one.replace('*', "\0"), other.replace('*', "\0"));
            assert_eq!(meet(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(meet(&other, &one), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn names_that_differ_by_a_letter_or_two_are_near() {
        for (one, other, expected) in [
            ("tag", "tags", true),
            ("ta", "tag", false),
            ("story:*", "storys:*", true),
            ("story:*", "storyes:*", false),
            ("recipe", "recipes2", false),
            ("weather", "weathers2", true),
            ("weather", "weathers23", false),
            ("town:*", "town:", false),
        ] {
            let (one, other) = (one.replace('*', "\0"), other.replace('*', "\0"));
            assert_eq!(is_near(&one, &other), expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn each_group_of_a_table_or_value_has_both_sides() {
        let groups = || {
            let written = ["recipes/soup", "recipes@", "recipes@tag=soup*", "recipes*", "motto"];
            let named = |name: &str| Named {
                at: Problem::at_line("a.conf", 1, ""),
                written: name.to_owned(),
                shape: name.to_owned(),
            };
            Vec::from(written.map(named))
        };
        let fields = vec![("recipes", FieldKind::Table), ("motto", FieldKind::Value)];
        let carried =
            NamedGroups { carried: groups(), fields: fields.clone(), ..NamedGroups::default() };
        let invalidated = NamedGroups { invalidated: groups(), fields, ..NamedGroups::default() };
        for named in [carried, invalidated] {
            let notes = named.notes();
            assert!(notes.is_empty(), "{notes}");
        }
    }

    #[test]
    fn only_the_rows_of_a_table_are_groups_of_its_name() {
        for (name, has_hint) in [("recipes:soup", true), ("motto:1", false), ("towns:hull", false)]
        {
            let found = notes(&[name], &[], false).join("\n");
            assert_eq!(found.contains("A row of the table"), has_hint, "{found}");
        }
    }

    #[test]
    fn a_name_with_both_sides_is_not_noted() {
        assert_eq!(notes(&["story:*", "news"], &["*", "story:rain"], false), [""; 0]);
        assert_eq!(notes(&["recipes/*"], &["recipes@tag=*", "url:/x"], false), [""; 0]);
    }

    #[test]
    fn a_name_that_only_begins_with_a_table_or_value_is_named_by_hand() {
        let own = ["recipes/*", "recipes/pea-soup", "recipes@tag=*", "recipes*", "motto"];
        assert_eq!(notes(&own, &own, false), [""; 0]);
        for name in ["recipes:soup", "recipes-hot", "recipes", "motto:1", "towns", "towns/*"] {
            let found = notes(&[name], &[], false);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            let has_hint = found[0].contains("is the group `recipes/soup`");
            assert_eq!(has_hint, name == "recipes:soup", "{found:?}");
            assert_eq!(notes(&[], &[name], false).len(), 1, "{name}");
            assert_eq!(notes(&[name], &[name], false), [""; 0]);
        }
    }

    #[test]
    fn a_missing_side_is_noted_if_no_code_could_be_it() {
        let found = notes(&["story:*", "weather"], &["story:*", "forecast"], false);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("a.conf:2: nothing is known to invalidate the group `weather`")
        );
        assert!(
            found[1]
                .starts_with("a.conf:2: `#[invalidate]` names the group `forecast`, and no page")
        );
        assert_eq!(notes(&["weather"], &["forecast"], true), [""; 0]);
    }

    #[test]
    fn names_with_almost_the_same_spelling_are_noted_as_a_mistake() {
        for code in [true, false] {
            let found = notes(&["story:*"], &["storys:*"], code);
            let expected = "a.conf:1: nothing invalidates the group `story:{x}`, and `storys:{x}`, which \
                            `#[invalidate]` names at a.conf:1, is carried by nothing: did you mean the same?";
            assert_eq!(found, [expected]);
        }
        assert_eq!(
            notes(&["story:*", "a:*", "tag:*"], &["weather:*", "b:*", "tag"], true),
            [""; 0]
        );
    }

    const ROUTES: &str = r#"
[[route]]
path = "/towns/{town}"
template = "town.html"
groups = ["town:{town}", "towns"]

[[route]]
path = "/towns/{town}"
methods = ["POST"]
controller = "change"
"#;

    fn noted(app: App, template: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        for (name, text) in
            [("templates/town.html", template), ("dispatch.conf", ROUTES), ("project.toml", "")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let config = Config::of_folder(folder.path()).unwrap();
        let problems = Site::check(&app, &config);
        assert!(problems.is_empty(), "{problems}");
        let folder = format!("{}/", folder.path().display());
        Site::notes(&app, &config)
            .iter()
            .map(|note| note.to_string().replace(&folder, ""))
            .collect()
    }

    fn changing(group: &'static str) -> Registration {
        let invalidates = Invalidates::new().group(&[Piece::Text(group), Piece::Capture("town")]);
        Registration::new("change", async |_: Request| "").declared().invalidates(invalidates)
    }

    #[test]
    fn check_notes_groups_of_routes_and_fragments_that_nothing_invalidates() {
        let template = "{% cache id='a', groups='towns, rain' %}a{% endcache %}";
        let app = || App::new().controllers([changing("town:")]);
        let found = noted(app(), template);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(
            found[0].starts_with("dispatch.conf:2: ") && found[0].contains("the group `towns`")
        );
        assert!(found[1].starts_with("templates/town.html:1:1: ") && found[1].contains("`towns`"));
        assert!(found[2].starts_with("templates/town.html:1:1: ") && found[2].contains("`rain`"));
        let may_invalidate = Registration::new("other", async |_: Request| "");
        assert_eq!(noted(app().controllers([may_invalidate]), template), [""; 0]);
        let takes_cluster = changing("town:").needs(Cluster::NEEDS);
        assert_eq!(noted(App::new().controllers([takes_cluster]), template), [""; 0]);
    }

    #[derive(Clone, Default, State)]
    struct Tables {
        motto: Value<u8>,
    }

    #[derive(Clone, Default, State)]
    struct Others {
        degrees: Plain<u8>,
    }

    macro_rules! unchanging {
        ($($state:ident)*) => {$(
            impl Updates for $state {
                type Update = ();
                type Output = ();
                type Refusal = Infallible;

                fn apply(&mut self, (): (), _: &mut At) -> Result<(), Infallible> {
                    Ok(())
                }
            }
        )*};
    }
    unchanging! { Tables Others }

    #[test]
    fn only_a_state_with_plain_values_counts_as_invalidating_groups_named_by_hand() {
        let template = "{% cache id='a', groups='motto' %}a{% endcache %}";
        let app = || App::new().controllers([changing("town:")]);
        let found = noted(app().state::<Tables>(), template);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("known to invalidate the group `towns`"), "{found:?}");
        assert!(found[0].contains("unless an `apply` names it"), "{found:?}");
        assert_eq!(noted(app().state::<Others>(), template), [""; 0]);
    }

    #[test]
    fn check_notes_invalidated_groups_that_nothing_carries() {
        let invalidates = Invalidates::new().group(&[Piece::Text("weather")]);
        let app = || App::new().controllers([changing("twon:").invalidates(invalidates.clone())]);
        let found = noted(app(), "a");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("`twon:{town}`, which `#[invalidate]` names at"), "{found:?}");
        assert!(found[1].contains("invalidates the group `towns`"), "{found:?}");
        assert!(found[2].contains("names the group `weather`, and no page and no fragment"));
        let computed = "{% cache id='a', groups=['weather', town] %}a{% endcache %}";
        assert_eq!(noted(app(), computed).len(), 2, "the fragment may be in any group");
        let varied = app().variant(|_| Variant::yes());
        assert_eq!(noted(varied, "a").len(), 2, "the variant function may put pages into groups");
    }
}
