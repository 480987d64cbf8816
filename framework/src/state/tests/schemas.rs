//! The model with tables whose schemas are drawn: the type of the key, the fields, and for each index its columns,
//! whether it is unique and whether it has an entry for each of several values. Reads and updates are drawn for them.
//!
//! `HEADWATER_SCHEMAS_SEED` repeats the choices of an earlier run, and `HEADWATER_SCHEMAS_ROUNDS` is the number of sets of
//! tables.

use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::log::Position;
use crate::state::store::apply;
use crate::state::{At, Index, State, Table, Updates, Value, Violation};

mod line;
mod reads;

use line::{Cell, Column, Content, Draft, Line, LineKey, Schema};
use reads::{Made, Page};

/// A table for each type of key. The first two have the same type.
#[derive(Clone, Default, State)]
struct Tables {
    numbers: Table<Line<u8>>,
    others: Table<Line<u8>>,
    signed: Table<Line<i16>>,
    texts: Table<Line<String>>,
    optional: Table<Line<Option<u32>>>,
    pairs: Table<Line<(u8, String)>>,
    triples: Table<Line<(Option<char>, bool, i16)>>,
    motto: Value<u8>,
}

/// The number of tables of which a round draws some.
const TABLES: usize = 7;

/// Evaluates an expression with the table of this number.
macro_rules! on_table {
    ($table:ident = &mut $tables:expr, $number:expr => $do:expr) => {
        on_table!($table = (&mut) $tables, $number => $do)
    };
    ($table:ident = &$tables:expr, $number:expr => $do:expr) => {
        on_table!($table = (&) $tables, $number => $do)
    };
    ($table:ident = ($($by:tt)*) $tables:expr, $number:expr => $do:expr) => {
        match $number {
            0 => { let $table = $($by)* $tables.numbers; $do }
            1 => { let $table = $($by)* $tables.others; $do }
            2 => { let $table = $($by)* $tables.signed; $do }
            3 => { let $table = $($by)* $tables.texts; $do }
            4 => { let $table = $($by)* $tables.optional; $do }
            5 => { let $table = $($by)* $tables.pairs; $do }
            _ => { let $table = $($by)* $tables.triples; $do }
        }
    };
}
use on_table;

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Change {
    Of(usize, LineChange),
    Motto(u8),
    /// Several at once, of which the last may be refused.
    All(Vec<Change>),
}

/// A change of a table. Keys are numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum LineChange {
    Save(Draft),
    Add(Draft),
    /// As many as no unique index refuses.
    Fill(Vec<Draft>),
    Body(usize, u8),
    Field(usize, usize, Content),
    Remove(usize),
    RemoveKey(usize, usize),
    RemoveAll(usize, Cell),
    Clear,
}

impl Tables {
    fn names() -> Vec<&'static str> {
        Tables::FIELDS.iter().map(|(name, _)| *name).collect()
    }

    fn hashes(&mut self) -> Vec<Option<u128>> {
        let mut hashes = Vec::new();
        self.each_field(&mut |_, field| hashes.push(field.hash()));
        hashes
    }
}

impl Updates for Tables {
    type Update = Change;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, change: Change, _: &mut At) -> Result<(), Violation> {
        self.make(change)
    }
}

impl Tables {
    fn make(&mut self, change: Change) -> Result<(), Violation> {
        match change {
            Change::Of(table, change) => on_table!(lines = &mut self, table => change.apply(lines)),
            Change::Motto(motto) => {
                self.motto.set(motto);
                Ok(())
            }
            Change::All(changes) => changes.into_iter().try_for_each(|change| self.make(change)),
        }
    }
}

impl LineChange {
    fn apply<K: LineKey>(self, lines: &mut Table<Line<K>>) -> Result<(), Violation> {
        match self {
            LineChange::Save(line) => lines.upsert(line.line()),
            LineChange::Add(line) => lines.insert(line.line()),
            LineChange::Fill(drafts) => {
                for line in drafts {
                    let _ = lines.upsert(line.line());
                }
                Ok(())
            }
            LineChange::Body(key, body) => lines.update(K::nth(key), |line| line.body = body),
            LineChange::Field(key, field, content) => {
                lines.update(K::nth(key), |line| line.fields[field] = content)
            }
            LineChange::Remove(key) => lines.remove(K::nth(key)).map(drop),
            LineChange::RemoveKey(slot, key) => {
                lines.remove_all(Index::<Line<K>, K>::new(slot), K::nth(key));
                Ok(())
            }
            LineChange::RemoveAll(slot, cell) => {
                lines.remove_all(Index::<Line<K>, Cell>::new(slot), cell);
                Ok(())
            }
            LineChange::Clear => {
                lines.clear();
                Ok(())
            }
        }
    }
}

