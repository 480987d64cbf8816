//! Rows whose fields and indexes are data: [`Schema`] contains what `#[derive(Row)]` reads from a struct.

use std::fmt;

use rand::RngExt;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::state::{Encoder, IndexDefinition, Key, Lookup, OwnedKey, Row};

/// How many indexes a row may have: the last [`UNIQUE`] of them are unique.
pub(super) const SLOTS: usize = 6;
const UNIQUE: usize = 2;

/// A row as a schema describes it. Each row has its schema with it, which is the same for all rows of a table.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Line<K: LineKey> {
    pub(super) key: K,
    schema: Schema,
    pub(super) fields: Vec<Content>,
    pub(super) body: u8,
}

/// Which fields a row has, and which indexes. One that a schema lacks has no entries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Schema {
    pub(super) fields: Vec<FieldType>,
    pub(super) indexes: Vec<Option<Vec<Column>>>,
    /// How many values each field may have. The fewer, the more rows have the same one.
    spread: usize,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct FieldType {
    pub(super) of: CellType,
    /// Whether it is a `Vec`, and its indexes have an entry for `each` of its values.
    is_several: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Column {
    Key,
    Field(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum CellType {
    Number,
    Signed,
    Flag,
    Letter,
    Text,
    Kind,
    Optional,
    Pair,
}

/// A value, which is encoded and spelled as the type that it has in a struct.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Cell {
    Number(u8),
    Signed(i64),
    Flag(bool),
    Letter(char),
    Text(String),
    Kind(Kind),
    Optional(Option<String>),
    Pair((u8, String)),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Key)]
pub(super) enum Kind {
    Soup,
    Cake,
    Bread,
}

/// The content of a field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Content {
    One(Cell),
    Several(Vec<Cell>),
}

/// A row of a table whose type of key is not yet known: the key is a number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Draft {
    pub(super) key: usize,
    schema: Schema,
    fields: Vec<Content>,
    body: u8,
}

/// A type of key, with a value for each number.
pub(super) trait LineKey:
    OwnedKey + Lookup<Self> + Clone + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    fn nth(number: usize) -> Self;
}

/// Different texts for different numbers: none, the beginning of another, with bytes that groups escape, and so long
/// that groups hash them.
fn nth_text(number: usize) -> String {
    let word = ["", "a", "a\0", "ä/b*", "=<>@a", &"x".repeat(50)][number % 6].to_owned();
    match number / 6 {
        0 => word,
        more => format!("{word}{more}"),
    }
}

macro_rules! keys {
    ($($key:ty, $number:ident => $nth:expr;)*) => {$(
        impl LineKey for $key {
            fn nth($number: usize) -> $key {
                $nth
            }
        }
    )*};
}

keys! {
    u8, number => number as u8;
    i16, number => (number / 2) as i16 * if number.is_multiple_of(2) { 1 } else { -1 } - (number % 2) as i16;
    String, number => nth_text(number);
    Option<u32>, number => number.checked_sub(1).map(|number| number as u32);
    (u8, String), number => ((number % 3) as u8, nth_text(number / 3));
    (Option<char>, bool, i16), number => {
        ([None, Some('a'), Some('ß')][number % 3], number.is_multiple_of(2), i16::nth(number / 6))
    };
}

impl CellType {
    const ALL: [CellType; 8] = [
        CellType::Number,
        CellType::Signed,
        CellType::Flag,
        CellType::Letter,
        CellType::Text,
        CellType::Kind,
        CellType::Optional,
        CellType::Pair,
    ];

    fn nth(self, number: usize) -> Cell {
        match self {
            CellType::Number => Cell::Number(number as u8),
            CellType::Signed => Cell::Signed(i16::nth(number).into()),
            CellType::Flag => Cell::Flag(number.is_multiple_of(2)),
            CellType::Letter => Cell::Letter(['a', '\0', 'ß', '<'][number % 4]),
            CellType::Text => Cell::Text(nth_text(number)),
            CellType::Kind => Cell::Kind([Kind::Soup, Kind::Cake, Kind::Bread][number % 3]),
            CellType::Optional => Cell::Optional(number.checked_sub(1).map(nth_text)),
            CellType::Pair => Cell::Pair(<(u8, String)>::nth(number)),
        }
    }
}

impl Cell {
    fn as_key(&self) -> &dyn Key {
        match self {
            Cell::Number(value) => value,
            Cell::Signed(value) => value,
            Cell::Flag(value) => value,
            Cell::Letter(value) => value,
            Cell::Text(value) => value,
            Cell::Kind(value) => value,
            Cell::Optional(value) => value,
            Cell::Pair(value) => value,
        }
    }
}

impl Key for Cell {
    fn encode(&self, bytes: &mut Encoder) {
        self.as_key().encode(bytes);
    }

