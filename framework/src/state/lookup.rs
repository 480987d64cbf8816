use super::key::Key;

/// A value by which rows with a key or column `K` are looked up: a `K`, a reference to one, `&str` for a
/// `String`, and tuples of these for tuples.
#[diagnostic::on_unimplemented(
    message = "rows are found by a `{K}` here, and `{Self}` is none",
    label = "not a `{K}`",
    note = "a `String` is looked up by `&str`, another type by itself or a reference: `get(Slug(text))` for a `struct Slug(String)`"
)]
pub trait Lookup<K: ?Sized>: Key {}

macro_rules! by_themselves {
    ($($type:ty),*) => {$(
        impl Lookup<$type> for $type {}
    )*};
}

by_themselves!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, bool, char, String);

impl Lookup<String> for str {}

impl<K, Q: Lookup<K> + ?Sized> Lookup<K> for &Q {}

impl<K, Q: Lookup<K>> Lookup<Option<K>> for Option<Q> {}

macro_rules! tuples {
    ($($($name:ident $other:ident)*;)*) => {$(
        impl<$($name, $other: Lookup<$name>),*> Lookup<($($name,)*)> for ($($other,)*) {}
    )*};
}

tuples! {
    A P;
    A P B Q;
    A P B Q C R;
    A P B Q C R D S;
}