/// The tables of a round.
struct Round {
    /// By their numbers.
    tables: Vec<(usize, Schema)>,
    /// How many different keys rows may have.
    keys: usize,
    /// How many groups a page may have.
    limit: usize,
}

impl Round {
    fn draw(choices: &mut StdRng) -> Round {
        let count = choices.random_range(1..4);
        let numbers: BTreeSet<_> = (0..count).map(|_| choices.random_range(0..TABLES)).collect();
        Round {
            tables: numbers.into_iter().map(|number| (number, Schema::draw(choices))).collect(),
            keys: [2, 5, 40, 120][choices.random_range(0..4)],
            limit: LIMITS[choices.random_range(0..LIMITS.len())],
        }
    }

    fn draw_table(&self, choices: &mut StdRng) -> (usize, &Schema) {
        let (number, schema) = &self.tables[choices.random_range(0..self.tables.len())];
        (*number, schema)
    }

    fn draw_change(&self, choices: &mut StdRng) -> Change {
        match choices.random_range(0..24) {
            0 => return Change::Motto(choices.random_range(0..3)),
            1 | 2 => {
                let count = choices.random_range(1..4);
                return Change::All((0..count).map(|_| self.draw_change(choices)).collect());
            }
            _ => {}
        }
        let (table, schema) = self.draw_table(choices);
        let key = choices.random_range(0..self.keys);
        let slots = schema.slots();
        let change = match choices.random_range(0..16) {
            0..4 => LineChange::Save(schema.draw_line(self.keys, choices)),
            4 | 5 => LineChange::Add(schema.draw_line(self.keys, choices)),
            6 => self.draw_fill(schema, choices),
            7..9 => LineChange::Body(key, choices.random_range(0..3)),
            9..12 => {
                let field = choices.random_range(0..schema.fields.len());
                LineChange::Field(key, field, schema.draw_content(field, choices))
            }
            12 if !slots.is_empty() => {
                let slot = slots[choices.random_range(0..slots.len())];
                match schema.first(slot) {
                    Column::Key => LineChange::RemoveKey(slot, key),
                    Column::Field(field) => {
                        LineChange::RemoveAll(slot, schema.draw_cell(field, choices))
                    }
                }
            }
            13 if choices.random_ratio(1, 2) => LineChange::Clear,
            _ => LineChange::Remove(key),
        };
        Change::Of(table, change)
    }

    fn draw_fill(&self, schema: &Schema, choices: &mut StdRng) -> LineChange {
        let count = choices.random_range(0..2 * self.keys);
        LineChange::Fill((0..count).map(|_| schema.draw_line(self.keys, choices)).collect())
    }
}

const LIMITS: [usize; 4] = [1, 4, 16, 256];
const PAGES: usize = 30;
const CHANGES: usize = 30;

/// The results of a run.
#[derive(Default)]
struct Found {
    /// For each limit of groups, the number of pages that were made again, and of those that are unchanged.
    waste: BTreeMap<usize, (usize, usize)>,
    /// The kinds of the groups that were invalidated.
    kinds: BTreeSet<String>,
}

/// Returns the kind of a group: its name, with letters instead of the table, the index, the value, the key and the
/// number.
fn kind(group: &str) -> String {
    if group.contains('/') {
        return "t/k".to_owned();
    }
    let Some((_, rest)) = group.split_once('@') else {
        return if group.ends_with('*') { "t*" } else { "motto" }.to_owned();
    };
    let (name, mark) = rest.split_at(rest.find(['>', '<', '*']).unwrap_or(rest.len()));
    let of = match name.split_once('=') {
        Some(_) => "i=v",
        None if name.is_empty() => "",
        None => "i",
    };
    let mark = match (mark.get(..1), mark.get(1..)) {
        (None, _) => "",
        (Some(">"), Some("")) => ">",
        (Some(">"), _) => ">n",
        (Some("<"), Some("")) => "<",
        (Some("<"), _) => "<k",
        _ => "*",
    };
    format!("t@{of}{mark}")
}

/// The kinds of groups that there are.
const KINDS: [&str; 18] = [
    "motto", "t*", "t/k", "t@", "t@<", "t@<k", "t@>", "t@>n", "t@i", "t@i<", "t@i<k", "t@i=v",
    "t@i=v*", "t@i=v<", "t@i=v>", "t@i=v>n", "t@i>", "t@i>n",
];

