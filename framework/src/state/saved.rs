//! The states in the form that a checkpoint stores: field by field, item by item.

use super::repeats::Repeats;
use super::{State, States};

/// The names of the state and the field that contain the updates that may be repeated. No state of a site has
/// this name.
pub(super) const REPEATS: (&str, &str) = ("headwater", "repeats");

/// A state in the form that a checkpoint stores.
pub(crate) struct SavedState {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its fields.
    pub(crate) fields: Vec<SavedField>,
}

/// A field in the form that a checkpoint stores.
pub(crate) struct SavedField {
    /// Its name.
    pub(crate) name: &'static str,
    /// The version of its items.
    pub(crate) version: u32,
    /// The hash that updates have adjusted, if the field has one.
    pub(crate) hash: Option<u128>,
    /// The field's contents, with an item for each row. They are read from a snapshot, while the field may
    /// change.
    pub(crate) items: Box<dyn Iterator<Item = Vec<u8>> + Send>,
}

impl States {
    /// Returns all states as they are published. The log's records must not be applied meanwhile.
    pub(crate) fn save(&self) -> Vec<SavedState> {
        let mut states: Vec<SavedState> = self
            .by_name
            .iter()
            .map(|(name, state)| SavedState { name, fields: state.store.save() })
            .collect();
        let items = Box::new(self.repeats().save());
        let repeats = SavedField { name: REPEATS.1, version: 1, hash: None, items };
        states.push(SavedState { name: REPEATS.0, fields: vec![repeats] });
        states.sort_unstable_by_key(|state| state.name);
        states
    }

    /// Resets all states to their value before the first update. Readers see it after
    /// [`publish`](States::publish).
    pub(crate) fn reset(&self) {
        self.by_name.values().for_each(|registered| registered.store.reset());
        *self.repeats() = Repeats::default();
    }

    /// Loads an item of a field, into states that were [reset](States::reset). [`loaded`](States::loaded) must
    /// follow the last item.
    ///
    /// # Errors
    /// When the site no longer has this state or field, or the item cannot be read. The message names both and
    /// explains what to do.
    pub(crate) fn load(
        &self,
        state: &str,
        field: &str,
        version: u32,
        item: &[u8],
    ) -> Result<(), String> {
        if (state, field) == REPEATS {
            return self.repeats().load(item);
        }
        let known = self.by_name.get(state).ok_or_else(|| {
            format!(
                "the site has no state \"{state}\", whose field `{field}` would be lost: register it with \
                 `App::state`, under the `NAME` that it had"
            )
        })?;
        let loaded = known.store.load(field, version, item);
        loaded.map_err(|reason| format!("the state \"{state}\", `{field}`: {reason}"))
    }

    /// Completes the states after all items were [loaded](States::load). Readers see them after
    /// [`publish`](States::publish).
    ///
    /// # Errors
    /// When the items contradict each other. The message names state and field.
    pub(crate) fn loaded(&self) -> Result<(), String> {
        self.by_name.iter().try_for_each(|(state, known)| {
            let loaded = known.store.loaded();
            loaded.map_err(|reason| format!("the state \"{state}\", {reason}"))
        })
    }
}

pub(super) fn save<S: State>(value: &S, hashes: &[Option<u128>]) -> Vec<SavedField> {
    let mut fields = Vec::with_capacity(S::FIELDS.len());
    // A clone shares its contents.
    value.clone().each_field(&mut |place, field| {
        let (name, _) = S::FIELDS[place];
        let (version, items) = (field.version(), field.save());
        fields.push(SavedField { name, version, hash: hashes[place], items });
    });
    fields
}

pub(super) fn load<S: State>(
    value: &mut S,
    field: &str,
    version: u32,
    item: &[u8],
) -> Result<(), String> {
    let mut loaded =
        Err("there is no such field any more, so its content would be lost: keep the field"
            .to_owned());
    value.each_field(&mut |place, known| {
        if S::FIELDS[place].0 == field {
            loaded = known.load(version, item);
        }
    });
    loaded
}

