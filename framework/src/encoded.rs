//! Many values, encoded in pieces of bounded length: for the feed and for checkpoints.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// About how long a piece is, in bytes.
pub(crate) const PIECE: usize = 256 * 1024;

/// Encodes values one after the other, behind what `piece` holds already.
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

/// Encodes a value behind what `to` holds.
pub(crate) fn encode(value: &impl Serialize, to: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, to).expect("strings and numbers can always be encoded to memory")
}

/// Gives each value of the pieces that [`to_pieces`] made to `take`; `None` when they are something else.
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
