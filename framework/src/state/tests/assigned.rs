//! Updates that assign to a field, or to the whole state, instead of changing its contents.

use serde::{Deserialize, Serialize};

use crate::log::{ApplyError, Position, Record};
use crate::state::{At, Plain, Row, State, States, Store, Table, Updates, Value, Violation};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
struct Line {
    #[row(key)]
    id: u64,
    #[row(unique)]
    text: String,
}

#[derive(Clone, Default, State)]
struct Book {
    today: Table<Line>,
    yesterday: Table<Line>,
    motto: Value<String>,
    notes: Plain<Vec<u64>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Change {
    Add(u64),
    Long(String),
    Table,
    Taken,
    Swapped,
    Motto,
    Notes,
    Whole,
    Clone,
}

#[derive(Serialize, Deserialize)]
struct Assigned {
    change: Change,
    then_refused: bool,
}

impl Updates for Book {
    type Update = Assigned;
    type Output = ();
    type Refusal = Violation;

    fn apply(
        &mut self,
        Assigned { change, then_refused }: Assigned,
        _: &mut At,
    ) -> Result<(), Violation> {
        match change {
            Change::Add(id) => {
                self.today.insert(Line { id, text: format!("Line {id}") })?;
                self.motto.set(id.to_string());
                self.notes.push(id);
            }
            Change::Long(text) => self.motto.set(text.len().to_string()),
            Change::Table => self.today = Table::default(),
            Change::Taken => {
                let mut old = std::mem::take(&mut self.today);
                for line in old.read().all() {
                    self.today.insert(Line { text: "the same".to_owned(), ..line.into_row() })?;
                }
            }
            Change::Swapped => std::mem::swap(&mut self.today, &mut self.yesterday),
            Change::Motto => self.motto = Value::default(),
            Change::Notes => self.notes = Plain::default(),
            Change::Whole => *self = Book::default(),
            Change::Clone => self.yesterday = self.today.clone(),
        }
        match then_refused {
            true => self.today.remove(99).map(drop),
            false => Ok(()),
        }
    }
}

fn shown(store: &Store<Book>) -> (Vec<u64>, Vec<u64>, String, Vec<u64>) {
    let view = store.view(None);
    let ids = |rows: crate::state::Rows<Line>| rows.iter().map(|line| line.id).collect();
    let found = view.today.of(Line::TEXT, "Line 1").count();
    assert_eq!(found, 1, "the index is there, too");
    (ids(view.today.all()), ids(view.yesterday.all()), view.motto.to_string(), view.notes.to_vec())
}

#[test]
fn an_update_that_assigns_to_a_field_is_undone_and_the_error_names_the_methods() {
    use Change::*;
    for change in [Table, Taken, Swapped, Motto, Notes, Whole, Clone] {
        for then_refused in [false, true] {
            let mut states = States::new();
            let store = states.register::<Book>().unwrap();
            let mut position = 0;
            let mut apply = |change, then_refused| {
                position += 1;
                let content = store.draft(&Assigned { change, then_refused }).unwrap();
                states.apply(&Record { position: Position(position), time: 0, content })
            };
            apply(Add(1), false).unwrap();
            states.publish();
            // No reader has seen this one yet.
            apply(Add(2), false).unwrap();
            let refused = apply(change.clone(), then_refused);
            apply(Add(3), false).unwrap();
            let again = apply(change.clone(), then_refused);
            states.publish();
            let expected = (vec![1, 2, 3], vec![], "3".to_owned(), vec![1, 2, 3]);
            assert_eq!(shown(&store), expected, "{change:?} {then_refused}");
            for refused in [refused, again] {
                match refused {
                    Err(ApplyError::Panicked { message }) => {
                        assert!(message.contains("`clear`"), "{change:?}: {message}");
                    }
                    Err(other) => panic!("{change:?}: {other}"),
                    Ok(_) => panic!("{change:?} is accepted"),
                }
            }
        }
    }
}

#[test]
fn a_value_is_rebuilt_from_many_updates() {
    let mut states = States::new();
    let store = states.register::<Book>().unwrap();
    let apply = |position, change| {
        let content = store.draft(&Assigned { change, then_refused: false }).unwrap();
        states.apply(&Record { position: Position(position), time: 0, content })
    };
    for position in 1..=700 {
        apply(position, Change::Add(position)).unwrap();
        if position % 100 == 0 {
            apply(position, Change::Long("x".repeat(1 << 20))).unwrap();
        }
    }
    assert!(apply(701, Change::Whole).is_err());
    states.publish();
    let (today, _, motto, _) = shown(&store);
    assert_eq!((today, motto), ((1..=700).collect::<Vec<_>>(), (1 << 20).to_string()));
}
