use std::fmt::Write;

use super::encoder::Encoder;

/// The longest text of a value in the name of a group, in bytes; a longer one is hashed.
const LONGEST_TEXT: usize = 48;

/// A type by which rows can be found: the key of a table, or a column of an index.
///
/// Keys are numbers, `bool`, `char`, `String`, `Option` of these (`None` sorts first), and tuples, which are
/// ordered by their first value, then by the next. A `String` is looked up by `&str`.
#[diagnostic::on_unimplemented(
    message = "rows cannot be found by `{Self}`",
    label = "not a key or a column of an index",
    note = "a key or an indexed column is an integer (`u8` to `u128`, `i8` to `i128`, not `usize`), `bool`, `char`, \
            `String`, an `Option` of these, a type with `#[derive(Key)]`, or a tuple of up to four"
)]
pub trait Key {
    /// Appends bytes that sort as the values do. They are self-delimiting: no value's bytes are a prefix of
    /// another value's.
    #[doc(hidden)]
    fn encode(&self, bytes: &mut Encoder);

    /// Appends the value in the spelling that names of groups use. Each value has its own spelling.
    #[doc(hidden)]
    fn spell(&self, text: &mut String);

    /// Appends the value in a readable form, for messages.
    #[doc(hidden)]
    fn show(&self, text: &mut String) {
        self.spell(text);
    }

    /// Describes the composition of the bytes and spellings, for the fingerprint of the site's data: types with
    /// the same schema encode and spell their values alike.
    #[doc(hidden)]
    fn schema() -> String
    where
        Self: Sized,
    {
        std::any::type_name::<Self>().to_owned()
    }
}

/// A [`Key`] that can be decoded: a column whose values a page lists.
pub trait OwnedKey: Key + Sized {
    /// Decodes a value from the beginning of bytes that [`Key::encode`] made, and removes it from them.
    #[doc(hidden)]
    fn decode(bytes: &mut &[u8]) -> Option<Self>;

    /// Decodes a value in the same way and appends its [spelling](Key::spell).
    #[doc(hidden)]
    fn spell_encoded(bytes: &mut &[u8], text: &mut String) -> Option<()> {
        Self::decode(bytes)?.spell(text);
        Some(())
    }
}

/// Returns a value's bytes.
pub(super) fn encoded(key: &(impl Key + ?Sized)) -> Encoder {
    let mut bytes = Encoder::new();
    key.encode(&mut bytes);
    bytes
}

/// Returns a value's text for messages.
pub(super) fn shown(key: &(impl Key + ?Sized)) -> String {
    let mut text = String::new();
    key.show(&mut text);
    text
}

/// Returns a value's spelling.
#[cfg(test)]
pub(super) fn spelled(key: &(impl Key + ?Sized)) -> String {
    let mut text = String::with_capacity(24);
    key.spell(&mut text);
    text
}

macro_rules! integers {
    ($($unsigned:ty, $signed:ty;)*) => {$(
        impl Key for $unsigned {
            fn encode(&self, bytes: &mut Encoder) {
                bytes.extend(&self.to_be_bytes());
            }

            fn spell(&self, text: &mut String) {
                let _ = write!(text, "{self}");
            }
        }

        impl OwnedKey for $unsigned {
            fn decode(bytes: &mut &[u8]) -> Option<$unsigned> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(<$unsigned>::from_be_bytes(*number))
            }
        }

        impl Key for $signed {
            fn encode(&self, bytes: &mut Encoder) {
                // With the sign bit flipped, negative numbers sort before the others.
                (self.cast_unsigned() ^ (1 << (<$signed>::BITS - 1))).encode(bytes);
            }

            fn spell(&self, text: &mut String) {
                let _ = write!(text, "{self}");
            }
        }

        impl OwnedKey for $signed {
            fn decode(bytes: &mut &[u8]) -> Option<$signed> {
                let number = <$unsigned>::decode(bytes)?;
                Some((number ^ (1 << (<$signed>::BITS - 1))).cast_signed())
            }
        }
    )*};
}

