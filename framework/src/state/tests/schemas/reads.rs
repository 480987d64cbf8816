//! The reads of pages, of tables with a schema.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Bound;
use std::sync::Arc;

use rand::RngExt;
use rand::rngs::StdRng;

use super::line::{Cell, CellType, Column, Kind, Line, LineKey, Schema};
use super::{Round, Tables, on_table};
use crate::state::field::Reading;
use crate::state::{AfterReply, Index, Recorder, Ref, Selection, State, TableView};

/// A page, as a function of what it reads.
#[derive(Debug, Clone)]
pub(super) struct Page(Vec<Read>);

/// The content of a page, and the groups that it is in.
pub(super) type Made = (String, BTreeSet<String>);

/// A read of a table, and the table of whose rows it shows one for each that it has found.
#[derive(Debug, Clone)]
struct Read {
    table: usize,
    what: What,
    then: Option<usize>,
}

#[derive(Debug, Clone)]
enum What {
    Get(usize),
    Contains(usize),
    Select { from: Source, is_reversed: bool, how: How },
    Values(usize, Option<CellType>),
    All,
    Count,
    Motto,
}

#[derive(Debug, Clone)]
enum Source {
    ByKey,
    Ordered(usize),
    Of(usize, Operand),
    Range(usize, Bound<Operand>, Bound<Operand>),
}

/// A value in the first column of an index.
#[derive(Debug, Clone)]
enum Operand {
    Key(usize),
    Cell(Cell),
}

#[derive(Debug, Clone)]
enum How {
    Take(usize),
    First,
    All,
    Newest(usize),
    Oldest(usize),
    Iter,
    Page(usize, usize),
    Existing(usize, usize),
    Count,
    IsEmpty,
    /// So many rows behind a place.
    Behind(Option<Vec<u8>>, usize),
}

impl Page {
    /// A page of the tables of a round. In those that are `filled` places are found for cursors.
    pub(super) fn draw(round: &Round, filled: &Tables, choices: &mut StdRng) -> Page {
        let count = [1, 1, 1, 2, 3][choices.random_range(0..5)];
        Page((0..count).map(|_| Read::draw(round, filled, choices)).collect())
    }

    /// How it is made now.
    pub(super) fn made(&self, tables: &Tables, limit: usize) -> Made {
        let recorder = Arc::new(Recorder::new(limit, AfterReply::Refused));
        let view = tables.view(&Reading { recorder: Some(&recorder), names: &Tables::names() });
        let mut text = String::new();
        for Read { table, what, then } in &self.0 {
            if let What::Motto = what {
                let _ = writeln!(text, "{}", *view.motto);
                continue;
            }
            let bodies = on_table!(lines = &view, *table => what.show(lines, &mut text));
            for (body, then) in bodies.into_iter().filter_map(|body| then.map(|then| (body, then)))
            {
                on_table!(lines = &view, then => What::Get(body).show(lines, &mut text));
            }
        }
        (text, recorder.close().groups.into_iter().collect())
    }
}

impl Read {
    fn draw(round: &Round, filled: &Tables, choices: &mut StdRng) -> Read {
        let (table, schema) = round.draw_table(choices);
        let keys = round.keys;
        let key = |choices: &mut StdRng| choices.random_range(0..keys + 1);
        let slots = schema.slots();
        let what = match choices.random_range(0..24) {
            0 | 1 => What::Get(key(choices)),
            2 => What::Contains(key(choices)),
            3 if !slots.is_empty() => {
                let slot = slots[choices.random_range(0..slots.len())];
                What::Values(slot, schema.first_type(slot))
            }
            4 => What::All,
            5 => What::Count,
            6 => What::Motto,
            _ => {
                let from = Source::draw(schema, keys, choices);
                let is_reversed = choices.random();
                let mut how = How::draw(choices);
                if let How::Behind(place, _) = &mut how {
                    *place = choices.random_ratio(3, 4).then(|| {
                        let skipped = choices.random_range(1..6);
                        let view = filled.view(&Reading { recorder: None, names: &[""; 8] });
                        let behind = on_table!(lines = &view, table => {
                            let selection = from.selection(lines, is_reversed);
                            selection.behind(None, skipped).1
                        });
                        // Any bytes may be behind a cursor.
                        behind.unwrap_or_else(|| vec![choices.random(), choices.random()])
                    });
                }
                What::Select { from, is_reversed, how }
            }
        };
        let then = choices.random_ratio(1, 6).then(|| round.draw_table(choices).0);
        Read { table, what, then }
    }
}

impl Schema {
    /// The type of an index's first column, where it is not the key.
    fn first_type(&self, slot: usize) -> Option<CellType> {
        match self.first(slot) {
            Column::Key => None,
            Column::Field(field) => Some(self.fields[field].of),
        }
    }
}

impl Source {
    fn draw(schema: &Schema, keys: usize, choices: &mut StdRng) -> Source {
        let slots = schema.slots();
        if slots.is_empty() || choices.random_ratio(1, 6) {
            return Source::ByKey;
        }
        let slot = slots[choices.random_range(0..slots.len())];
        let mut operand = || match schema.first(slot) {
            Column::Key => Operand::Key(choices.random_range(0..keys + 1)),
            Column::Field(field) => Operand::Cell(schema.draw_cell(field, choices)),
        };
        let (one, other) = (operand(), operand());
        let bound = |operand, choices: &mut StdRng| match choices.random_range(0..3) {
            0 => Bound::Included(operand),
            1 => Bound::Excluded(operand),
            _ => Bound::Unbounded,
        };
        match choices.random_range(0..4) {
            0 => Source::Ordered(slot),
            1 => Source::Range(slot, bound(one, choices), bound(other, choices)),
            _ => Source::Of(slot, one),
        }
    }

