//! Many values, encoded in pieces of bounded length: for the feed and for checkpoints.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The approximate length of a piece, in bytes.
pub(crate) const PIECE: usize = 256 * 1024;

/// Encodes values one after the other, appended to the content of `piece`.
pub(crate) fn to_pieces<T: Serialize>(
    mut piece: Vec<u8>,
    values: impl Iterator<Item = T>,
) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    for value in values {
        piece = encode(&value, piece);
        if piece.len() >= PIECE {
            pieces.push(std::mem::take(&mut piece).into());
        }
    }
    if !piece.is_empty() {
        pieces.push(piece.into());
    }
    pieces
}

/// Encodes a value, appended to `to`.
pub(crate) fn encode(value: &impl Serialize, to: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, to).expect("strings and numbers can always be encoded to memory")
}

/// Passes each value of the pieces that [`to_pieces`] made to `take`. Returns `None` if the pieces
/// are not such values.
pub(crate) fn read_pieces<'a, T: Deserialize<'a>>(
    pieces: impl Iterator<Item = &'a [u8]>,
    mut take: impl FnMut(T),
) -> Option<()> {
    for mut rest in pieces {
        while !rest.is_empty() {
            let (value, left) = postcard::take_from_bytes(rest).ok()?;
            take(value);
            rest = left;
        }
    }
    Some(())
}
