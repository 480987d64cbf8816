//! Finds the marks that cover the values of a page.
//!
//! # How a mark stays with its value
//!
//! Tera's values have no room for a mark. But every list and every object is one allocation that its copies share, so
//! its address identifies it wherever a template carries it: in a loop variable, a `set`, an include, the argument of
//! a component. The result of a filter or an operator is a new allocation, without a mark. The page's values live as
//! long as the render, so no address is reused.
//!
//! Empty lists and objects may share an address, and text, numbers and null have none. Such a value is found by the
//! list or object that contains it, or, at the top level of a page's values, by its name, if no template binds this
//! name.
//!
//! The values themselves contain none of this, so no template can show, count or make a mark.
//!
//! # Coverage
//!
//! - A [`Row`](MarkKind::Row) covers everything inside it, and so does a value that was [made](MarkKind::Made) of a
//!   row.
//! - A [`Read`](MarkKind::Read) covers its value and the direct content, but no list or object inside it: a row that
//!   has lost its mark must not appear covered by the list around it.
//! - If several marks surround a value, the innermost that covers it counts; two marks on one value count both.

use std::collections::HashMap;
use std::sync::Arc;

use tera::value::Key;
use tera::{Context, Value};

use crate::packed::{Malformed, MarkKind, MarkedNode, MarkedValue, walk};

/// The mark of a value.
#[derive(Debug, Default)]
pub(super) struct Mark {
    /// The group of the row that the value is, or is inside.
    pub(super) row: Option<Arc<str>>,
    pub(super) groups: Vec<Arc<str>>,
    /// Whether the value was made of the row, so that only its own content identifies it.
    pub(super) is_made: bool,
    /// Whether there are other marks inside it.
    pub(super) has_marks: bool,
}

/// The marks that cover the values of a page.
#[derive(Debug, Default)]
pub(super) struct Marked {
    marks: Vec<Mark>,
    /// Marks of non-empty lists and objects, by address.
    containers: HashMap<usize, usize>,
    /// Marks of other values, by the address of the object that contains them, or [`PAGE`], and their field.
    fields: HashMap<usize, HashMap<Box<str>, usize>>,
    /// Marks of other values in lists, by the list's address and the index.
    elements: HashMap<(usize, usize), usize>,
}

/// Stands for the address of the page's top-level values; no allocation has this address.
pub(super) const PAGE: usize = 0;

/// The position of a value in a list or an object.
#[derive(Debug, Clone, Copy)]
enum Slot<'a> {
    Field(&'a str),
    Index(usize),
}

/// Returns the address that identifies a list or object; `None` for other values and empty ones.
pub(super) fn address(value: &Value) -> Option<usize> {
    if let Some(map) = value.as_map().filter(|map| !map.is_empty()) {
        return Some(std::ptr::from_ref(map).addr());
    }
    value.as_array().filter(|list| !list.is_empty()).map(|list| list.as_ptr().addr())
}

impl Marked {
    /// Finds the marks of the values in `context`, which were received as `packed`. The names in `set` were set
    /// afterwards and replace the received values.
    ///
    /// # Errors
    /// Fails when `packed` is malformed.
    pub(super) fn of(
        packed: &[u8],
        context: &Context,
        set: &[String],
    ) -> Result<Marked, Malformed> {
        let mut marked = Marked::default();
        walk(packed, |name, node| {
            let value = context.get(name).filter(|_| !set.iter().any(|set| set == name));
            marked.add(node, value, None, (PAGE, Slot::Field(name)))
        })?;
        Ok(marked)
    }

    /// Returns the mark that covers this list or object.
    pub(super) fn container(&self, address: usize) -> Option<&Mark> {
        self.containers.get(&address).map(|mark| &self.marks[*mark])
    }

    /// Returns the mark of a field of an object, if its value is not a list or object itself.
    pub(super) fn field(&self, object: usize, field: &str) -> Option<&Mark> {
        self.fields.get(&object)?.get(field).map(|mark| &self.marks[*mark])
    }

