//! Raw JSON within packed values.

use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::PackError;

/// The names of the structs by which serde_json represents a number of any length and raw JSON: their only
/// field is its text.
const TEXTS: [&str; 2] = ["$serde_json::private::Number", "$serde_json::private::RawValue"];

/// Returns whether the struct of this name represents JSON text.
pub(super) fn is_text(name: &str) -> bool {
    name.starts_with('$') && TEXTS.contains(&name)
}

/// Parses the text in the field of such a struct.
pub(super) fn value_of<T: Serialize + ?Sized>(field: &T) -> Result<impl Serialize, PackError> {
    let text = serde_json::to_value(field).map_err(PackError::custom)?;
    let text = text.as_str().ok_or_else(|| PackError::custom("this is not text of JSON"))?;
    serde_json::from_str::<Value>(text).map(Plain).map_err(PackError::custom)
}

/// JSON whose numbers are serialized as numbers, in whatever way serde_json would.
struct Plain<T>(T);

impl Serialize for Plain<Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Plain(&self.0).serialize(serializer)
    }
}

impl Serialize for Plain<&Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => serializer.serialize_u64(number),
                (None, Some(number)) => serializer.serialize_i64(number),
                (None, None) => number.as_f64().serialize(serializer),
            },
            Value::Array(values) => serializer.collect_seq(values.iter().map(Plain)),
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, &Plain(value))?;
                }
                map.end()
            }
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::String(text) => serializer.serialize_str(text),
        }
    }
}
