//! Random updates; after each, every page is made anew. A page whose content differs has to be invalid (no stale page);
//! one that was invalidated though it is the same is waste, which is counted.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::log::Position;
use crate::state::store::apply;
use crate::state::{At, Key, Row, State, Table, Updates, Value, Violation};

mod pages;

use pages::Page;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Key)]
enum Kind {
    Soup,
    Cake,
}

#[derive(Debug, Clone, Serialize, Deserialize, Row)]
#[row(index(by_author = (author, created)), index(by_tag = (each tags, created)))]
#[row(unique(once = (author, title)))]
struct Recipe {
    #[row(key)]
    slug: u8,
    title: u8,
    #[row(index)]
    author: String,
    tags: Vec<u8>,
    #[row(index)]
    kind: Option<Kind>,
    #[row(index)]
    created: i16,
    body: u8,
}

#[derive(Debug, Clone, Serialize, Deserialize, Row)]
#[row(index(by_recipe = (recipe, number)))]
struct Comment {
    #[row(key)]
    recipe: u8,
    #[row(key)]
    number: u8,
    text: u8,
}

#[derive(Clone, Default, State)]
struct Kitchen {
    recipes: Table<Recipe>,
    comments: Table<Comment>,
    motto: Value<u8>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Change {
    Save(Recipe),
    Add(Recipe),
    Body(u8, u8),
    Move(u8, i16),
    Remove(u8),
    Clear,
    Comment(Comment),
    Motto(u8),
    /// Several at once, of which the last may be refused.
    All(Vec<Change>),
}

impl Updates for Kitchen {
    type Update = Change;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, change: Change, at: &mut At) -> Result<(), Violation> {
        match change {
            Change::Save(recipe) => self.recipes.upsert(recipe),
            Change::Add(recipe) => self.recipes.insert(recipe),
            Change::Body(slug, body) => self.recipes.update(slug, |recipe| recipe.body = body),
            Change::Move(slug, created) => {
                self.recipes.update(slug, |recipe| recipe.created = created)
            }
            Change::Remove(slug) => {
                self.comments.remove_all(Comment::BY_RECIPE, slug);
                self.recipes.remove(slug).map(drop)
            }
            Change::Clear => {
                self.recipes.clear();
                Ok(())
            }
            Change::Comment(comment) => self.comments.upsert(comment),
            Change::Motto(motto) => {
                self.motto.set(motto ^ (at.random() % 2) as u8);
                Ok(())
            }
            Change::All(changes) => {
                changes.into_iter().try_for_each(|change| self.apply(change, at))
            }
        }
    }
}

