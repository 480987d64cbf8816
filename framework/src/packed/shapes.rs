use std::borrow::Cow;
use std::collections::HashMap;
use std::ptr;
use std::sync::Arc;

use super::Kind;
use super::writer::{put_number, put_text};

/// The number of names or shapes up to which they are searched linearly. Most values have no more; beyond it
/// there are maps.
const FEW: usize = 16;

/// The keys of objects; each list of keys is stored once.
#[derive(Clone, Default)]
pub(super) struct Shapes {
    /// Fields of structs are borrowed from the site's code.
    names: Vec<Cow<'static, str>>,
    /// The index of each name, once there are more than a few.
    numbers: HashMap<Cow<'static, str>, u32>,
    /// Each shape consists of its kind and the numbers of its names.
    shapes: Vec<Arc<[u32]>>,
    /// The index of each shape, once there are more than a few.
    places: HashMap<Arc<[u32]>, u32>,
    /// The shapes so far of all objects that are being written, the innermost last.
    open: Vec<u32>,
    /// The shape of the last object at each depth: the next one is likely to have the same.
    last: Vec<Option<u32>>,
}

impl Shapes {
    /// Begins an object; the result identifies it in later calls.
    pub(super) fn begin(&mut self, kind: Kind) -> usize {
        let first = self.open.len();
        self.open.push(kind as u32);
        first
    }

    /// Adds a field to the struct that began with `first`. It is usually the expected field, which is
    /// recognised by its address.
    pub(super) fn field(&mut self, first: usize, depth: usize, field: &'static str) {
        let is_it = |name: &Cow<'static, str>| match name {
            Cow::Borrowed(known) => ptr::eq(*known, field),
            Cow::Owned(_) => false,
        };
        let name = match self.expected(first, depth) {
            Some(name) if is_it(&self.names[name as usize]) => name,
            _ => self.number_of(field, || Cow::Borrowed(field)),
        };
        self.open.push(name);
    }

    /// Adds a key to the object that began with `first`.
    pub(super) fn key(&mut self, first: usize, depth: usize, key: &str) {
        let name = match self.expected(first, depth) {
            Some(name) if self.names[name as usize] == key => name,
            _ => self.number_of(key, || Cow::Owned(key.to_owned())),
        };
        self.open.push(name);
    }

    /// Returns the next name, if the object is like the last one at its depth.
    fn expected(&self, first: usize, depth: usize) -> Option<u32> {
        self.last(depth)?.get(self.open.len() - first).copied()
    }

    /// Sorts the keys of an object, and returns their order by their former places; returns `None` if they are
    /// sorted already.
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

    /// Ends the object, and returns the index of its shape.
    pub(super) fn end(&mut self, first: usize, depth: usize) -> u32 {
        let shape = &self.open[first..];
        let place = match self.last(depth) {
            Some(last) if **last == *shape => self.last[depth],
            _ if self.shapes.len() <= FEW => place_of(&self.shapes, |known| **known == *shape),
            _ => self.places.get(shape).copied(),
        };
        let place = place.unwrap_or_else(|| {
            let place = self.shapes.len() as u32;
            self.shapes.push(shape.into());
            if self.shapes.len() > FEW {
                let unknown = self.shapes.iter().zip(0..).skip(self.places.len());
                self.places.extend(unknown.map(|(shape, place)| (Arc::clone(shape), place)));
            }
            place
        });
        if self.last.len() <= depth {
            self.last.resize(depth + 1, None);
        }
        self.last[depth] = Some(place);
        self.open.truncate(first);
        place
    }

    /// Discards all objects that are being written.
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

    fn number_of(&mut self, key: &str, name: impl FnOnce() -> Cow<'static, str>) -> u32 {
        let known = match self.names.len() <= FEW {
            true => place_of(&self.names, |name| name == key),
            false => self.numbers.get(key).copied(),
        };
        known.unwrap_or_else(|| {
            let number = self.names.len() as u32;
            self.names.push(name());
            if self.names.len() > FEW {
                let unknown = self.names.iter().zip(0..).skip(self.numbers.len());
                self.numbers.extend(unknown.map(|(name, number)| (name.clone(), number)));
            }
            number
        })
    }
}

fn place_of<T>(known: &[T], is_it: impl Fn(&T) -> bool) -> Option<u32> {
    known.iter().position(is_it).map(|place| place as u32)
}
