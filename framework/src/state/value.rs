use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use super::encoding::{encode_kept, is_stable, looks_same};
use super::field::{AnyField, FieldKind, Groups, Reader, Reading, StateField};
use super::hash::{difference, item_hash};
use super::identity::Identity;
use super::kept::Kept;
use super::shape::shape_of;
use crate::packed::marked_row;

/// One value of a state, read and changed as a whole: a setting, a notice for all pages.
///
/// Every page that reads it depends on it, and becomes invalid when it changes.
///
/// ```
/// use std::convert::Infallible;
///
/// use headwater::prelude::*;
///
/// #[derive(Clone, Default, State)]
/// struct Front {
///     motto: Value<String>,
/// }
///
/// impl Updates for Front {
///     type Update = String;
///     type Output = ();
///     type Refusal = Infallible;
///
///     fn apply(&mut self, motto: String, _: &mut At) -> Result<(), Infallible> {
///         self.motto.set(motto);
///         Ok(())
///     }
/// }
///
/// #[controller("motto")]
/// async fn motto(front: Data<Front>) -> String {
///     front.motto.to_string()
/// }
/// ```
#[derive(Clone, Default)]
pub struct Value<T>(Kept<T>);

/// A [`Value`] as controllers read it; it dereferences to `T`. Passed to a template as a whole, without a
/// method of `T`, it has a mark, so that fragments that show it depend on it alone.
#[derive(Clone)]
pub struct ValueView<T> {
    value: Arc<T>,
    reader: Reader,
}

impl<T: Clone> Value<T> {
    /// Returns the value. Reads of `apply` are not reads of a page and are not recorded.
    pub fn get(&mut self) -> &T {
        &self.0.value
    }

    /// Replaces the value.
    pub fn set(&mut self, value: T) {
        self.0.replace(Arc::new(value));
    }

    /// Changes the value. If `change` panics, the value stays as it was.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = T::clone(&self.0.value);
        change(&mut value);
        self.0.replace(Arc::new(value));
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> AnyField for Value<T> {
    fn kind(&self) -> FieldKind {
        FieldKind::Value
    }

    fn identity(&self) -> Identity {
        self.0.identity.clone()
    }

    fn changes(&self, field: &str, groups: &mut Groups) {
        let Some(before) = self.0.before().map(encode_kept) else { return };
        let after = encode_kept(&*self.0.value);
        if !looks_same(&before, &after) {
            groups.names.insert(field.to_owned());
            let difference = difference(Some(&before), Some(&after));
            groups.hash_difference = groups.hash_difference.wrapping_add(difference);
        }
    }

    fn read_back(&self) -> Result<(), String> {
        self.0.read_back()
    }

    fn keep(&mut self) {
        self.0.keep();
    }

    fn undo(&mut self) {
        self.0.undo();
    }

    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        self.0.save()
    }

    fn load(&mut self, _: u32, item: &[u8]) -> Result<(), String> {
        self.0.load(item)
    }

    fn hash(&self) -> Option<u128> {
        Some(item_hash(&encode_kept(&*self.0.value)))
    }

    fn is_stable(&self) -> bool {
        is_stable(&*self.0.value)
    }
}

impl<T> StateField for Value<T>
where
    T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type View = ValueView<T>;

    fn schema() -> String {
        format!("value {:x}", shape_of::<T>())
    }

    fn view(&self, reading: &Reading<'_>, place: usize) -> ValueView<T> {
        ValueView { value: Arc::clone(&self.0.value), reader: reading.of(place) }
    }
}

impl<T> Deref for ValueView<T> {
    type Target = T;

    fn deref(&self) -> &T {
        if let Some(recorder) = &self.reader.recorder {
            recorder.value(self.reader.field);
        }
        &self.value
    }
}

impl<T: Serialize> Serialize for ValueView<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &T = self;
        match &self.reader.recorder {
            Some(_) => marked_row(self.reader.field, value, serializer),
            None => value.serialize(serializer),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}
