//! Checks whether the results of an update can be read back at the next start.
//!
//! A row is encoded when a checkpoint is made, and decoded at the start after that. A field that its type
//! writes and does not read (`skip_serializing_if` without a `default`) would be detected only there, long
//! after the update was answered. There are three places where it could be detected earlier:
//!
//! - *In `apply`*, as a refusal. But every node and every replay must produce the same result, whatever its
//!   build and however its types have changed since: a replay must not refuse an update that was answered.
//! - *Before the update is written*, on a copy of the state. Then nothing is written, and the caller receives a
//!   typed error. This applies the update twice, so it is done only in builds with debug assertions, in which
//!   sites are developed and tested.
//! - *When the checkpoint is made*: each item is read back before it counts. A checkpoint that fails replaces
//!   no records, so nothing is lost. This is always done, on the checkpoint's own thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use super::{At, Updates, WriteError};
use crate::log::Position;

/// No log has reached this position.
const POSITION: Position = Position(1 << 52);

/// Applies updates to a copy of the state, and reads back their changes. An update that is refused, or panics,
/// is skipped: applying it to the state itself has the same result.
///
/// # Errors
/// [`WriteError::NotReadable`].
pub(super) fn rehearse<S: Updates>(
    mut value: S,
    updates: Vec<S::Update>,
) -> Result<(), WriteError> {
    for (place, update) in updates.into_iter().enumerate() {
        let mut at = At::new(Position(POSITION.0 + place as u64), SystemTime::now());
        let applied = catch_unwind(AssertUnwindSafe(|| {
            let is_applied = value.apply(update, &mut at).is_ok();
            let mut unreadable = None;
            value.each_field(&mut |place, field| {
                if is_applied && let Err(reason) = field.read_back() {
                    unreadable.get_or_insert((S::FIELDS[place].0, reason));
                }
            });
            (is_applied, unreadable)
        }));
        let (is_applied, unreadable) = applied.unwrap_or_default();
        if let Some((field, reason)) = unreadable {
            return Err(WriteError::NotReadable { state: S::NAME.to_owned(), field, reason });
        }
        value.each_field(&mut |_, field| if is_applied { field.keep() } else { field.undo() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize, Serializer};

    use super::*;
    use crate::extract::DataMut;
    use crate::state::{Plain, Row, State, Table, Value, Violation};

    #[derive(Debug, Clone, Serialize, Deserialize, Row)]
    struct Note {
        #[row(key)]
        id: u64,
        #[row(index)]
        #[serde(skip_serializing_if = "Option::is_none", default)]
        tag: Option<String>,
        /// Its empty value is not written, but required on reading.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        lines: Vec<String>,
    }

    #[derive(Debug, Clone, Serialize, Deserialize, Row)]
    struct Hidden {
        #[row(key)]
        id: u64,
        #[row(index)]
        #[serde(serialize_with = "hide")]
        author: String,
    }

    fn hide<S: Serializer>(_: &str, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("")
    }

    #[derive(Debug, Clone, Default, Serialize, Deserialize)]
    struct Setting {
        #[serde(skip_serializing)]
        #[expect(dead_code, reason = "it is only to be missing")]
        colour: String,
    }

    #[derive(Clone, Default, State)]
    struct Desk {
        notes: Table<Note>,
        hidden: Table<Hidden>,
        setting: Value<u8>,
        plain: Plain<Option<Setting>>,
    }

    #[derive(Debug, Clone, Serialize, Deserialize)]
    enum Change {
        Put(u64, Vec<String>),
        Clear(u64),
        Hide(String),
        Set,
        /// Makes a note that cannot be read back, and is then refused.
        Half(u64),
        Panic,
        /// A note with its position as the key.
        Next(Vec<String>),
        /// Unreadable data in two fields.
        Both,
        /// A note without lines, unless the time is 1970-01-01T00:00:00Z.
        Timed,
    }

    impl Updates for Desk {
        type Update = Change;
        type Output = ();
        type Refusal = Violation;

        fn apply(&mut self, change: Change, at: &mut At) -> Result<(), Violation> {
            match change {
                Change::Put(id, lines) => self.notes.insert(Note { id, tag: None, lines }),
                Change::Clear(id) => self.notes.update(id, |note| note.lines.clear()),
                Change::Hide(author) => self.hidden.insert(Hidden { id: 1, author }),
                Change::Set => {
                    *self.plain = Some(Setting::default());
                    Ok(())
                }
                Change::Half(id) => {
                    self.notes.insert(Note { id, tag: None, lines: Vec::new() })?;
                    self.notes.insert(Note { id, tag: None, lines: Vec::new() })
                }
                Change::Panic => panic!("as it should"),
                Change::Next(lines) => {
                    self.notes.insert(Note { id: at.position.0, tag: None, lines })
                }
                Change::Both => {
                    self.hidden.insert(Hidden { id: 1, author: "ada".to_owned() })?;
                    self.notes.insert(Note { id: 1, tag: None, lines: Vec::new() })
                }
                Change::Timed => {
                    let lines =
                        if at.time == SystemTime::UNIX_EPOCH { lines() } else { Vec::new() };
                    self.notes.insert(Note { id: u64::MAX, tag: None, lines })
                }
            }
        }
    }

    fn lines() -> Vec<String> {
        vec!["one".to_owned()]
    }

    #[tokio::test]
    async fn an_update_whose_result_cannot_be_read_back_is_not_written() {
        let mut desk = DataMut::<Desk>::in_memory();
        desk.update(Change::Put(1, lines())).await.unwrap().unwrap();
        let refused = [
            (
                Change::Put(2, Vec::new()),
                "in `notes`: the Note with the key 2: its `Deserialize` does not",
            ),
            (Change::Clear(1), "missing field `lines`"),
            (
                Change::Hide("ada".to_owned()),
                "in `hidden`: the Hidden with the key 1: it is read back with another key",
            ),
            (
                Change::Set,
                "in `plain`: its `Deserialize` does not read what its `Serialize` writes (missing field `colour`)",
            ),
        ];
        for (change, reason) in refused {
            let error = desk.update(change).await.unwrap_err();
            assert!(matches!(error, WriteError::NotReadable { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        assert_eq!((desk.notes.count(), desk.notes.get(1).unwrap().lines.clone()), (1, lines()));
        desk.update(Change::Hide(String::new())).await.unwrap().unwrap();
        assert_eq!(desk.hidden.count(), 1, "a default value is read back unchanged");
    }

    #[tokio::test]
    async fn several_updates_are_written_together_or_not_at_all() {
        let mut desk = DataMut::<Desk>::in_memory();
        let changes = vec![Change::Put(1, lines()), Change::Clear(1)];
        assert!(matches!(desk.update_many(changes).await, Err(WriteError::NotReadable { .. })));
        assert_eq!(desk.notes.count(), 0);
        let changes =
            vec![Change::Put(1, lines()), Change::Put(1, lines()), Change::Put(2, lines())];
        let outputs = desk.update_many(changes).await.unwrap();
        assert_eq!(outputs.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        let panicked = desk.update(Change::Panic).await;
        assert!(matches!(panicked, Err(WriteError::Panicked { .. })), "{panicked:?}");
    }

    #[tokio::test]
    async fn changes_of_a_refused_update_are_not_checked_and_are_undone() {
        let mut desk = DataMut::<Desk>::in_memory();
        let refused = desk.update(Change::Half(1)).await.unwrap();
        assert!(matches!(refused, Err(Violation::Exists { .. })), "{refused:?}");
        let changes = vec![Change::Half(1), Change::Put(1, Vec::new())];
        let error = desk.update_many(changes).await.unwrap_err();
        assert!(matches!(error, WriteError::NotReadable { .. }), "{error}");
    }

    #[tokio::test]
    async fn updates_after_a_refused_or_panicked_one_are_rehearsed() {
        let mut desk = DataMut::<Desk>::in_memory();
        for changes in [
            vec![Change::Panic, Change::Put(1, Vec::new())],
            vec![Change::Put(1, lines()), Change::Half(2), Change::Clear(1)],
        ] {
            let error = desk.update_many(changes).await.unwrap_err();
            assert!(matches!(error, WriteError::NotReadable { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn each_update_is_rehearsed_at_its_own_position_and_the_present_time() {
        let mut desk = DataMut::<Desk>::in_memory();
        desk.update(Change::Next(lines())).await.unwrap().unwrap();
        for changes in [
            vec![Change::Next(Vec::new())],
            vec![Change::Next(lines()), Change::Next(Vec::new())],
            vec![Change::Timed],
        ] {
            let error = desk.update_many(changes).await.unwrap_err();
            assert!(matches!(error, WriteError::NotReadable { .. }), "{error}");
        }
    }

    #[tokio::test]
    async fn the_error_names_the_state_and_the_first_unreadable_field() {
        let error = DataMut::<Desk>::in_memory().update(Change::Both).await.unwrap_err();
        let WriteError::NotReadable { state, field, .. } = error else { panic!("{error}") };
        assert_eq!((&*state, field), (Desk::NAME, "notes"));
    }

    #[test]
    fn items_that_cannot_be_read_back_are_empty_in_a_checkpoint() {
        let mut desk = Desk::default();
        desk.notes.insert(Note { id: 1, tag: None, lines: lines() }).unwrap();
        desk.notes.insert(Note { id: 2, tag: None, lines: Vec::new() }).unwrap();
        let mut pieces = Vec::new();
        desk.each_field(&mut |_, field| {
            pieces.push(field.save().map(|piece| piece.is_empty()).collect())
        });
        assert_eq!(pieces[0], [false, true]);
        let others: &[Vec<bool>] = &pieces[1..];
        assert_eq!(others, [vec![], vec![false], vec![false]]);
    }
}
