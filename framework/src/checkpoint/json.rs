//! MessagePack as JSON, and back, without a type.
//!
//! JSON lacks some values of MessagePack: binary data, keys that are not strings, floating-point numbers that
//! have 32 bits or are not finite. These become an object with a single key that begins with `$`. Bytes that
//! are not one value in MessagePack's shortest form become `{"$hex": "…"}`. So reading always returns, byte for
//! byte, the bytes that were written.

use std::fmt;

use rmpv::Value;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The maximum depth of values.
const DEEPEST: usize = 100;

/// An encoded value that serde writes as JSON, and reads from JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// A decoded value.
    Value(Value),
    /// Bytes that are not one value in its shortest form.
    Other(Vec<u8>),
}

impl Item {
    /// Decodes bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Item {
        let mut rest = bytes;
        let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEEPEST).ok();
        let value = value.filter(|value| rest.is_empty() && is_text(value));
        let item = value.map(Item::Value);
        let item = item.filter(|item| item.encode().is_ok_and(|encoded| encoded == bytes));
        item.unwrap_or_else(|| Item::Other(bytes.to_vec()))
    }

    /// Returns the bytes of the item.
    ///
    /// # Errors
    /// When the value cannot be encoded.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        match self {
            Item::Value(value) => {
                let mut bytes = Vec::new();
                rmpv::encode::write_value(&mut bytes, value).map_err(|error| error.to_string())?;
                Ok(bytes)
            }
            Item::Other(bytes) => Ok(bytes.clone()),
        }
    }
}

/// Returns whether all strings of the value are UTF-8.
fn is_text(value: &Value) -> bool {
    match value {
        Value::String(text) => text.as_str().is_some(),
        Value::Array(values) => values.iter().all(is_text),
        Value::Map(entries) => entries.iter().all(|(key, value)| is_text(key) && is_text(value)),
        _ => true,
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Item::Value(value) => Shown(value).serialize(serializer),
            Item::Other(bytes) => tagged(serializer, "$hex", &hex(bytes)),
        }
    }
}

fn tagged<S: Serializer>(
    serializer: S,
    tag: &str,
    value: &impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, value)?;
    map.end()
}

struct Shown<'a>(&'a Value);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Nil => serializer.serialize_unit(),
            Value::Boolean(yes) => serializer.serialize_bool(*yes),
            Value::Integer(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => serializer.serialize_u64(number),
                (None, number) => serializer.serialize_i64(number.unwrap_or_default()),
            },
            Value::F32(number) => tagged(serializer, "$f32", &hex(&number.to_be_bytes())),
            Value::F64(number) if number.is_finite() => serializer.serialize_f64(*number),
            Value::F64(number) => tagged(serializer, "$f64", &hex(&number.to_be_bytes())),
            Value::String(text) => serializer.serialize_str(text.as_str().unwrap_or_default()),
            Value::Binary(bytes) => tagged(serializer, "$bytes", &hex(bytes)),
            Value::Ext(kind, bytes) => tagged(serializer, "$ext", &(kind, hex(bytes))),
            Value::Array(values) => serializer.collect_seq(values.iter().map(Shown)),
            Value::Map(entries) if is_object(entries) => serializer.collect_map(
                entries.iter().map(|(key, value)| (key.as_str().unwrap_or_default(), Shown(value))),
            ),
            Value::Map(entries) => {
                let entry = |(key, value)| (Shown(key), Shown(value));
                let entries = entries.iter().map(|(key, value)| entry((key, value)));
                tagged(serializer, "$map", &entries.collect::<Vec<_>>())
            }
        }
    }
}

/// Returns whether a map can be written as an object: its keys are strings, and it does not look like a tagged
/// value.
fn is_object(entries: &[(Value, Value)]) -> bool {
    let is_tagged = |key: &str| entries.len() == 1 && key.starts_with('$');
    entries.iter().all(|(key, _)| key.as_str().is_some_and(|key| !is_tagged(key)))
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        let Read(value) = Read::deserialize(deserializer)?;
        if let Value::Map(entries) = &value
            && let [(key, Value::String(text))] = &entries[..]
            && key.as_str() == Some("$hex")
        {
            let bytes = unhex(text.as_str().unwrap_or_default());
            return bytes.map(Item::Other).map_err(D::Error::custom);
        }
        untagged(value).map(Item::Value).map_err(D::Error::custom)
    }
}

/// Untyped JSON, in which tagged values are not decoded yet.
struct Read(Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Read, D::Error> {
        deserializer.deserialize_any(Reading).map(Read)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Boolean(yes))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::F64(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Read(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Read(value))) = map.next_entry::<String, Read>()? {
            entries.push((Value::from(key), value));
        }
        Ok(Value::Map(entries))
    }
}

