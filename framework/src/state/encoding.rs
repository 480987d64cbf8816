//! The encoding of updates, rows and values: MessagePack with the names of fields and variants, so that later
//! versions of their types can have other fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encodes a value.
///
/// # Errors
/// When its `Serialize` fails, or uses a type that MessagePack lacks.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(value).map_err(|error| error.to_string())
}

/// Encodes a value of a state. Where its `Serialize` fails, the item is empty; no checkpoint accepts an empty
/// item.
pub(super) fn encode_kept<T: Serialize>(value: &T) -> Vec<u8> {
    encode(value).unwrap_or_default()
}

/// Encodes a value of a state that can be read back. Otherwise the item is empty.
pub(super) fn encode_readable<T: Serialize + DeserializeOwned>(value: &T) -> Vec<u8> {
    let bytes = encode_kept(value);
    if decode::<T>(&bytes).is_ok() { bytes } else { Vec::new() }
}

/// Returns the value as it will be after the next start.
///
/// # Errors
/// When it cannot be read back; the message names the serde attributes to add.
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

/// Decodes a value from all of `bytes`.
///
/// # Errors
/// When the bytes do not decode, or some are left over.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut rest = bytes;
    let mut decoder = rmp_serde::Deserializer::new(&mut rest);
    let value = T::deserialize(&mut decoder).map_err(|error| error.to_string())?;
    match rest {
        [] => Ok(value),
        _ => Err(format!("{} bytes are left over after decoding", rest.len())),
    }
}

/// Returns whether two values, encoded by [`encode_kept`], are equal. Values that cannot be encoded differ.
pub(super) fn looks_same(one: &[u8], other: &[u8]) -> bool {
    !one.is_empty() && one == other
}

/// Returns whether a value has the same encoding after it is read back. A value with a `HashMap` has not,
/// because its order changes.
pub(super) fn is_stable<T: Serialize + DeserializeOwned>(value: &T) -> bool {
    let encoded = encode_kept(value);
    decode::<T>(&encoded).is_ok_and(|again| looks_same(&encoded, &encode_kept(&again)))
}
