//! Templates see packed values as they would see JSON, for everything that serde can serialize.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::ser::{
    Serialize, SerializeMap, SerializeStruct, SerializeStructVariant, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

use super::*;
use crate::templates::Values;

/// Every kind of value that a serializer can receive.
#[derive(Debug, Clone)]
enum Sample {
    Bool(bool),
    I8(i8),
    I64(i64),
    I128(i128),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    None,
    Unit,
    UnitVariant,
    Some(Box<Sample>),
    Newtype(Box<Sample>),
    NewtypeVariant(Box<Sample>),
    List(Vec<Sample>),
    TupleStruct(Vec<Sample>),
    TupleVariant(Vec<Sample>),
    Map(Vec<(Sample, Sample)>),
    Struct(Vec<(&'static str, Sample)>),
    StructVariant(Vec<(&'static str, Sample)>),
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Sample::Bool(value) => to.serialize_bool(*value),
            Sample::I8(value) => to.serialize_i8(*value),
            Sample::I64(value) => to.serialize_i64(*value),
            Sample::I128(value) => to.serialize_i128(*value),
            Sample::U32(value) => to.serialize_u32(*value),
            Sample::U64(value) => to.serialize_u64(*value),
            Sample::U128(value) => to.serialize_u128(*value),
            Sample::F32(value) => to.serialize_f32(*value),
            Sample::F64(value) => to.serialize_f64(*value),
            Sample::Char(value) => to.serialize_char(*value),
            Sample::Text(value) => to.serialize_str(value),
            Sample::Bytes(value) => to.serialize_bytes(value),
            Sample::None => to.serialize_none(),
            Sample::Unit => to.serialize_unit(),
            Sample::UnitVariant => to.serialize_unit_variant("Weather", 1, "Rain"),
            Sample::Some(value) => to.serialize_some(value),
            Sample::Newtype(value) => to.serialize_newtype_struct("Metres", value),
            Sample::NewtypeVariant(value) => {
                to.serialize_newtype_variant("Weather", 2, "Storm", value)
            }
            Sample::List(values) => to.collect_seq(values),
            Sample::TupleStruct(values) => {
                let mut list = to.serialize_tuple_struct("Pair", values.len())?;
                values.iter().try_for_each(|value| list.serialize_field(value))?;
                list.end()
            }
            Sample::TupleVariant(values) => {
                let mut list = to.serialize_tuple_variant("Weather", 3, "Wind", values.len())?;
                values.iter().try_for_each(|value| list.serialize_field(value))?;
                list.end()
            }
            Sample::Map(members) => {
                let mut map = to.serialize_map(None)?;
                members.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Sample::Struct(fields) => {
                let mut object = to.serialize_struct("Story", fields.len())?;
                fields.iter().try_for_each(|(key, value)| object.serialize_field(key, value))?;
                object.end()
            }
            Sample::StructVariant(fields) => {
                let mut object = to.serialize_struct_variant("Weather", 4, "Sun", fields.len())?;
                fields.iter().try_for_each(|(key, value)| object.serialize_field(key, value))?;
                object.end()
            }
        }
    }
}

fn leaf() -> impl Strategy<Value = Sample> {
    prop_oneof![
        any::<bool>().prop_map(Sample::Bool),
        any::<i8>().prop_map(Sample::I8),
        any::<i64>().prop_map(Sample::I64),
        any::<i32>().prop_map(|value| Sample::I128(value.into())),
        any::<i128>().prop_map(Sample::I128),
        any::<u32>().prop_map(Sample::U32),
        any::<u64>().prop_map(Sample::U64),
        any::<u64>().prop_map(|value| Sample::U128(value.into())),
        any::<u128>().prop_map(Sample::U128),
        any::<f32>().prop_map(Sample::F32),
        any::<f64>().prop_map(Sample::F64),
        any::<char>().prop_map(Sample::Char),
        ".{0,40}".prop_map(Sample::Text),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(Sample::Bytes),
        Just(Sample::None),
        Just(Sample::Unit),
        Just(Sample::UnitVariant),
    ]
}

fn fields(
    inner: impl Strategy<Value = Sample>,
) -> impl Strategy<Value = Vec<(&'static str, Sample)>> {
    // In any order, and sometimes with duplicates.
    let name = prop::sample::select(vec!["title", "slug", "votes", "author", "a", "comments"]);
    prop::collection::vec((name, inner), 0..7)
}

fn sample() -> impl Strategy<Value = Sample> {
    leaf().prop_recursive(4, 48, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6);
        let key =
            prop_oneof![6 => "[a-e]{1,2}".prop_map(Sample::Text), 3 => leaf(), 1 => inner.clone()];
        let map = prop::collection::vec((key, inner.clone()), 0..6);
        // Similar elements, as on real pages.
        let alike = (prop::collection::vec(inner.clone(), 12), any::<bool>()).prop_map(
            |(values, backwards)| {
                let mut fields = ["votes", "title", "slug"];
                if backwards {
                    fields.reverse();
                }
                let object = |values: &[Sample]| {
                    Sample::Struct(fields.iter().copied().zip(values.iter().cloned()).collect())
                };
                Sample::List(values.chunks(3).map(object).collect())
            },
        );
        prop_oneof![
            inner.clone().prop_map(|value| Sample::Some(value.into())),
            inner.clone().prop_map(|value| Sample::Newtype(value.into())),
            inner.clone().prop_map(|value| Sample::NewtypeVariant(value.into())),
            list.clone().prop_map(Sample::List),
            list.clone().prop_map(Sample::TupleStruct),
            list.prop_map(Sample::TupleVariant),
            map.prop_map(Sample::Map),
            fields(inner.clone()).prop_map(Sample::Struct),
            fields(inner).prop_map(Sample::StructVariant),
            alike,
        ]
    })
}

/// Returns a value as a template sees it, including the kinds of numbers, with members in the order of their
/// keys.
fn seen(value: &tera::Value) -> String {
    if let Some(map) = value.as_map() {
        let members = map.iter().map(|(key, value)| (key.to_string(), seen(value)));
        return format!("{:?}", members.collect::<BTreeMap<_, _>>());
    }
    match value.as_array() {
        Some(values) => format!("{:?}", values.iter().map(seen).collect::<Vec<_>>()),
        None => format!("{value:?}"),
    }
}

fn value(values: &Values, name: &str) -> Option<String> {
    values.context().get(name).map(seen)
}

proptest! {
    #[test]
    fn a_template_sees_packed_values_like_json(values in prop::collection::vec(("[a-c]", sample()), 0..4)) {
        let mut packed = Packed::new();
        let mut json = serde_json::Map::new();
        for (name, value) in &values {
            let written = packed.insert(name, value);
            match serde_json::to_value(value) {
                Ok(value) => {
                    prop_assert_eq!(written, Ok(()));
                    json.insert(name.clone(), value);
                }
                Err(error) => prop_assert_eq!(written.unwrap_err().to_string(), error.to_string()),
            }
        }
        prop_assert_eq!(packed.to_json(), json.clone());
        let (read, through_json) = (Values::from_packed(&packed.into_bytes()), Values::of(&json).unwrap());
        let read = read.unwrap();
        for name in ["a", "b", "c"] {
            prop_assert_eq!(value(&read, name), value(&through_json, name));
        }
    }

    #[test]
    fn bytes_that_are_not_packed_values_are_refused_or_read(
        value in sample(), cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut packed = Packed::new();
        // A value that cannot be written leaves nothing, which is read too.
        let _ = packed.insert("value", &[&value, &value]);
        let mut bytes = packed.into_bytes();
        for (place, byte) in cuts {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let _ = Values::from_packed(&bytes);
        let end = end.index(bytes.len());
        let _ = Values::from_packed(&bytes[..end]);
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(0..12u8, 0..64), shapes in prop::collection::vec(0..4u8, 0..12)) {
        let _ = Values::from_packed(&bytes);
        let _ = Values::from_packed(&message(&bytes, &shapes));
    }
}

fn packed<T: Serialize>(value: &T) -> Vec<u8> {
    let mut packed = Packed::new();
    packed.insert("value", value).unwrap();
    packed.into_bytes()
}

#[test]
fn the_keys_of_similar_objects_are_written_once() {
    let story = |votes| BTreeMap::from([("comments", 3), ("votes", votes)]);
    let stories: Vec<_> = (0..100).map(story).collect();
    let bytes = packed(&stories);
    let found = |word: &[u8]| bytes.windows(word.len()).filter(|part| *part == word).count();
    assert_eq!((found(b"votes"), found(b"comments")), (1, 1));
}

#[test]
fn the_keys_of_many_kinds_of_objects_are_written_once() {
    let thing = |number: u64| BTreeMap::from([(format!("key-{number:02}"), number)]);
    let things: Vec<_> = (0..40).chain(0..40).map(thing).collect();
    let bytes = packed(&things);
    let found = |word: &[u8]| bytes.windows(word.len()).filter(|part| *part == word).count();
    assert_eq!(found(b"key-"), 40);
    let mut packed = Packed::new();
    packed.insert("things", &things).unwrap();
    assert_eq!(packed.to_json()["things"], serde_json::json!(things));
}

#[test]
fn fields_keep_their_order_and_entries_are_sorted_by_key() {
    let one = || Sample::U32(1);
    let fields = Sample::Struct(vec![("votes", one()), ("author", one())]);
    let key = |key: &str| Sample::Text(key.to_owned());
    let inner = Sample::Map(vec![(key("y"), one()), (key("x"), fields.clone())]);
    let entries = Sample::Map(vec![(key("c"), one()), (key("b"), inner), (key("a"), one())]);
    let values = Values::from_packed(&packed(&[fields, entries])).unwrap();
    let shown = values.context().get("value").unwrap().to_string();
    let fields = r#"{"votes": 1, "author": 1}"#;
    assert_eq!(shown, format!(r#"[{fields}, {{"a": 1, "b": {{"x": {fields}, "y": 1}}, "c": 1}}]"#));
}

#[test]
fn texts_of_every_length_are_read() {
    for length in [0, 1, 126, 127, 128, 129, 300, 20_000] {
        let texts = ["a".repeat(length), "b".repeat(length)];
        let mut packed = Packed::new();
        packed.insert("texts", &texts).unwrap();
        assert_eq!(packed.to_json()["texts"], serde_json::json!(texts), "{length}");
    }
}

#[test]
fn alternating_structs_keep_their_own_fields() {
    // Both have fields of one length at the same place, of which one is recognised by its address and one is
    // another.
    let one = || Sample::U32(1);
    let story = Sample::Struct(vec![("title", one()), ("votes", one())]);
    let author = Sample::Struct(vec![("place", one()), ("votes", one()), ("title", one())]);
    let turns = [&story, &author, &story, &story, &author];
    let values = Values::from_packed(&packed(&turns)).unwrap();
    let (story, author) =
        (r#"{"title": 1, "votes": 1}"#, r#"{"place": 1, "votes": 1, "title": 1}"#);
    let shown = values.context().get("value").unwrap().to_string();
    assert_eq!(shown, format!("[{story}, {author}, {story}, {story}, {author}]"));
}

#[test]
fn raw_json_is_parsed() {
    let raw = |name: &'static str, text: &str| RawJson(name, text.to_owned());
    let json = raw("$serde_json::private::RawValue", r#"{"a": [1, -2, 0.5]}"#);
    let number = raw("$serde_json::private::Number", "18446744073709551615");
    let mut packed = Packed::new();
    packed.insert("json", &json).unwrap();
    packed.insert("number", &number).unwrap();
    let read = packed.to_json();
    assert_eq!(read["json"], serde_json::json!({"a": [1, -2, 0.5]}));
    assert_eq!(read["number"], u64::MAX);
}

struct RawJson(&'static str, String);

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct(self.0, 1)?;
        object.serialize_field(self.0, &self.1)?;
        object.end()
    }
}

/// Replaces a value that cannot be written by a sign, and hides the error.
struct Forgiving<T>(T);

impl<T: Serialize> Serialize for Forgiving<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if map.serialize_entry("a", &self.0).is_err() {
            map.serialize_entry("a", "?")?;
        }
        map.end()
    }
}

#[test]
fn a_hidden_error_still_fails_the_insertion() {
    let mut packed = Packed::new();
    packed.insert("before", &1).unwrap();
    for _ in 0..3 {
        let no_key = BTreeMap::from([((1, 2), 3)]);
        assert!(packed.insert("list", &[Forgiving((1, no_key))]).is_err());
        let deep = Forgiving(Forgiving(deep(DEPTH + 3)));
        assert!(packed.insert("deep", &deep).is_err());
    }
    packed.insert("after", &Forgiving(2)).unwrap();
    let expected = serde_json::json!({"before": 1, "after": {"a": 2}});
    assert_eq!(serde_json::Value::from(packed.to_json()), expected);
}

#[test]
fn a_value_that_cannot_be_written_leaves_nothing_behind() {
    let bad = (1, BTreeMap::from([("a", [BTreeMap::from([((1, 2), 3)])])]));
    let mut packed = Packed::new();
    packed.insert("first", &1).unwrap();
    assert!(packed.insert("bad", &bad).is_err());
    packed.insert("last", &BTreeMap::from([("b", 2)])).unwrap();
    let expected = serde_json::json!({"first": 1, "last": {"b": 2}});
    assert_eq!(serde_json::Value::from(packed.to_json()), expected);
}

fn deep(levels: usize) -> serde_json::Value {
    (0..levels).fold(serde_json::Value::Null, |inner, _| vec![inner].into())
}

#[test]
fn values_nested_too_deep_are_neither_written_nor_read() {
    let mut packed = Packed::new();
    packed.insert("value", &deep(DEPTH)).unwrap();
    assert!(Values::from_packed(&packed.clone().into_bytes()).is_ok());
    assert!(packed.insert("value", &deep(DEPTH + 1)).is_err());
    let levels: Vec<u8> = (0..100_000).flat_map(|_| [LIST, 1, 0, 0, 0]).collect();
    assert_eq!(refusal(&message(&levels, &[0])), Malformed::TooDeep.to_string());
}

/// Returns a member with this value, followed by these shapes.
fn message(value: &[u8], shapes: &[u8]) -> Vec<u8> {
    let members = [&[1, b'a'], value].concat();
    [&(members.len() as u32).to_le_bytes(), &members[..], shapes].concat()
}

fn refusal(bytes: &[u8]) -> String {
    let error = Values::from_packed(bytes).unwrap_err().to_string();
    error.trim_start_matches("serialization failed: ").to_owned()
}

#[test]
fn a_later_value_replaces_an_earlier_one_with_the_same_key() {
    for kind in [Kind::Map, Kind::Struct] {
        let object = [OBJECT, 0, 0, 0, 0, TRUE, FALSE, NONE];
        let shapes = [1, kind as u8, 3, 1, b'k', 1, b'l', 1, b'k'];
        let values = Values::from_packed(&message(&object, &shapes)).unwrap();
        assert_eq!(value(&values, "a").unwrap(), r#"{"k": "None", "l": "Bool(false)"}"#);
    }
}

#[test]
fn false_lengths_allocate_no_memory() {
    const MOST: [u8; 4] = [0xff; 4];
    let list = |length: [u8; 4]| [&[LIST][..], &length].concat();
    let object = [OBJECT, 0, 0, 0, 0];
    for bytes in [
        message(&list(MOST), &[0]),
        message(&list(MOST).repeat(50), &[0]),
        message(&[TEXT, 0xff, 0xff, 0x7f], &[0]),
        message(&object, &[1, 1, 1, 1, b'k']),
        message(&[NONE], &[0xff, 0xff, 0x7f]),
        message(&[NONE], &[1, 0, 0xff, 0xff, 0x7f]),
        [&MOST[..], &[0]].concat(),
        vec![0, 0],
    ] {
        assert_eq!(refusal(&bytes), Malformed::Torn.to_string(), "{bytes:?}");
    }
    let unknown = message(&[OBJECT, 7, 0, 0, 0], &[0]);
    assert_eq!(refusal(&unknown), Malformed::UnknownShape(7).to_string());
    assert_eq!(refusal(&message(&[NONE], &[0, 0])), Malformed::TooLong.to_string());
    assert_eq!(refusal(&message(&[NONE], &[1, 2, 0])), Malformed::UnknownKind(2).to_string());
    let many = [&list((MOST_VALUES as u32).to_le_bytes())[..], &vec![NONE; MOST_VALUES]].concat();
    assert_eq!(refusal(&message(&many, &[0])), Malformed::TooMany.to_string());
}