integers! {
    u8, i8;
    u16, i16;
    u32, i32;
    u64, i64;
    u128, i128;
}

impl Key for bool {
    fn encode(&self, bytes: &mut Encoder) {
        bytes.extend(&[u8::from(*self)]);
    }

    fn spell(&self, text: &mut String) {
        text.push_str(if *self { "true" } else { "false" });
    }
}

impl OwnedKey for bool {
    fn decode(bytes: &mut &[u8]) -> Option<bool> {
        Some(u8::decode(bytes)? != 0)
    }
}

impl Key for char {
    fn encode(&self, bytes: &mut Encoder) {
        u32::from(*self).encode(bytes);
    }

    fn spell(&self, text: &mut String) {
        self.encode_utf8(&mut [0; 4]).spell(text);
    }

    fn show(&self, text: &mut String) {
        text.push(*self);
    }
}

impl OwnedKey for char {
    fn decode(bytes: &mut &[u8]) -> Option<char> {
        char::from_u32(u32::decode(bytes)?)
    }
}

impl Key for str {
    fn encode(&self, bytes: &mut Encoder) {
        // A zero byte in the text is followed by 0xff; the end is a zero byte followed by another. So a text
        // sorts before every text of which it is a prefix.
        for piece in self.as_bytes().split_inclusive(|byte| *byte == 0) {
            bytes.extend(piece);
            if piece.ends_with(&[0]) {
                bytes.extend(&[0xff]);
            }
        }
        bytes.extend(&[0, 0]);
    }