fn recipe() -> impl Strategy<Value = Recipe> {
    let kind = prop_oneof![Just(None), Just(Some(Kind::Soup)), Just(Some(Kind::Cake))];
    let tags = proptest::collection::vec(0..3_u8, 0..3);
    (0..6_u8, 0..4_u8, "[ab]", tags, kind, -4..5_i16, 0..3_u8).prop_map(
        |(slug, title, author, tags, kind, created, body)| Recipe {
            slug,
            title,
            author,
            tags,
            kind,
            created,
            body,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let one = prop_oneof![
        3 => recipe().prop_map(Change::Save),
        3 => recipe().prop_map(Change::Add),
        2 => (0..6_u8, 0..3_u8).prop_map(|(slug, body)| Change::Body(slug, body)),
        2 => (0..6_u8, -4..5_i16).prop_map(|(slug, created)| Change::Move(slug, created)),
        1 => (0..6_u8).prop_map(Change::Remove),
        1 => Just(Change::Clear),
        3 => (0..6_u8, 0..3_u8, 0..3_u8)
            .prop_map(|(recipe, number, text)| Change::Comment(Comment { recipe, number, text })),
        1 => (0..3_u8).prop_map(Change::Motto),
    ];
    one.prop_recursive(1, 8, 4, |one| proptest::collection::vec(one, 1..4).prop_map(Change::All))
}

/// Pages that were made anew, and those of them that are the same.
#[derive(Default)]
struct Waste {
    invalidated: usize,
    same: usize,
}

/// The hashes of all that is in the fields.
fn hashes_of(kitchen: &mut Kitchen) -> Vec<Option<u128>> {
    let mut hashes = Vec::new();
    kitchen.each_field(&mut |_, field| hashes.push(field.hash()));
    hashes
}

/// Follows the changes; of the groups that they invalidate only those that are `told`.
fn follow(
    changes: Vec<Change>,
    limit: usize,
    told: impl Fn(&str) -> bool,
    waste: &mut Waste,
) -> Result<(), TestCaseError> {
    let mut kitchen = Kitchen::default();
    let names: Vec<_> = Kitchen::FIELDS.iter().map(|(name, _)| *name).collect();
    let mut hashes = hashes_of(&mut kitchen);
    let mut pages: Vec<_> =
        Page::all().into_iter().map(|page| (page, page.made(&kitchen, limit))).collect();
    for (change, position) in changes.into_iter().zip(1..) {
        let before = kitchen.clone();
        let at = At::new(Position(position), UNIX_EPOCH);
        let applied = apply(&mut kitchen, change.clone(), at, &names, &mut hashes);
        let (outcome, invalidation) = applied.unwrap();
        prop_assert_eq!(&hashes, &hashes_of(&mut kitchen), "after {:?}", change);
        let invalid: BTreeSet<String> =
            invalidation.groups.into_iter().filter(|group| told(group)).collect();
        if outcome.is_err() {
            prop_assert!(
                invalid.is_empty(),
                "{:?} was refused and invalidates {:?}",
                change,
                invalid
            );
            for page in Page::all() {
                prop_assert_eq!(
                    page.made(&before, limit),
                    page.made(&kitchen, limit),
                    "{:?}",
                    change
                );
            }
        }
        for (page, made) in &mut pages {
            let fresh = page.made(&kitchen, limit);
            if made.1.is_disjoint(&invalid) {
                prop_assert_eq!(
                    &made.0,
                    &fresh.0,
                    "{:?} is stale after {:?}: {:?} {:?}",
                    page,
                    change,
                    made.1,
                    invalid
                );
                // As the same page would have been read again.
                prop_assert_eq!(
                    &made.1,
                    &fresh.1,
                    "{:?} depends on something else after {:?}",
                    page,
                    change
                );
            } else {
                waste.invalidated += 1;
                waste.same += usize::from(made.0 == fresh.0);
                *made = fresh;
            }
        }
    }
    Ok(())
}

fn run(
    limit: usize,
    told: impl Fn(&str) -> bool,
) -> Result<Waste, proptest::test_runner::TestError<Vec<Change>>> {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let waste = std::cell::RefCell::new(Waste::default());
    let changes = proptest::collection::vec(change(), 1..40);
    let follow = |changes| follow(changes, limit, &told, &mut waste.borrow_mut());
    proptest::test_runner::TestRunner::new(config).run(&changes, follow)?;
    Ok(waste.into_inner())
}

#[test]
fn a_group_of_any_kind_that_is_not_told_leaves_a_stale_page() {
    type Kind = fn(&str) -> bool;
    let kinds: [(&str, usize, Kind); 13] = [
        ("a row", 256, |group| group.contains('/')),
        ("a value's rows and their order", 256, |group| {
            group.contains('=') && !group.contains(['*', '>', '<'])
        }),
        ("an index", 256, |group| {
            group.contains('@') && !group.ends_with('@') && !group.contains(['=', '>', '<'])
        }),
        ("a place before a row", 256, |group| group.contains('<') && !group.ends_with('<')),
        ("the end of an order", 256, |group| group.ends_with('<') && !group.contains('=')),
        ("the end of a value's rows", 256, |group| group.ends_with('<') && group.contains('=')),
        ("a table's keys", 256, |group| group.ends_with('@')),
        ("how many have a value", 256, |group| group.contains('=') && group.contains('>')),
        ("how many are in an index", 256, |group| group.contains("tag>")),
        ("how many are in a table", 256, |group| group.contains("@>")),
        ("anything in a table", 256, |group| group == "recipes*"),
        ("a value's rows, whatever changes in them", 1, |group| {
            group.contains('=') && group.ends_with('*')
        }),
        ("a value of its own", 256, |group| group == "motto"),
    ];
    for (name, limit, kind) in kinds {
        assert!(run(limit, |group| !kind(group)).is_err(), "{name}");
    }
}

#[test]
fn no_page_is_stale_after_any_update_and_few_are_made_for_nothing() {
    for (limit, most) in [(256, 0.3), (4, 0.3), (1, 0.5)] {
        let Waste { invalidated, same } = run(limit, |_| true)
            .unwrap_or_else(|error| panic!("with {limit} groups at most: {error}"));
        let share = same as f64 / invalidated as f64;
        println!(
            "{limit} groups: {same} of {invalidated} pages were made anew for nothing ({share:.3})"
        );
        // These pages are small and nearly all of the updates concern them.
        assert!(share < most, "{share:.3} with {limit} groups");
    }
}
