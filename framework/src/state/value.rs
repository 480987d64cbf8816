use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::encoding::{decode, encode_kept, looks_same};
use super::field::{AnyField, Field, Groups, Reader, Reading};

/// One value of a state, read and changed as a whole: a setting, a notice for all pages.
///
/// Every page that reads it depends on it, and is invalid when it is another one.
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
pub struct Value<T> {
    value: Arc<T>,
    before: Option<Arc<T>>,
}

/// A [`Value`] as controllers read it: it is `T` to them.
#[derive(Clone)]
pub struct ValueView<T> {
    value: Arc<T>,
    reader: Reader,
}

impl<T: Clone> Value<T> {
    /// The value. What `apply` reads is no page's read.
    pub fn get(&mut self) -> &T {
        &self.value
    }

    /// Puts another value in its place.
    pub fn set(&mut self, value: T) {
        self.replace(Arc::new(value));
    }

    /// Changes the value. If `change` panics, it stays as it was.
    pub fn update(&mut self, change: impl FnOnce(&mut T)) {
        let mut value = T::clone(&self.value);
        change(&mut value);
        self.replace(Arc::new(value));
    }

    fn replace(&mut self, value: Arc<T>) {
        let before = std::mem::replace(&mut self.value, value);
        self.before.get_or_insert(before);
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> AnyField for Value<T> {
    fn changes(&self, field: &str, groups: &mut Groups) {
        if self.before.as_ref().is_some_and(|before| !looks_same(&**before, &*self.value)) {
            groups.0.insert(field.to_owned());
        }
    }

    fn keep(&mut self) {
        self.before = None;
    }

    fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            self.value = before;
        }
    }

    fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        saved(&self.value)
    }

    fn load(&mut self, _: u32, piece: &[u8]) -> Result<(), String> {
        self.value = Arc::new(decode(piece)?);
        Ok(())
    }
}

impl<T> Field for Value<T>
where
    T: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type View = ValueView<T>;

    fn schema() -> String {
        "value".to_owned()
    }

    fn view(&self, reading: &Reading<'_>, place: usize) -> ValueView<T> {
        ValueView { value: Arc::clone(&self.value), reader: reading.of(place) }
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

impl<T: fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The only piece of a value.
pub(super) fn saved<T: Serialize + Send + Sync + 'static>(
    value: &Arc<T>,
) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
    let value = Arc::clone(value);
    Box::new(std::iter::once_with(move || encode_kept(&*value)))
}
