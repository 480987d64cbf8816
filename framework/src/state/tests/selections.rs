//! Selections, compared with rows that are sorted and filtered one by one.

use std::ops::Bound;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::state::{Row, Table, Violation};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(index(by_name = (name, size)))]
struct Item {
    #[row(key)]
    id: u16,
    name: String,
    #[row(index)]
    size: i32,
    /// The whole range of its type, from which the bounds are drawn too.
    #[row(index)]
    level: u8,
}

fn ids<'a>(rows: impl IntoIterator<Item = &'a Item>) -> Vec<u16> {
    rows.into_iter().map(|row| row.id).collect()
}

/// Returns a level that is often the least or the greatest.
fn level() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(u8::MAX), any::<u8>()]
}

fn bound() -> impl Strategy<Value = Bound<u8>> {
    prop_oneof![
        level().prop_map(Bound::Included),
        level().prop_map(Bound::Excluded),
        Just(Bound::Unbounded)
    ]
}

proptest! {
    #[test]
    fn a_selection_equals_filtering_and_sorting(
        items in proptest::collection::vec((0..60_u16, "[a\0]{0,2}", -3..4_i32, level()), 0..40),
        name in "[a\0]{0,2}",
        bounds in any::<(Bound<i8>, Bound<i8>)>(),
        levels in (bound(), bound()),
        (number, size) in (0..5_usize, 0..7_usize),
    ) {
        let mut table = Table::default();
        let mut model: Vec<Item> = Vec::new();
        for (id, name, size, level) in items {
            let item = Item { id, name, size, level };
            model.retain(|other| other.id != id);
            model.push(item.clone());
            table.upsert(item).unwrap();
        }
        let view = table.read();
        model.sort_by_key(|item| item.id);
        prop_assert_eq!(ids(view.all().iter().map(|row| &**row)), ids(&model));
        prop_assert_eq!(view.count(), model.len());
        let newest: Vec<_> = model.iter().rev().take(3).cloned().collect();
        prop_assert_eq!(ids(view.by_key().newest(3).iter().map(|row| &**row)), ids(&newest));

        model.sort_by_key(|item| (item.size, item.id));
        let bounds = (bounds.0.map(i32::from), bounds.1.map(i32::from));
        let within: Vec<_> = model
            .iter()
            .filter(|item| std::ops::RangeBounds::contains(&bounds, &item.size))
            .cloned()
            .collect();
        let range = view.range(Item::SIZE, bounds);
        prop_assert_eq!(ids(range.all().iter().map(|row| &**row)), ids(&within));
        prop_assert_eq!(range.count(), within.len());

        model.sort_by_key(|item| (item.level, item.id));
        let is_within = |item: &&Item| std::ops::RangeBounds::contains(&levels, &item.level);
        let within: Vec<_> = model.iter().filter(is_within).cloned().collect();
        let range = view.range(Item::LEVEL, levels);
        prop_assert_eq!(ids(range.all().iter().map(|row| &**row)), ids(&within));
        prop_assert_eq!(range.count(), within.len());
        model.sort_by_key(|item| (item.size, item.id));

        model.retain(|item| item.name == name);
        let named = view.of(Item::BY_NAME, &name);
        prop_assert_eq!(ids(named.oldest(2).iter().map(|row| &**row)), ids(model.iter().take(2)));
        prop_assert_eq!(named.count(), model.len());
        let page = named.clone().reversed().page(number, size);
        let existing = named.clone().reversed().existing_page(number, size);
        prop_assert_eq!(existing.is_some(), !page.is_empty());
        prop_assert!(existing.is_none_or(|existing| existing.rows[..] == page.rows[..]));
        prop_assert_eq!(named.is_empty(), model.is_empty());
        let step = size.max(1);
        let expected: Vec<_> = match number {
            0 => Vec::new(),
            _ => model.iter().rev().skip((number - 1) * step).take(step).cloned().collect(),
        };
        prop_assert_eq!(ids(page.iter().map(|row| &**row)), ids(&expected));
        prop_assert_eq!((page.total, page.pages), (model.len(), model.len().div_ceil(step)));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(unique(once = (author, title)))]
struct Story {
    #[row(key)]
    slug: String,
    author: String,
    title: String,
}

#[test]
fn a_refusal_names_keys_and_values_as_they_are_and_all_of_them() {
    let story = |slug: &str| {
        let (author, title) = ("Ada".to_owned(), "Größe, a/b".to_owned());
        Story { slug: slug.to_owned(), author, title }
    };
    let mut table = Table::default();
    table.insert(story("größe")).unwrap();
    let refused = |refused: Result<(), Violation>| refused.unwrap_err().to_string();
    let exists = refused(table.insert(story("größe")));
    assert_eq!(exists, "there is a Story with the key größe already");
    let twice = refused(table.insert(story("b")));
    assert_eq!(twice, "there is another Story with the once Ada, Größe, a/b");
    let missing = refused(table.remove("x".repeat(60)).map(drop));
    assert_eq!(missing, format!("there is no Story with the key {}", "x".repeat(60)));
}

#[test]
fn update_returns_the_result_of_the_change() {
    let mut table = Table::default();
    let item = Item { id: 1, name: "a".to_owned(), size: 1, level: 0 };
    table.insert(item).unwrap();
    let before = table.update(1, |item| std::mem::replace(&mut item.size, 7));
    assert_eq!((before, table.get(1).unwrap().size), (Ok(1), 7));
}

#[test]
fn a_refused_change_leaves_the_table_unchanged() {
    let item = |id| Item { id, name: "a".to_owned(), size: 1, level: 0 };
    let mut table = Table::default();
    table.insert(item(1)).unwrap();
    let exists = Violation::Exists { row: "Item", key: "1".to_owned() };
    assert_eq!(table.insert(Item { size: 9, ..item(1) }), Err(exists));
    let missing = Violation::Missing { row: "Item", key: "2".to_owned() };
    assert_eq!(table.update(2, |row| row.size = 9), Err(missing));
    let missing = Violation::Missing { row: "Item", key: "2".to_owned() };
    assert_eq!(table.remove(2), Err(missing.clone()));
    assert_eq!(table.require(2), Err(missing));
    let changed = Violation::KeyChanged { row: "Item", key: "1".to_owned() };
    assert_eq!(table.update(1, |row| row.id = 9), Err(changed));
    assert_eq!(
        table.read().all().iter().map(|row| Item::clone(row)).collect::<Vec<_>>(),
        [item(1)]
    );
}
