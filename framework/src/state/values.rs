use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::packed::{marked_made, marked_read};

/// The distinct values in an index, each with the number of its rows. They dereference to a slice of pairs, and
/// are serialised as a sequence of pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values<V> {
    values: Vec<(V, usize)>,
    /// The group of the read that returned them.
    group: Option<Arc<str>>,
}

impl<V> Values<V> {
    pub(super) fn new(values: Vec<(V, usize)>, group: Option<Arc<str>>) -> Values<V> {
        Values { values, group }
    }
}

impl<V> Deref for Values<V> {
    type Target = [(V, usize)];

    fn deref(&self) -> &[(V, usize)] {
        &self.values
    }
}

impl<V> IntoIterator for Values<V> {
    type Item = (V, usize);
    type IntoIter = std::vec::IntoIter<(V, usize)>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.into_iter()
    }
}

impl<'a, V> IntoIterator for &'a Values<V> {
    type Item = &'a (V, usize);
    type IntoIter = std::slice::Iter<'a, (V, usize)>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

/// A value with its number, covered by the group as a whole.
struct Pair<'a, V>(&'a str, &'a (V, usize));

impl<V: Serialize> Serialize for Pair<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Pair(group, pair) = self;
        marked_made(group, pair, serializer)
    }
}

impl<V: Serialize> Serialize for Values<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.group {
            Some(group) => {
                let pairs: Vec<_> = self.values.iter().map(|pair| Pair(group, pair)).collect();
                marked_read(&[group], &pairs, serializer)
            }
            None => self.values.serialize(serializer),
        }
    }
}
