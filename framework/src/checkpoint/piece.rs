//! The pieces of a checkpoint's file.
//!
//! A file consists of eight bytes that identify the format, and pieces: checksum (8 bytes), length (4), kind
//! (1), content. The checksum is XXH3-64 of length, kind and content, seeded with the piece's number and, after
//! the first piece, a random number of the file. So a piece is recognised as wrong if it was damaged, is at
//! another place, or was left on the disk by an earlier file. The last piece contains the number of items in
//! the file; a file without it is incomplete.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{CheckpointError, Head};
use crate::log::{Invalidation, Joined, Position, StateHash};

/// The first bytes of a file.
pub(super) const FORMAT: &[u8; 8] = b"HWCHECK3";

/// The approximate number of bytes of items in a piece.
pub(super) const LENGTH: usize = 256 << 10;
/// The maximum length of a piece, in bytes. Only pieces that do not consist of items come near it.
const LONGEST: usize = 32 << 20;

const HEAD: usize = 8 + 4 + 1;
/// The piece is a [`Piece`].
const ENCODED: u8 = 0;
/// The piece is a part of the items of a field: each with its length (8 bytes) before it.
const ITEMS: u8 = 1;

/// The content of a piece that does not consist of items.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Piece {
    /// The first one.
    Head(Head),
    /// The front ends that had joined and not left.
    Joined(Joined),
    /// A deferred invalidation that no later record has settled.
    Deferred(Position, Invalidation),
    /// A piece of the manifest of the docroot's files.
    Files(Vec<u8>),
    /// A piece of the sessions that have ended before they expired.
    Revocations(Vec<u8>),
    /// The items of this field follow.
    Field {
        /// The state.
        state: String,
        /// The field of the state.
        field: String,
        /// The version of its items.
        version: u32,
    },
    /// The last one.
    End {
        /// The number of items.
        items: u64,
    },
    /// The hash of the states.
    Hash(StateHash),
}

/// Numbers the pieces of a file, and computes their checksums.
#[derive(Debug, Default)]
pub(super) struct Checks {
    seed: u64,
    next: u64,
}

impl Checks {
    /// Sets the seed of all pieces but the first.
    pub(super) fn seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    fn checksum(&mut self, checked: &[u8]) -> u64 {
        let seed = self.seed ^ self.next.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.next += 1;
        xxh3_64_with_seed(checked, seed)
    }

    /// Encodes a piece.
    pub(super) fn encode(&mut self, piece: &Piece) -> Vec<u8> {
        let bytes = postcard::to_extend(piece, vec![0; HEAD])
            .expect("strings, bytes and numbers can always be encoded to memory");
        self.seal(bytes, ENCODED)
    }

    /// Encodes a piece of items.
    pub(super) fn encode_items(&mut self, items: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + items.len());
        bytes.resize(HEAD, 0);
        bytes.extend_from_slice(items);
        self.seal(bytes, ITEMS)
    }

    fn seal(&mut self, mut bytes: Vec<u8>, kind: u8) -> Vec<u8> {
        let length = (bytes.len() - HEAD) as u32;
        bytes[8..12].copy_from_slice(&length.to_le_bytes());
        bytes[12] = kind;
        let checksum = self.checksum(&bytes[8..]);
        bytes[..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the next piece into `buffer`, and returns it; returns `None` if it consists of [items](items_of).
    pub(super) fn read(
        &mut self,
        file: &mut impl Read,
        buffer: &mut Vec<u8>,
    ) -> Result<Option<Piece>, CheckpointError> {
        let damaged = |reason: &str| CheckpointError::Damaged(reason.to_owned());
        let short = |error: io::Error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged("it ends too early"),
            _ => CheckpointError::Io(error),
        };
        let mut head = [0; HEAD];
        file.read_exact(&mut head).map_err(short)?;
        let (checksum, checked) = head.split_at(8);
        let length = u32::from_le_bytes([checked[0], checked[1], checked[2], checked[3]]) as usize;
        if length > LONGEST {
            return Err(damaged("a piece's length is wrong"));
        }
        let kind = checked[4];
        buffer.clear();
        buffer.extend_from_slice(checked);
        buffer.resize(checked.len() + length, 0);
        file.read_exact(&mut buffer[checked.len()..]).map_err(short)?;
        if self.checksum(buffer).to_le_bytes() != checksum {
            return Err(damaged("a piece's checksum is wrong"));
        }
        match kind {
            ITEMS => Ok(None),
            ENCODED => match postcard::from_bytes(items_of(buffer)) {
                Ok(piece) => Ok(Some(piece)),
                Err(_) => Err(damaged("a piece cannot be decoded")),
            },
            _ => Err(damaged("a piece is of an unknown kind")),
        }
    }
}

/// Returns the content of the piece that was read into `buffer`.
pub(super) fn items_of(buffer: &[u8]) -> &[u8] {
    &buffer[HEAD - 8..]
}