    /// Returns the mark of an element of a list, if it is not a list or object itself.
    pub(super) fn element(&self, list: usize, index: usize) -> Option<&Mark> {
        self.elements.get(&(list, index)).map(|mark| &self.marks[*mark])
    }

    /// Adds the marks of a value and its content. `value` is its current form, `None` if that is unknown; `row` is
    /// the mark of the surrounding row.
    fn add(
        &mut self,
        node: &MarkedNode<'_>,
        value: Option<&Value>,
        row: Option<usize>,
        (within, slot): (usize, Slot<'_>),
    ) -> Result<(), Malformed> {
        let mut own: Option<Mark> = None;
        let read = node.next(|kind, group| {
            let mark = own.get_or_insert_default();
            let Some(group) = group else { return };
            let group = Arc::from(group);
            if matches!(kind, MarkKind::Row | MarkKind::Made) {
                mark.row = Some(Arc::clone(&group));
            }
            mark.is_made |= kind == MarkKind::Made;
            mark.groups.push(group);
        })?;
        let is_row = own.as_ref().is_some_and(|own| own.row.is_some());
        let own = own.map(|own| {
            self.marks.push(own);
            self.marks.len() - 1
        });
        let so_far = self.marks.len();
        let at = value.and_then(address);
        match (at, own.or(row)) {
            (Some(address), Some(mark)) => {
                self.containers.insert(address, mark);
            }
            (None, Some(mark)) if value.is_some() && own.is_some() => match slot {
                Slot::Field(field) => {
                    self.fields.entry(within).or_default().insert(field.into(), mark);
                }
                Slot::Index(index) => {
                    self.elements.insert((within, index), mark);
                }
            },
            _ => {}
        }
        let row = own.filter(|_| is_row).or(row);
        match read {
            MarkedValue::Scalar => {}
            MarkedValue::List(length) => {
                let list = value.and_then(Value::as_array).filter(|list| list.len() == length);
                for index in 0..length {
                    let value = list.and_then(|list| list.get(index));
                    self.add(node, value, row, (at.unwrap_or(PAGE), Slot::Index(index)))?;
                }
            }
            MarkedValue::Object(keys) => {
                // If a key occurs twice, the object contains only one of the two values.
                let map = value.and_then(Value::as_map).filter(|map| map.len() == keys.len());
                for key in keys {
                    let value = map.and_then(|map| map.get(&Key::Str(key)));
                    self.add(node, value, row, (at.unwrap_or(PAGE), Slot::Field(key)))?;
                }
            }
        }
        if let Some(own) = own {
            self.marks[own].has_marks = self.marks.len() > so_far;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use serde::{Serialize, Serializer};

    use super::address;
    use crate::packed::{self, Packed};
    use crate::templates::Values;

    struct Row;

    impl Serialize for Row {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            packed::marked_row("t/a", &serde_json::json!({ "a": [1, { "b": "c" }] }), to)
        }
    }

    #[test]
    fn the_marks_of_a_long_list_are_found_in_time() {
        struct Title(usize);
        impl Serialize for Title {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                packed::marked_row(&format!("t/{}", self.0), "x", to)
            }
        }
        let titles: Vec<Title> = (0..30_000).map(Title).collect();
        let mut packed = Packed::new();
        packed.insert("titles", &titles).unwrap();
        let values = Values::from_packed(&packed.into_bytes()).unwrap();
        let marked = values.marked();
        let list = address(values.context().get("titles").unwrap()).unwrap();
        let begun = Instant::now();
        for index in 0..titles.len() {
            let row = marked.element(list, index).unwrap().row.clone();
            assert_eq!(row.unwrap().strip_prefix("t/"), Some(&*index.to_string()));
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_search_for_marks_panic(
            changes in prop::collection::vec((0..200_usize, any::<u8>()), 0..6),
        ) {
            let mut packed = Packed::new();
            packed.insert("row", &Row).unwrap();
            packed.insert("rows", &[Row, Row]).unwrap();
            let mut bytes = packed.into_bytes();
            for (at, byte) in changes {
                let length = bytes.len();
                bytes[at % length] = byte;
            }
            if let Ok(values) = Values::from_packed(&bytes) {
                values.marked();
            }
        }
    }
}
