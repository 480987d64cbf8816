use std::borrow::Cow;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use super::decode_error::DecodeError;
use super::spelling::{Reads, ReadsCell, Written};
use super::text_value::{TextValue, of_the_single_value};

pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Decodes `name=value&name=value` (application/x-www-form-urlencoded, as of the WHATWG URL standard) into a type. A
/// repeated name is decoded into a sequence. More than `most` fields are an error, because a field takes far more
/// memory than its two bytes.
pub(super) fn decode<T: DeserializeOwned>(encoded: &[u8], most: usize) -> Result<T, DecodeError> {
    decode_pairs(&parse(encoded, most)?)
}

/// Decodes names and values that are already percent-decoded.
pub(super) fn decode_pairs<T: DeserializeOwned>(pairs: &[Pair<'_>]) -> Result<T, DecodeError> {
    let mut pairs = Cow::Borrowed(pairs);
    without_empty(&mut pairs, |pairs, reads| T::deserialize(Fields(pairs, reads)))
}

/// Decodes the values of one field.
pub(crate) fn decode_field<T: DeserializeOwned>(
    name: &str,
    texts: &[&str],
) -> Result<T, DecodeError> {
    let pairs: Vec<Pair<'_>> =
        texts.iter().map(|text| (Cow::Borrowed(name), Cow::Borrowed(*text))).collect();
    let values: Vec<&Pair<'_>> = pairs.iter().collect();
    T::deserialize(Field { name, values: &values })
}

/// Returns the texts that a field with this value would send.
pub(crate) fn texts_of<T: Serialize>(value: &T) -> Result<Vec<String>, DecodeError> {
    Written::of(value).map(Written::into_texts)
}

/// Decodes a struct. Empty fields that do not fit are treated as missing: browsers send every field, and so a field
/// with a default can be left empty. Their pairs are removed.
pub(super) fn without_empty<'p, T>(
    pairs: &mut Cow<'_, [Pair<'p>]>,
    decode: impl Fn(&[Pair<'p>], &ReadsCell) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    loop {
        let reads = ReadsCell::new(Reads::All);
        let error = match decode(pairs, &reads) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let Reads::Names(names) = reads.get() else { return Err(error) };
        let field = error.field().filter(|field| names.contains(field));
        let here = |(name, _): &&Pair<'_>| Some(&**name) == field;
        // Each iteration removes all pairs of one of the struct's fields, so the loop ends.
        let mut values = pairs.iter().filter(here).peekable();
        if values.peek().is_none() || !values.all(|(_, text)| text.is_empty()) {
            return Err(error);
        }
        let rest = pairs.iter().filter(|pair| !here(pair)).cloned();
        *pairs = Cow::Owned(rest.collect());
    }
}

pub(super) fn parse(encoded: &[u8], most: usize) -> Result<Vec<Pair<'_>>, DecodeError> {
    if memchr::memchr_iter(b'&', encoded).nth(most.saturating_sub(1)).is_some() {
        return Err(DecodeError::too_many(most));
    }
    Ok(form_urlencoded::parse(encoded).collect())
}

/// Decodes like [`decode`], but requires each value to be spelled as `T` serializes it. If only the spelling is wrong,
/// the error contains the canonical spelling of the query.
pub(super) fn decode_spelled<T: DeserializeOwned + Serialize>(
    encoded: &[u8],
    most: usize,
) -> Result<T, (DecodeError, Option<String>)> {
    let mut pairs = Cow::Owned(parse(encoded, most).map_err(|error| (error, None))?);
    let decode = |pairs: &[Pair<'_>], reads: &ReadsCell| {
        T::deserialize(Fields(pairs, reads)).map(|value| (value, reads.get()))
    };
    let (value, reads) = without_empty(&mut pairs, decode).map_err(|error| (error, None))?;
    let written = Written::of(&value).map_err(|error| (error, None))?;
    let read = pairs.iter().map(|(name, text)| (&**name, &**text));
    let Err(error) = written.check_pairs(read.clone(), reads) else { return Ok(value) };
    let right = written.respell(read);
    let right = form_urlencoded::Serializer::new(String::new()).extend_pairs(right).finish();
    Err((error, Some(right)))
}

/// Deserializer of pairs: a struct or map by name, or a sequence of pairs.
struct Fields<'a>(&'a [Pair<'a>], &'a ReadsCell);

impl Fields<'_> {
    fn by_name<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let mut sorted: Vec<&Pair<'_>> = self.0.iter().collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let fields = sorted.chunk_by(|a, b| a.0 == b.0).map(|values| {
            let name: &str = &values[0].0;
            (name, Field { name, values })
        });
        visitor.visit_map(MapDeserializer::new(fields))
    }
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.1.set(Reads::Written);
        self.by_name(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.1.set(Reads::Names(fields));
        self.by_name(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let pairs = self.0.iter().map(|(name, text)| {
            let name: &str = name;
            (name, TextValue { name, text })
        });
        visitor.visit_seq(MapDeserializer::new(pairs))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        tuple tuple_struct map enum identifier ignored_any
    }
}

/// All values of one name, in order. Never empty.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) values: &'a [&'a Pair<'a>],
}