/// Draws tables, pages and changes, and follows them; of the groups that are invalidated only those are known that are
/// not of the kind `withheld`.
///
/// # Errors
/// Which page is stale; or depends on something else than when it was made, though it has the same content and is valid.
fn run(seed: u64, withheld: &str, found: &mut Found) -> Result<(), String> {
    let choices = &mut StdRng::seed_from_u64(seed);
    let round = Round::draw(choices);
    let mut filled = Tables::default();
    for (number, schema) in &round.tables {
        let fill = round.draw_fill(schema, choices);
        on_table!(lines = &mut filled, *number => fill.apply(lines)).map_err(|e| e.to_string())?;
    }
    let pages: Vec<_> = (0..PAGES).map(|_| Page::draw(&round, &filled, choices)).collect();
    let names = Tables::names();
    let mut tables = Tables::default();
    let mut hashes = tables.hashes();
    let mut made: Vec<_> = pages.iter().map(|page| page.made(&tables, round.limit)).collect();
    for position in 1..=CHANGES as u64 {
        let change = round.draw_change(choices);
        let at = At::new(Position(position), UNIX_EPOCH);
        let applied = apply(&mut tables, change.clone(), at, &names, &mut hashes);
        let (outcome, invalidation) = applied.map_err(|error| format!("{error:?}"))?;
        if hashes != tables.hashes() {
            return Err(format!("another hash follows {change:?}"));
        }
        if outcome.is_err() && !invalidation.groups.is_empty() {
            return Err(format!("{change:?} was refused and invalidates {invalidation:?}"));
        }
        found.kinds.extend(invalidation.groups.iter().map(|group| kind(group)));
        let groups = invalidation.groups.into_iter().filter(|group| kind(group) != withheld);
        let invalid: BTreeSet<String> = groups.collect();
        let stale = |page: &Page, what: &str, made: &Made, fresh: &Made| {
            format!(
                "{page:?} {what} after {change:?}, which invalidates {invalid:?}\nit was {made:?}\nand is \
                 {fresh:?}\nthe tables are {:?}",
                round.tables
            )
        };
        for (page, made) in pages.iter().zip(&mut made) {
            let fresh = page.made(&tables, round.limit);
            if !made.1.is_disjoint(&invalid) {
                let (invalidated, same) = found.waste.entry(round.limit).or_default();
                *invalidated += 1;
                *same += usize::from(made.0 == fresh.0);
                *made = fresh;
            } else if made.0 != fresh.0 {
                return Err(stale(page, "is stale", made, &fresh));
            } else if made.1 != fresh.1 && withheld.is_empty() {
                return Err(stale(page, "depends on something else", made, &fresh));
            }
        }
    }
    Ok(())
}

/// The number in an environment variable.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a whole number"))
}

/// Returns the seeds of `count` rounds, or of the number in the environment.
fn rounds(count: u64) -> Vec<u64> {
    let seed = number("HEADWATER_SCHEMAS_SEED").unwrap_or_else(|| rand::random::<u32>().into());
    let count = number("HEADWATER_SCHEMAS_ROUNDS").unwrap_or(count);
    println!("HEADWATER_SCHEMAS_SEED={seed} HEADWATER_SCHEMAS_ROUNDS={count}");
    (0..count).map(|round| seed ^ round.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

#[test]
fn no_page_of_any_schema_is_stale_after_any_update() {
    let mut found = Found::default();
    for (round, seed) in rounds(100).into_iter().enumerate() {
        if let Err(stale) = run(seed, "", &mut found) {
            panic!("in round {round}: {stale}");
        }
    }
    for (limit, (invalidated, same)) in &found.waste {
        let share = *same as f64 / *invalidated as f64;
        println!(
            "{limit} groups: {same} of {invalidated} pages were made anew for nothing ({share:.3})"
        );
    }
    println!("groups of these kinds were invalidated: {:?}", found.kinds);
    assert!(found.kinds.iter().all(|kind| KINDS.contains(&kind.as_str())), "{:?}", found.kinds);
}

#[test]
fn a_group_of_any_kind_that_is_withheld_leaves_a_stale_page_of_some_schema() {
    // Some need very many rows that come or go at once, which not every round has.
    let rounds = rounds(2000);
    for withheld in KINDS {
        let stale = rounds.iter().enumerate().find_map(|(round, seed)| {
            run(*seed, withheld, &mut Found::default()).err().map(|stale| (round, stale))
        });
        let (round, stale) = stale.unwrap_or_else(|| panic!("without {withheld} no page is stale"));
        let page = stale.lines().next().unwrap_or_default();
        println!(
            "without {withheld} in round {round}: {}",
            page.chars().take(200).collect::<String>()
        );
    }
}