    fn selection<K: LineKey>(
        &self,
        lines: &TableView<Line<K>>,
        is_reversed: bool,
    ) -> Selection<Line<K>> {
        let by_cell = Index::<Line<K>, Cell>::new;
        let by_key = Index::<Line<K>, K>::new;
        let selection = match self {
            Source::ByKey => lines.by_key(),
            Source::Ordered(slot) => lines.ordered(by_cell(*slot)),
            Source::Of(slot, Operand::Cell(cell)) => lines.of(by_cell(*slot), cell),
            Source::Of(slot, Operand::Key(key)) => lines.of(by_key(*slot), K::nth(*key)),
            Source::Range(slot, from, to) => {
                let key = |operand: &Operand| match operand {
                    Operand::Key(key) => Some(K::nth(*key)),
                    Operand::Cell(_) => None,
                };
                let cell = |operand: &Operand| match operand {
                    Operand::Key(_) => None,
                    Operand::Cell(cell) => Some(cell.clone()),
                };
                let is_key = [from, to].into_iter().any(|bound| {
                    matches!(
                        bound,
                        Bound::Included(Operand::Key(_)) | Bound::Excluded(Operand::Key(_))
                    )
                });
                match is_key {
                    true => lines.range(by_key(*slot), (bound_of(from, key), bound_of(to, key))),
                    false => {
                        lines.range(by_cell(*slot), (bound_of(from, cell), bound_of(to, cell)))
                    }
                }
            }
        };
        if is_reversed { selection.reversed() } else { selection }
    }
}

/// Returns a bound at the value of an operand.
fn bound_of<T>(bound: &Bound<Operand>, value: impl Fn(&Operand) -> Option<T>) -> Bound<T> {
    match bound.as_ref().map(value) {
        Bound::Included(Some(value)) => Bound::Included(value),
        Bound::Excluded(Some(value)) => Bound::Excluded(value),
        _ => Bound::Unbounded,
    }
}

impl How {
    fn draw(choices: &mut StdRng) -> How {
        let count = [0, 1, 2, 3, 10, 32, 33, 60][choices.random_range(0..8)];
        let number = choices.random_range(1..4);
        let size = [1, 2, 5, 30][choices.random_range(0..4)];
        match choices.random_range(0..12) {
            0 => How::Take(count),
            1 => How::First,
            2 => How::All,
            3 | 4 => How::Newest(count),
            5 => How::Oldest(count),
            6 => How::Iter,
            7 => How::Page(number, size),
            8 => How::Existing(number, size),
            9 => How::Count,
            10 => How::IsEmpty,
            _ => How::Behind(None, count),
        }
    }
}

impl What {
    /// Adds its content to the text, and gives a number for each row that it has found.
    fn show<K: LineKey>(&self, lines: &TableView<Line<K>>, text: &mut String) -> Vec<usize> {
        let mut found: Vec<Ref<Line<K>>> = Vec::new();
        match self {
            What::Get(key) => found.extend(lines.get(K::nth(*key))),
            What::Contains(key) => drop(write!(text, "{}", lines.contains(K::nth(*key)))),
            What::All => found.extend(lines.all()),
            What::Count => drop(write!(text, "{}", lines.count())),
            What::Motto => {}
            What::Values(slot, of) => {
                let slot = *slot;
                macro_rules! values {
                    ($type:ty) => {
                        format!("{:?}", &*lines.values(Index::<Line<K>, $type>::new(slot)))
                    };
                }
                text.push_str(&match of {
                    None => values!(K),
                    Some(CellType::Number) => values!(u8),
                    Some(CellType::Signed) => values!(i64),
                    Some(CellType::Flag) => values!(bool),
                    Some(CellType::Letter) => values!(char),
                    Some(CellType::Text) => values!(String),
                    Some(CellType::Kind) => values!(Kind),
                    Some(CellType::Optional) => values!(Option<String>),
                    Some(CellType::Pair) => values!((u8, String)),
                });
            }
            What::Select { from, is_reversed, how } => {
                let selection = from.selection(lines, *is_reversed);
                match how {
                    How::Take(count) => found.extend(selection.take(*count)),
                    How::First => found.extend(selection.first()),
                    How::All => found.extend(selection.all()),
                    How::Newest(count) => found.extend(selection.newest(*count)),
                    How::Oldest(count) => found.extend(selection.oldest(*count)),
                    How::Iter => found.extend(selection.iter()),
                    How::Page(number, size) => {
                        let page = selection.page(*number, *size);
                        let _ = write!(text, "{} {} ", page.pages, page.total);
                        found.extend(page.rows);
                    }
                    How::Existing(number, size) => {
                        let page = selection.existing_page(*number, *size);
                        let _ = write!(text, "{:?} ", page.as_ref().map(|page| page.total));
                        found.extend(page.into_iter().flat_map(|page| page.rows));
                    }
                    How::Count => drop(write!(text, "{}", selection.count())),
                    How::IsEmpty => drop(write!(text, "{}", selection.is_empty())),
                    How::Behind(place, count) => {
                        let (rows, last) = selection.behind(place.as_deref(), *count);
                        let _ = write!(text, "{last:?} ");
                        found.extend(rows);
                    }
                }
            }
        }
        let _ = writeln!(text, "{found:?}");
        found.iter().map(|line| line.body.into()).collect()
    }
}