pub(super) fn loaded<S: State>(value: &mut S) -> Result<(), String> {
    let mut loaded = Ok(());
    value.each_field(&mut |place, field| {
        if loaded.is_ok() {
            loaded = field.loaded().map_err(|reason| format!("`{}`: {reason}", S::FIELDS[place].0));
        }
    });
    loaded
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::state::encoding::encode_kept;
    use crate::state::field::AnyField;
    use crate::state::{Plain, Row, Table, Value};

    #[derive(Clone, Serialize, Deserialize, Row)]
    struct StoryV1 {
        #[row(key)]
        id: u64,
        name: String,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(version = 2, from = StoryV1)]
    struct Story {
        #[row(key)]
        id: u64,
        #[row(index)]
        title: String,
        #[serde(default)]
        words: usize,
    }

    impl From<StoryV1> for Story {
        fn from(StoryV1 { id, name }: StoryV1) -> Story {
            Story { id, title: name, words: 0 }
        }
    }

    #[derive(Clone, Default, State)]
    struct Before {
        stories: Table<StoryV1>,
        motto: Value<String>,
    }

    #[derive(Clone, Default, State)]
    struct Now {
        stories: Table<Story>,
        motto: Value<String>,
        extra: Plain<u64>,
    }

    fn items(value: &impl State) -> Vec<(&'static str, u32, Vec<u8>)> {
        let fields = save(value, &[None; 3]).into_iter();
        fields
            .flat_map(|field| field.items.map(move |item| (field.name, field.version, item)))
            .collect()
    }

    #[test]
    fn saved_states_are_loaded() {
        let mut now = Now::default();
        for id in 1..=3 {
            let title = format!("Story {id}");
            now.stories.insert(Story { id, title, words: 7 }).unwrap();
        }
        now.motto.set("Yes".to_owned());
        *now.extra = 9;
        let mut again = Now::default();
        for (field, version, item) in items(&now) {
            load(&mut again, field, version, &item).unwrap();
        }
        loaded(&mut again).unwrap();
        let rows = |now: &mut Now| {
            now.stories.read().all().into_iter().map(|row| row.into_row()).collect::<Vec<_>>()
        };
        assert_eq!(rows(&mut again), rows(&mut now));
        assert_eq!(again.stories.read().of(Story::TITLE, "Story 2").count(), 1);
        assert_eq!((again.motto.get().as_str(), *again.extra), ("Yes", 9));
    }

    #[test]
    fn rows_of_an_earlier_version_are_read_by_their_migration() {
        let mut before = Before::default();
        before.stories.insert(StoryV1 { id: 1, name: "Rain".to_owned() }).unwrap();
        let mut now = Now::default();
        for (field, version, item) in items(&before) {
            load(&mut now, field, version, &item).unwrap();
        }
        loaded(&mut now).unwrap();
        let expected = Story { id: 1, title: "Rain".to_owned(), words: 0 };
        assert_eq!(now.stories.get(1).unwrap().into_row(), expected);
    }

    #[test]
    fn rows_that_do_not_fit_one_another_are_refused() {
        #[derive(Clone, Serialize, Deserialize, Row)]
        struct Loose {
            #[row(key)]
            id: u64,
            title: u64,
        }
        #[derive(Clone, Serialize, Deserialize, Row)]
        struct Strict {
            #[row(key)]
            id: u64,
            #[row(unique)]
            title: u64,
        }
        let loaded_of = |rows: &[(u64, u64)]| {
            let mut strict = Table::<Strict>::default();
            rows.iter().try_for_each(|(id, title)| {
                let piece = encode_kept(&Loose { id: *id, title: *title });
                strict.load(1, &piece)
            })?;
            strict.loaded()?;
            Ok::<_, String>(strict)
        };
        let rows: Vec<_> = (0..500).map(|id| (id, 1000 - id)).collect();
        let mut strict = loaded_of(&rows).ok().unwrap();
        assert_eq!(strict.read().of(Strict::TITLE, 1000 - 77).first().unwrap().id, 77);
        let doubled = |row: (u64, u64)| {
            let rows: Vec<_> = rows.iter().copied().chain([row]).collect();
            loaded_of(&rows).err().unwrap()
        };
        assert_eq!(doubled((500, 990)), "there is another Strict with the title 990");
        assert!(doubled((7, 2000)).contains("7"));
    }

    #[test]
    fn unknown_fields_and_versions_are_named() {
        let mut now = Now::default();
        let gone = load(&mut now, "gone", 1, &[]).unwrap_err();
        assert!(gone.contains("there is no such field any more"), "{gone}");
        let newer = load(&mut now, "stories", 3, &[]).unwrap_err();
        assert!(newer.contains("version 3, and this program reads it up to version 2"), "{newer}");
        let wrong = load(&mut now, "motto", 1, &[0xc1]);
        assert!(wrong.is_err());
    }
}
