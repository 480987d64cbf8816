//! What a template may use.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use tera::value::Key;
use tera::{Context, Map, Value};

use crate::packed;

/// Names and values for one render.
///
/// A controller's values come [packed](crate::packed); what every page may use (the request's id, the language) is
/// then [`set`](Values::set) on top and wins over a value of the same name.
#[derive(Debug, Clone, Default)]
pub struct Values(Context);

impl Values {
    /// No values.
    pub fn new() -> Values {
        Values::default()
    }

    /// The members of a JSON object, read straight into the form that templates use.
    ///
    /// # Errors
    /// When `json` is not one JSON object, or is nested more than 128 deep.
    pub fn from_json(json: &[u8]) -> Result<Values, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let values = deserializer.deserialize_map(TopLevel)?;
        deserializer.end()?;
        Ok(values)
    }

    /// Values as they have come from a back end, read straight into the form that templates use.
    ///
    /// # Errors
    /// When `bytes` are not packed values.
    pub fn from_packed(bytes: &[u8]) -> Result<Values, tera::Error> {
        let mut context = Context::new();
        let read = packed::read(bytes, |name, value| {
            context.insert_value(name.to_owned(), Value::try_from_serializable(value)?);
            Ok(())
        });
        read.unwrap_or_else(|malformed| Err(tera::Error::message(malformed.to_string())))?;
        Ok(Values(context))
    }

    /// Sets one value.
    ///
    /// # Errors
    /// When `value` cannot be serialized.
    pub fn set<T: Serialize + ?Sized>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), tera::Error> {
        self.0.insert_value(name.into(), Value::try_from_serializable(value)?);
        Ok(())
    }

    /// Sets one value, unless there is one of this name already.
    ///
    /// # Errors
    /// When `value` cannot be serialized.
    pub fn offer<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), tera::Error> {
        if self.0.contains_key(name) { Ok(()) } else { self.set(name, value) }
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0
    }
}

impl From<&serde_json::Map<String, serde_json::Value>> for Values {
    fn from(map: &serde_json::Map<String, serde_json::Value>) -> Values {
        let mut context = Context::new();
        for (name, value) in map {
            context.insert_value(name.clone(), convert(value));
        }
        Values(context)
    }
}

fn convert(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::none(),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Value::from(number),
            (None, Some(number)) => Value::from(number),
            (None, None) => number.as_f64().map_or_else(Value::none, Value::from),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => {
            Value::from(items.iter().map(convert).collect::<Vec<_>>())
        }
        serde_json::Value::Object(members) => {
            let members =
                members.iter().map(|(key, value)| (Key::from(key.clone()), convert(value)));
            Value::from(members.collect::<Map>())
        }
    }
}

/// Reads the outermost object.
struct TopLevel;

impl<'de> Visitor<'de> for TopLevel {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the values of a template")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Values, A::Error> {
        let mut context = Context::new();
        while let Some(name) = members.next_key::<String>()? {
            context.insert_value(name, members.next_value_seed(Inner)?);
        }
        Ok(Values(context))
    }
}

/// Reads any value below the outermost object.
struct Inner;

impl<'de> DeserializeSeed<'de> for Inner {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inner {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::none())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Inner)? {
            all.push(item);
        }
        Ok(Value::from(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::default();
        while let Some(key) = members.next_key::<String>()? {
            all.insert(Key::from(key), members.next_value_seed(Inner)?);
        }
        Ok(Value::from(all))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Values, D::Error> {
        deserializer.deserialize_map(TopLevel).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<u64>().prop_map(serde_json::Value::from),
            any::<i32>().prop_map(|n| serde_json::Value::from(f64::from(n) / 4.0)),
            ".*".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..6)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    #[test]
    fn what_is_offered_gives_way_to_what_is_there() {
        let mut values = Values::from_json(br#"{"variant": "a size"}"#).unwrap();
        values.offer("variant", "de").unwrap();
        values.offer("other", "de").unwrap();
        let value = |name| values.context().get(name).map(ToString::to_string);
        assert_eq!(
            (value("variant").as_deref(), value("other").as_deref()),
            (Some("a size"), Some("de"))
        );
    }

    proptest! {
        #[test]
        fn json_text_and_a_json_map_give_the_same_values(value in json()) {
            let mut map = serde_json::Map::new();
            map.insert("value".to_owned(), value);
            let text = serde_json::to_vec(&map).unwrap();
            let read = Values::from_json(&text).unwrap();
            let converted = Values::from(&map);
            prop_assert_eq!(read.context(), converted.context());
        }
    }

    #[test]
    fn what_is_not_one_json_object_is_refused() {
        for text in ["", "[]", "3", "{} {}", "{\"a\":", "{\"a\":1e999}"] {
            assert!(Values::from_json(text.as_bytes()).is_err(), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Values::from_json(deep.as_bytes()).is_err());
    }
}
