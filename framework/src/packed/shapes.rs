use std::collections::HashMap;
use std::sync::Arc;

use super::writer::{put_number, put_text};
use super::{DEPTH, Kind};

/// The keys that objects have, each list of them once.
#[derive(Clone, Default)]
pub(super) struct Shapes {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
    /// Each begins with its kind, and goes on with the numbers of its names.
    shapes: Vec<Arc<[u32]>>,
    places: HashMap<Arc<[u32]>, u32>,
    /// The shapes so far of all objects that are being written, the innermost last.
    open: Vec<u32>,
    /// For each depth the shape of the last object there: the next one is likely to be like it.
    last: Vec<Option<u32>>,
}

impl Shapes {
    /// An object begins; what it gives back is for the calls about this object.
    pub(super) fn begin(&mut self, kind: Kind) -> usize {
        let first = self.open.len();
        self.open.push(kind as u32);
        first
    }

    /// The object that has begun with `first` has another key.
    pub(super) fn key(&mut self, first: usize, depth: usize, key: &str) {
        let expected = self.last(depth).and_then(|shape| shape.get(self.open.len() - first));
        let expected = expected.copied().filter(|name| self.name(*name) == key);
        let name = expected.unwrap_or_else(|| self.number_of(key));
        self.open.push(name);
    }

    /// The order that the keys of an object ought to be in, by the places that they are in; none if
    /// they are in it.
    pub(super) fn sort(&mut self, first: usize) -> Option<Vec<usize>> {
        let names = &self.names;
        let name = |number: &u32| &*names[*number as usize];
        let keys = &mut self.open[first + 1..];
        if keys.is_sorted_by_key(name) {
            return None;
        }
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|place| name(&keys[*place]));
        let sorted: Vec<u32> = order.iter().map(|place| keys[*place]).collect();
        keys.copy_from_slice(&sorted);
        Some(order)
    }

    /// The object has ended. Returns the place of its shape.
    pub(super) fn end(&mut self, first: usize, depth: usize) -> u32 {
        let shape = &self.open[first..];
        let place = match self.last(depth) {
            Some(last) if **last == *shape => self.last[depth],
            _ => self.places.get(shape).copied(),
        };
        let place = place.unwrap_or_else(|| {
            let shape: Arc<[u32]> = shape.into();
            let place = self.shapes.len() as u32;
            self.shapes.push(Arc::clone(&shape));
            self.places.insert(shape, place);
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
            let (kind, keys) = (shape[0], &shape[1..]);
            put_number(bytes, kind.into());
            put_number(bytes, keys.len() as u64);
            keys.iter().for_each(|name| put_text(bytes, self.name(*name)));
        }
    }

    fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
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
