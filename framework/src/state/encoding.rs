//! How updates, rows and values are kept: as MessagePack with the names of fields and variants, so that later versions
//! of their types can have other fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes a value.
///
/// # Errors
/// When its `Serialize` fails, or uses what MessagePack has not.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(value).map_err(|error| error.to_string())
}

/// Encodes a value that is in a state. Where its `Serialize` fails, the item is empty, which no
/// checkpoint takes.
pub(super) fn encode_kept<T: Serialize>(value: &T) -> Vec<u8> {
    encode(value).unwrap_or_default()
}

/// Encodes a value that is in a state and can be read back. Otherwise the piece is empty.
pub(super) fn encode_readable<T: Serialize + DeserializeOwned>(value: &T) -> Vec<u8> {
    let bytes = encode_kept(value);
    if decode::<T>(&bytes).is_ok() { bytes } else { Vec::new() }
}

/// The value as it will be after the next start.
///
/// # Errors
/// When there is no reading it back: the message says what to write.
pub(super) fn read_back<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, String> {
    let encoded = encode(value).map_err(|reason| format!("its `Serialize` fails: {reason}"))?;
    decode(&encoded).map_err(|reason| {
        format!(
            "its `Deserialize` does not read what its `Serialize` writes ({reason}): a field with \
             `skip_serializing_if` or `skip_serializing` needs `#[serde(default)]`, and `serialize_with` a \
             `deserialize_with`"
        )
    })
}

/// Decodes a value, all of `bytes`.
///
/// # Errors
/// When they are something else.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut rest = bytes;
    let mut decoder = rmp_serde::Deserializer::new(&mut rest);
    let value = T::deserialize(&mut decoder).map_err(|error| error.to_string())?;
    match rest {
        [] => Ok(value),
        _ => Err(format!("{} bytes are left over after decoding", rest.len())),
    }
}

/// Whether two values are the same, encoded by [`encode_kept`]. Values that cannot be encoded differ.
pub(super) fn looks_same(one: &[u8], other: &[u8]) -> bool {
    !one.is_empty() && one == other
}

/// Whether a value is encoded in the same way after it was read. One with a `HashMap` is not: its order is
/// another one.
pub(super) fn is_stable<T: Serialize + DeserializeOwned>(value: &T) -> bool {
    let encoded = encode_kept(value);
    decode::<T>(&encoded).is_ok_and(|again| looks_same(&encoded, &encode_kept(&again)))
}
