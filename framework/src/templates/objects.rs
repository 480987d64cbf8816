//! What packed values become in a template.
//!
//! Tera keeps the members of an object in a map that hashes its keys with SipHash, which costs more
//! than all else that is done with most pages' values. So an object of each shape is made once, with
//! nothing for its values, and copied for each that comes: a copy hashes nothing, and shares its keys.

use tera::value::Key;
use tera::{Map, Value};

use crate::packed::Build;

/// Makes Tera's values.
#[derive(Default)]
pub(super) struct Objects {
    shapes: Vec<Shape>,
}

struct Shape {
    /// The keys, each with nothing for its value, in their order.
    empty: Map,
    /// Where the value of each key goes that comes.
    places: Vec<usize>,
}

impl Build for Objects {
    type Value = Value;
    type Object = Map;

    fn none(&mut self) -> Value {
        Value::none()
    }

    fn truth(&mut self, value: bool) -> Value {
        value.into()
    }

    fn unsigned(&mut self, value: u64) -> Value {
        value.into()
    }

    fn negative(&mut self, value: i64) -> Value {
        value.into()
    }

    fn float(&mut self, value: f64) -> Value {
        value.into()
    }

    fn text(&mut self, value: &str) -> Value {
        Value::normal_string(value)
    }

    fn list(&mut self, values: Vec<Value>) -> Value {
        values.into()
    }

    fn shape(&mut self, keys: Vec<&str>) {
        let mut sorted: Vec<usize> = (0..keys.len()).collect();
        sorted.sort_unstable_by_key(|key| keys[*key]);
        let mut empty = Map::with_capacity(keys.len());
        let mut places = vec![0; keys.len()];
        for key in sorted {
            let name = Key::String(keys[key].into());
            (places[key], _) = empty.insert_full(name, Value::none());
        }
        self.shapes.push(Shape { empty, places });
    }

    fn begin(&mut self, shape: usize) -> Map {
        self.shapes[shape].empty.clone()
    }

    fn put(&mut self, object: &mut Map, shape: usize, key: usize, value: Value) {
        let place = self.shapes[shape].places[key];
        if let Some((_, empty)) = object.get_index_mut(place) {
            *empty = value;
        }
    }

    fn end(&mut self, object: Map) -> Value {
        object.into()
    }
}
