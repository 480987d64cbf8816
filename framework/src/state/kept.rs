use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::encoding::{decode, encode_readable, read_back};
use super::identity::Identity;

/// A value as a whole, and what it was before the update under way.
#[derive(Clone, Default)]
pub(super) struct Kept<T> {
    pub(super) value: Arc<T>,
    before: Option<Arc<T>>,
    pub(super) identity: Identity,
}

impl<T> Kept<T> {
    /// What it was before the update under way, if that has touched it.
    pub(super) fn before(&self) -> Option<&T> {
        self.before.as_deref()
    }

    /// Puts another value in its place.
    pub(super) fn replace(&mut self, value: Arc<T>) {
        let before = std::mem::replace(&mut self.value, value);
        self.before.get_or_insert(before);
    }

    /// The update under way has succeeded.
    pub(super) fn keep(&mut self) {
        self.before = None;
    }

    /// The update under way has failed.
    pub(super) fn undo(&mut self) {
        if let Some(before) = self.before.take() {
            self.value = before;
        }
    }
}

impl<T: Clone> Kept<T> {
    /// The value, to be changed in its place.
    pub(super) fn get_mut(&mut self) -> &mut T {
        if self.before.is_none() {
            self.before = Some(Arc::clone(&self.value));
        }
        Arc::make_mut(&mut self.value)
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Kept<T> {
    /// Reads it back, if the update under way has touched it.
    pub(super) fn read_back(&self) -> Result<(), String> {
        match &self.before {
            Some(_) => read_back(&*self.value).map(drop),
            None => Ok(()),
        }
    }

    /// Its only item.
    pub(super) fn save(&self) -> Box<dyn Iterator<Item = Vec<u8>> + Send> {
        let value = Arc::clone(&self.value);
        Box::new(std::iter::once_with(move || encode_readable(&*value)))
    }

    /// Takes its item.
    pub(super) fn load(&mut self, item: &[u8]) -> Result<(), String> {
        self.value = Arc::new(decode(item)?);
        Ok(())
    }
}