    fn spell(&self, text: &mut String) {
        if self.len() > LONGEST_TEXT {
            let hash = blake3::hash(self.as_bytes()).to_hex();
            text.push('#');
            text.push_str(&hash[..32]);
            return;
        }
        let is_plain =
            |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        // Most texts are plain as a whole.
        let plain = self.bytes().position(|byte| !is_plain(byte)).unwrap_or(self.len());
        let (plain, rest) = self.split_at(plain);
        text.push_str(plain);
        for byte in rest.bytes() {
            if is_plain(byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }

    fn show(&self, text: &mut String) {
        text.push_str(self);
    }
}

impl Key for String {
    fn encode(&self, bytes: &mut Encoder) {
        self.as_str().encode(bytes);
    }

    fn spell(&self, text: &mut String) {
        self.as_str().spell(text);
    }

    fn show(&self, text: &mut String) {
        text.push_str(self);
    }
}

impl OwnedKey for String {
    fn decode(bytes: &mut &[u8]) -> Option<String> {
        let mut text = Vec::new();
        loop {
            let zero = bytes.iter().position(|byte| *byte == 0)?;
            text.extend(&bytes[..zero]);
            let end = *bytes.get(zero + 1)?;
            *bytes = &bytes[zero + 2..];
            match end {
                0 => return String::from_utf8(text).ok(),
                _ => text.push(0),
            }
        }
    }

    fn spell_encoded(bytes: &mut &[u8], text: &mut String) -> Option<()> {
        let zero = bytes.iter().position(|byte| *byte == 0)?;
        let (whole, rest) = bytes.split_at(zero);
        match rest.strip_prefix(&[0, 0]) {
            Some(rest) => {
                std::str::from_utf8(whole).ok()?.spell(text);
                *bytes = rest;
            }
            // The text contains a zero byte.
            None => String::decode(bytes)?.spell(text),
        }
        Some(())
    }
}

impl<T: Key> Key for Option<T> {
    fn encode(&self, bytes: &mut Encoder) {
        self.is_some().encode(bytes);
        if let Some(value) = self {
            value.encode(bytes);
        }
    }

    fn spell(&self, text: &mut String) {
        match self {
            Some(value) => value.spell(text),
            // No other spelling contains this character.
            None => text.push('~'),
        }
    }

    fn show(&self, text: &mut String) {
        match self {
            Some(value) => value.show(text),
            None => text.push_str("none"),
        }
    }

    fn schema() -> String {
        format!("Option<{}>", T::schema())
    }
}

impl<T: OwnedKey> OwnedKey for Option<T> {
    fn decode(bytes: &mut &[u8]) -> Option<Option<T>> {
        match bool::decode(bytes)? {
            true => T::decode(bytes).map(Some),
            false => Some(None),
        }
    }
}

impl<T: Key + ?Sized> Key for &T {
    fn encode(&self, bytes: &mut Encoder) {
        T::encode(self, bytes);
    }

    fn spell(&self, text: &mut String) {
        T::spell(self, text);
    }

    fn show(&self, text: &mut String) {
        T::show(self, text);
    }
}

macro_rules! tuples {
    ($($first:ident $($name:ident)*;)*) => {$(
        impl<$first: Key, $($name: Key),*> Key for ($first, $($name,)*) {
            fn encode(&self, bytes: &mut Encoder) {
                #[allow(non_snake_case, reason = "a value is called as its type")]
                let ($first, $($name,)*) = self;
                $first.encode(bytes);
                $($name.encode(bytes);)*
            }

            fn spell(&self, text: &mut String) {
                #[allow(non_snake_case, reason = "a value is called as its type")]
                let ($first, $($name,)*) = self;
                $first.spell(text);
                $(
                    text.push(',');
                    $name.spell(text);
                )*
            }

            fn show(&self, text: &mut String) {
                #[allow(non_snake_case, reason = "a value is called as its type")]
                let ($first, $($name,)*) = self;
                $first.show(text);
                $(
                    text.push_str(", ");
                    $name.show(text);
                )*
            }

            fn schema() -> String {
                format!("({})", [$first::schema(), $($name::schema()),*].join(", "))
            }
        }

        impl<$first: OwnedKey, $($name: OwnedKey),*> OwnedKey for ($first, $($name,)*) {
            fn decode(bytes: &mut &[u8]) -> Option<($first, $($name,)*)> {
                Some(($first::decode(bytes)?, $($name::decode(bytes)?,)*))
            }
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    type Composite = (Option<String>, i32, (bool, char));

    fn hold<K: OwnedKey + Ord + Debug>(one: &K, other: &K) -> Result<(), TestCaseError> {
        let (first, second) = (encoded(one), encoded(other));
        let (first, second) = (first.as_slice(), second.as_slice());
        prop_assert_eq!(first.cmp(second), one.cmp(other), "{:?} {:?}", one, other);
        prop_assert_eq!(second.starts_with(first), one == other);
        prop_assert_eq!(spelled(one) == spelled(other), one == other);
        let mut bytes = first;
        let decoded = K::decode(&mut bytes);
        prop_assert_eq!(decoded.as_ref(), Some(one));
        prop_assert!(bytes.is_empty());
        let (mut bytes, mut text) = (first, String::new());
        prop_assert_eq!(K::spell_encoded(&mut bytes, &mut text), Some(()));
        prop_assert_eq!((text, bytes.len()), (spelled(one), 0));
        Ok(())
    }

    /// Texts, many of which are similar.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[ab\0~,%#]{0,4}", any::<String>(), "a{46,66}"]
    }

    proptest! {
        #[test]
        fn bytes_sort_like_values_and_spellings_are_distinct(
            one in text(),
            other in text(),
            numbers in any::<(i64, i64)>(),
            composites in any::<(Composite, Composite)>(),
            optional in (proptest::option::of(text()), proptest::option::of(text())),
        ) {
            hold(&one, &other)?;
            hold(&numbers.0, &numbers.1)?;
            hold(&composites.0, &composites.1)?;
            hold(&optional.0, &optional.1)?;
            hold(&(one.clone(), other.clone()), &(other, one))?;
        }
    }

    #[test]
    fn a_text_is_spelled_readably_as_far_as_that_is_safe() {
        assert_eq!(spelled("pea-soup"), "pea-soup");
        assert_eq!(spelled(&("ada", -7)), "ada,-7");
        assert_eq!(spelled("größe, a/b"), "gr%C3%B6%C3%9Fe%2C%20a%2Fb");
        assert_eq!(spelled(&None::<u8>), "~");
        assert_eq!(spelled(&"x".repeat(49)).len(), 33);
    }
}