/// Decodes JSON that may contain tagged values.
fn untagged(value: Value) -> Result<Value, String> {
    let entries = match value {
        Value::Array(values) => {
            return values.into_iter().map(untagged).collect::<Result<_, _>>().map(Value::Array);
        }
        Value::Map(entries) => entries,
        value => return Ok(value),
    };
    if let [(key, inner)] = &entries[..]
        && let Some(tag) = key.as_str().filter(|key| key.starts_with('$'))
    {
        return value_of(tag, inner).ok_or_else(|| format!("the value of `{tag}` is wrong"));
    }
    let entry = |(key, value)| Ok((key, untagged(value)?));
    entries.into_iter().map(entry).collect::<Result<_, String>>().map(Value::Map)
}

fn value_of(tag: &str, inner: &Value) -> Option<Value> {
    let bytes = |value: &Value| unhex(value.as_str()?).ok();
    Some(match tag {
        "$f32" => Value::F32(f32::from_be_bytes(bytes(inner)?.try_into().ok()?)),
        "$f64" => Value::F64(f64::from_be_bytes(bytes(inner)?.try_into().ok()?)),
        "$bytes" => Value::Binary(bytes(inner)?),
        "$ext" => match &inner.as_array()?[..] {
            [kind, content] => Value::Ext(kind.as_i64()?.try_into().ok()?, bytes(content)?),
            _ => return None,
        },
        "$map" => {
            let entry = |entry: &Value| match &entry.as_array()?[..] {
                [key, value] => Some((untagged(key.clone()).ok()?, untagged(value.clone()).ok()?)),
                _ => None,
            };
            Value::Map(inner.as_array()?.iter().map(entry).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// Returns bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.extend(
            [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[digit as usize])),
        );
        text
    })
}

/// Parses hexadecimal digits.
pub(super) fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let digits = digits.ok_or("these are not pairs of hexadecimal digits")?;
    Ok(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(value: &Value) -> Vec<u8> {
        Item::Value(value.clone()).encode().unwrap()
    }

    fn to_json(bytes: &[u8]) -> String {
        serde_json::to_string(&Item::decode(bytes)).unwrap()
    }

    fn from_json(json: &str) -> Result<Vec<u8>, String> {
        let item = serde_json::from_str::<Item>(json).map_err(|error| error.to_string())?;
        item.encode()
    }

    #[test]
    fn a_named_value_is_written_as_plain_json() {
        let entry = |key: &str, value: Value| (Value::from(key), value);
        let value = Value::Map(vec![
            entry("slug", "soup".into()),
            entry("tags", Value::Array(vec!["a".into(), Value::Nil])),
            entry("created", Value::from(7)),
            entry("price", Value::F64(1.5)),
        ]);
        let shown = r#"{"slug":"soup","tags":["a",null],"created":7,"price":1.5}"#;
        assert_eq!(to_json(&bytes(&value)), shown);
        assert_eq!(from_json(shown), Ok(bytes(&value)));
    }

    #[test]
    fn values_that_json_lacks_are_tagged() {
        for (value, shown) in [
            (Value::Binary(vec![1, 255]), r#"{"$bytes":"01ff"}"#),
            (Value::Map(vec![(1.into(), 2.into())]), r#"{"$map":[[1,2]]}"#),
            (Value::Map(vec![("$bytes".into(), "00".into())]), r#"{"$map":[["$bytes","00"]]}"#),
            (Value::F32(0.1), r#"{"$f32":"3dcccccd"}"#),
            (Value::F64(f64::INFINITY), r#"{"$f64":"7ff0000000000000"}"#),
            (Value::Ext(-1, vec![0; 4]), r#"{"$ext":[-1,"00000000"]}"#),
        ] {
            let bytes = bytes(&value);
            assert_eq!(to_json(&bytes), shown);
            assert_eq!(from_json(&to_json(&bytes)), Ok(bytes), "{shown}");
        }
    }

    #[test]
    fn bytes_that_are_no_value_are_written_in_hexadecimal() {
        // The encoding of postcard for the first variant with a string.
        assert_eq!(to_json(b"\x00\x04soup"), r#"{"$hex":"0004736f7570"}"#);
        // A number in more bytes than it needs.
        assert_eq!(to_json(&[0xcc, 1]), r#"{"$hex":"cc01"}"#);
        assert_eq!(to_json(&[]), r#"{"$hex":""}"#);
        // A string that is not UTF-8.
        assert_eq!(to_json(&[0xa1, 0xff]), r#"{"$hex":"a1ff"}"#);
        let deep = [vec![0x91; 100_000], vec![0]].concat();
        assert!(to_json(&deep).starts_with(r#"{"$hex":"9191"#));
    }

    proptest! {
        #[test]
        fn any_bytes_round_trip(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(from_json(&to_json(&bytes)), Ok(bytes));
        }

        #[test]
        fn any_number_round_trips(bits in any::<u64>()) {
            let bytes = bytes(&Value::F64(f64::from_bits(bits)));
            prop_assert_eq!(from_json(&to_json(&bytes)), Ok(bytes));
        }

        #[test]
        fn any_json_is_an_error_or_read(text in r#"\{"\$(hex|map|ext|f32|f64|bytes|other)":("[0-9a-fxö]*"|\[[0-9,]{0,3}\]|1)\}"#) {
            let _ = from_json(&text);
        }
    }
}