    fn spell(&self, text: &mut String) {
        self.as_key().spell(text);
    }

    fn show(&self, text: &mut String) {
        self.as_key().show(text);
    }
}

impl Lookup<Cell> for Cell {}

impl Schema {
    pub(super) fn draw(choices: &mut StdRng) -> Schema {
        let mut fields: Vec<FieldType> = Vec::new();
        for _ in 0..choices.random_range(1..5) {
            let of = CellType::ALL[choices.random_range(0..CellType::ALL.len())];
            fields.push(FieldType { of, is_several: choices.random_ratio(1, 4) });
        }
        let spread = [1, 2, 4, 8][choices.random_range(0..4)];
        let mut schema = Schema { fields, indexes: Vec::new(), spread };
        for slot in 0..SLOTS {
            let has = choices.random_ratio(2, 3) && (slot < SLOTS - UNIQUE || spread > 2);
            let index = has.then(|| schema.draw_index(choices));
            schema.indexes.push(index);
        }
        schema
    }

    /// Up to three columns, of which the first alone may have several values.
    fn draw_index(&self, choices: &mut StdRng) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for place in 0..choices.random_range(1..4) {
            let column = match choices.random_range(0..self.fields.len() + 1) {
                0 => Column::Key,
                field => Column::Field(field - 1),
            };
            let is_several =
                matches!(column, Column::Field(field) if self.fields[field].is_several);
            let is_allowed = place == 0 || !is_several;
            if is_allowed && !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    /// The slots of its indexes.
    pub(super) fn slots(&self) -> Vec<usize> {
        (0..SLOTS).filter(|slot| self.indexes[*slot].is_some()).collect()
    }

    /// The first column of an index that it has.
    pub(super) fn first(&self, slot: usize) -> Column {
        self.indexes[slot].as_ref().map_or(Column::Key, |columns| columns[0])
    }

    pub(super) fn draw_cell(&self, field: usize, choices: &mut StdRng) -> Cell {
        self.fields[field].of.nth(choices.random_range(0..self.spread))
    }

    pub(super) fn draw_content(&self, field: usize, choices: &mut StdRng) -> Content {
        match self.fields[field].is_several {
            false => Content::One(self.draw_cell(field, choices)),
            true => {
                let count = choices.random_range(0..4);
                Content::Several((0..count).map(|_| self.draw_cell(field, choices)).collect())
            }
        }
    }

    pub(super) fn draw_line(&self, keys: usize, choices: &mut StdRng) -> Draft {
        Draft {
            key: choices.random_range(0..keys),
            schema: self.clone(),
            fields: (0..self.fields.len()).map(|field| self.draw_content(field, choices)).collect(),
            body: choices.random_range(0..3),
        }
    }
}

impl Draft {
    pub(super) fn line<K: LineKey>(self) -> Line<K> {
        let Draft { key, schema, fields, body } = self;
        Line { key: K::nth(key), schema, fields, body }
    }
}

impl<K: LineKey> fmt::Debug for Line<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {}", self.key, self.fields, self.body)
    }
}

impl<K: LineKey> Row for Line<K> {
    type Key = K;
    const NAME: &'static str = "Line";
    const KEY: fn() -> String = K::schema;
    const INDEXES: &'static [IndexDefinition<Line<K>>] = &[
        slot::<K, 0>("i0"),
        slot::<K, 1>("i1"),
        slot::<K, 2>("i2"),
        slot::<K, 3>("i3"),
        slot::<K, 4>("i4"),
        slot::<K, 5>("i5"),
    ];

    fn with_key(&self, show: &mut dyn FnMut(&dyn Key)) {
        show(&self.key);
    }
}

const fn slot<K: LineKey, const SLOT: usize>(name: &'static str) -> IndexDefinition<Line<K>> {
    let unique = SLOT >= SLOTS - UNIQUE;
    IndexDefinition { name, columns: String::new, unique, entries: entries::<K, SLOT> }
}

/// Passes the entries of a row in the index of this slot to `show`.
fn entries<K: LineKey, const SLOT: usize>(line: &Line<K>, show: &mut dyn FnMut(&[&dyn Key])) {
    let Some(columns) = &line.schema.indexes[SLOT] else { return };
    let values = |column: &Column| -> Vec<&dyn Key> {
        match column {
            Column::Key => vec![&line.key],
            Column::Field(field) => match &line.fields[*field] {
                Content::One(cell) => vec![cell],
                Content::Several(cells) => cells.iter().map(|cell| cell as &dyn Key).collect(),
            },
        }
    };
    let order: Vec<_> = columns[1..].iter().flat_map(values).collect();
    for first in values(&columns[0]) {
        let mut columns = vec![first];
        columns.extend(&order);
        show(&columns);
    }
}
