use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::encoding::{decode, encode_readable, read_back};
use super::identity::Identity;

/// A value as a whole, with its value before the current update.
#[derive(Clone, Default)]
pub(super) struct Kept<T> {
    pub(super) value: Arc<T>,
    before: Option<Arc<T>>,
    pub(super) identity: Identity,
}

impl<T> Kept<T> {
    /// Returns the value before the current update, if the update has touched it.
    pub(super) fn before(&self) -> Option<&T> {
        self.before.as_deref()
    }

    /// Replaces the value.
    pub(super) fn replace(&mut self, value: Arc<T>) {
        let before = std::mem::replace(&mut self.value, value);
        self.before.get_or_insert(before);
    }

    /// Accepts the change of the current update, which has succeeded.
    pub(super) fn keep(&mut self) {
        self.before = None;
    }

    /// Undoes the change of the current update, which has failed.
    pub(super) fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            self.value = before;
        }
    }
}

impl<T: Clone> Kept<T> {
    /// Returns the value, to be changed in place.
    pub(super) fn get_mut(&mut self) -> &mut T {
        if self.before.is_none() {
            self.before = Some(Arc::clone(&self.value));
        }
        Arc::make_mut(&mut self.value)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Kept<T> {
    /// Reads the value back, if the current update has touched it.
    pub(super) fn read_back(&self) -> Result<(), String> {
        match &self.before {
            Some(_) => read_back(&*self.value).map(drop),
            None => Ok(()),
        }
    }

    /// Returns the value's only item.
    pub(super) fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        let value = Arc::clone(&self.value);
        Box::new(std::iter::once_with(move || encode_readable(&*value)))
    }

    /// Loads the value from its item.
    pub(super) fn load(&mut self, item: &[u8]) -> Result<(), String> {
        self.value = Arc::new(decode(item)?);
        Ok(())
    }
}
