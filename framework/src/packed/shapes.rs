use std::collections::HashMap;
use std::sync::Arc;

use super::DEPTH;
use super::writer::{put_number, put_text};

/// The keys that objects have, each list of them once.
#[derive(Clone, Default)]
pub(super) struct Shapes {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// Each a list of numbers of names.
    shapes: Vec<Arc<[u32]>>,
    places: HashMap<Arc<[u32]>, u32>,
    /// The keys so far of all objects that are being written, the innermost last.
    open: Vec<u32>,
    /// For each depth the shape of the last object there: the next one is likely to be like it.
    last: Vec<Option<u32>>,
}

impl Shapes {
    /// An object begins; what it gives back is for the calls about this object.
    pub(super) fn begin(&self) -> usize {
        self.open.len()
    }

    /// The object that has begun with `first` has another key.
    pub(super) fn key(&mut self, first: usize, depth: usize, key: &str) {
        let expected = self.last(depth).and_then(|shape| shape.get(self.open.len() - first));
        let expected = expected.copied().filter(|name| *self.names[*name as usize] == *key);
        let name = expected.unwrap_or_else(|| self.number_of(key));
        self.open.push(name);
    }

    /// The object has ended. Returns the place of its shape.
    pub(super) fn end(&mut self, first: usize, depth: usize) -> u32 {
        let keys = &self.open[first..];
        let place = match self.last(depth) {
            Some(last) if **last == *keys => self.last[depth],
            _ => self.places.get(keys).copied(),
        };
        let place = place.unwrap_or_else(|| {
            let keys: Arc<[u32]> = keys.into();
            let place = self.shapes.len() as u32;
            self.shapes.push(Arc::clone(&keys));
            self.places.insert(keys, place);
            place
        });
        if self.last.is_empty() {
            self.last.resize(DEPTH + 1, None);
        }
        self.last[depth] = Some(place);
        self.open.truncate(first);
        place
    }

    /// No object is being written any more.
    pub(super) fn abandon(&mut self) {
        self.open.clear();
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        put_number(bytes, self.shapes.len() as u64);
        for shape in &self.shapes {
            put_number(bytes, shape.len() as u64);
            shape.iter().for_each(|name| put_text(bytes, &self.names[*name as usize]));
        }
    }

    fn last(&self, depth: usize) -> Option<&Arc<[u32]>> {
        let place = (*self.last.get(depth)?)?;
        self.shapes.get(place as usize)
    }

    fn number_of(&mut self, key: &str) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let name: Arc<str> = key.into();
        let number = self.names.len() as u32;
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }
}