impl<'a> Field<'a> {
    fn texts(self) -> impl Iterator<Item = TextValue<'a>> {
        self.values.iter().map(move |(_, text)| TextValue { name: self.name, text })
    }

    fn single(self) -> Result<TextValue<'a>, DecodeError> {
        match self.values {
            [(_, text)] => Ok(TextValue { name: self.name, text }),
            values => Err(<DecodeError as serde::de::Error>::custom(format_args!(
                "there are {} values, but one is expected",
                values.len()
            ))
            .at(self.name)),
        }
    }
}

impl<'de> IntoDeserializer<'de, DecodeError> for Field<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Field<'_> {
    type Error = DecodeError;

    of_the_single_value!(deserialize_unit, deserialize_map);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.values {
            [_] => self.single()?.deserialize_any(visitor),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor
            .visit_seq(SeqDeserializer::new(self.texts()))
            .map_err(|error: DecodeError| error.at(self.name))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.values {
            [(_, text)] if text.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let fits = visitor.visit_newtype_struct(self);
        fits.map_err(|error: DecodeError| error.at(self.name))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.single()?.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.single()?.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! { ignored_any }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Search {
        words: String,
        page: Option<u32>,
        #[serde(default)]
        tag: Vec<String>,
        #[serde(default)]
        archived: bool,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Nested {
        #[expect(dead_code)]
        search: Search,
    }

    #[test]
    fn fields_are_found_by_name_and_repeated_ones_are_a_sequence() {
        let search: Search =
            decode(b"tag=a&words=two+words%21&archived=on&tag=b&other=1", 1000).unwrap();
        assert_eq!(
            search,
            Search {
                words: "two words!".to_owned(),
                page: None,
                tag: vec!["a".to_owned(), "b".to_owned()],
                archived: true,
            }
        );
    }

    #[test]
    fn pairs_and_maps_work_too() {
        let pairs: Vec<(String, u8)> = decode(b"b=1&a=2&b=3", 1000).unwrap();
        assert_eq!(pairs, [("b".to_owned(), 1), ("a".to_owned(), 2), ("b".to_owned(), 3)]);
        let map: BTreeMap<String, u8> = decode(b"b=1&a=2", 1000).unwrap();
        assert_eq!(map["a"], 2);
    }

    #[test]
    fn an_empty_field_that_may_be_missing_is_none() {
        let search: Search = decode(b"words=&page=", 1000).unwrap();
        assert_eq!((search.words.as_str(), search.page), ("", None));
        let texts: BTreeMap<String, Option<String>> = decode(b"a=&b=+&c=x", 1000).unwrap();
        assert_eq!((&texts["a"], texts["b"].as_deref()), (&None, Some(" ")));
        let numbers: BTreeMap<String, Vec<Option<u8>>> = decode(b"a=&a=1", 1000).unwrap();
        assert_eq!(numbers["a"], [None, Some(1)]);
        assert!(decode::<BTreeMap<String, u8>>(b"a=", 1000).is_err());
    }

    #[test]
    fn an_empty_field_with_a_default_counts_as_missing() {
        #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
        struct Listing {
            #[serde(default)]
            page: u32,
            #[serde(default)]
            open: bool,
            size: u8,
        }
        let listing = Listing { page: 0, open: false, size: 3 };
        assert_eq!(decode::<Listing>(b"page=&open=&size=3&page=", 1000).as_ref(), Ok(&listing));
        assert_eq!(decode_spelled::<Listing>(b"page=&size=3", 1000).as_ref(), Ok(&listing));
        let error = |encoded| decode::<Listing>(encoded, 1000).unwrap_err().to_string();
        assert_eq!(error(b"page=&size="), "`size`: missing");
        assert_eq!(
            error(b"size=3&page=&page=1"),
            "`page`: there are 2 values, but one is expected"
        );
        let (error, right) = decode_spelled::<Listing>(b"page=&size=03", 1000).unwrap_err();
        assert!(error.is_spelling());
        assert_eq!(right.as_deref(), Some("size=3"));
    }

    #[test]
    fn a_number_is_finite() {
        for text in ["NaN", "nan", "inf", "-inf", "infinity", "+Infinity", "1e999"] {
            let encoded =
                form_urlencoded::Serializer::new(String::new()).append_pair("a", text).finish();
            let error = decode::<BTreeMap<String, f64>>(encoded.as_bytes(), 1000).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`a`: {text:?} does not fit: it is not a number")
            );
            assert!(decode::<BTreeMap<String, f32>>(encoded.as_bytes(), 1000).is_err());
        }
        let map: BTreeMap<String, f64> = decode(b"a=-1.5e3", 1000).unwrap();
        assert_eq!(map["a"], -1500.0);
    }

    #[test]
    fn errors_name_the_field() {
        let error = |encoded: &[u8]| decode::<Search>(encoded, 1000).unwrap_err().to_string();
        assert_eq!(error(b"page=1"), "`words`: missing");
        assert_eq!(
            error(b"words=x&page=one"),
            "`page`: \"one\" does not fit: invalid digit found in string"
        );
        assert_eq!(error(b"words=x&words=y"), "`words`: there are 2 values, but one is expected");
    }

    #[test]
    fn a_type_that_no_form_can_fill_is_the_sites_fault() {
        assert!(decode::<Nested>(b"search=x", 1000).unwrap_err().is_of_the_site());
        assert!(decode::<u32>(b"search=1", 1000).is_err());
    }
}
