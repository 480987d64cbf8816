use std::io::Read;

use super::piece::{Checks, FORMAT, Piece, items_of};
use super::{CheckpointError, Head};
use crate::log::{Invalidation, Joined, Position, Progress, StateHash};

/// Reads the file of a checkpoint, piece by piece. Each part is returned as it was written; but only when all
/// parts have been returned is the file known to be complete.
pub(super) struct Reader {
    file: Box<dyn Read + Send>,
    head: Head,
    checks: Checks,
    piece: Vec<u8>,
    /// Items that were read, and the number of their bytes that were returned.
    items: Vec<u8>,
    returned: usize,
    count: u64,
    /// The number of bytes of the pieces that were read.
    bytes: u64,
    progress: Option<Progress>,
}

/// A part of a checkpoint; parts are returned in this order.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// The front ends that had joined and not left.
    Joined(Joined),
    /// A deferred invalidation that no later record has settled.
    Deferred(Position, Invalidation),
    /// A piece of the manifest.
    Files(Vec<u8>),
    /// A piece of the sessions that have ended before they expired.
    Revocations(Vec<u8>),
    /// The hash of the states.
    Hash(StateHash),
    /// The items of this field follow.
    Field {
        /// The state.
        state: String,
        /// The field of the state.
        field: String,
        /// The version of its items.
        version: u32,
    },
    /// An item of the last field.
    Item(&'a [u8]),
}

impl Reader {
    /// Reads the head.
    ///
    /// # Errors
    /// When it cannot be read, or is not a head.
    pub(super) fn open(
        (mut file, length): (Box<dyn Read + Send>, u64),
    ) -> Result<Reader, CheckpointError> {
        let damaged = |reason: &str| Err(CheckpointError::Damaged(reason.to_owned()));
        let mut format = Vec::new();
        file.by_ref().take(FORMAT.len() as u64).read_to_end(&mut format)?;
        if format != FORMAT {
            return damaged("it does not begin as a checkpoint of this version does");
        }
        let (mut checks, mut piece) = (Checks::default(), Vec::new());
        let Some(Piece::Head(head)) = checks.read(&mut file, &mut piece)? else {
            return damaged("its first piece is not its head");
        };
        checks.seed(head.seed);
        let progress = Some(Progress::begin("reading a checkpoint, in bytes", length));
        let (items, returned, count, bytes) = (Vec::new(), 0, 0, 0);
        Ok(Reader { file, head, checks, piece, items, returned, count, bytes, progress })
    }

    /// Returns the header.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    /// Returns the next part; returns `None` when all were returned and the file is complete.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub(super) fn next(&mut self) -> Result<Option<Part<'_>>, CheckpointError> {
        let damaged = |reason: &str| Err(CheckpointError::Damaged(reason.to_owned()));
        loop {
            if let Some((start, end)) = self.whole_item() {
                (self.returned, self.count) = (end, self.count + 1);
                return Ok(Some(Part::Item(&self.items[start..end])));
            }
            let Some(progress) = &mut self.progress else { return Ok(None) };
            progress.look(self.bytes);
            let piece = self.checks.read(&mut self.file, &mut self.piece)?;
            self.bytes += self.piece.len() as u64;
            let Some(piece) = piece else {
                self.items.drain(..self.returned);
                self.returned = 0;
                self.items.extend_from_slice(items_of(&self.piece));
                continue;
            };
            if self.returned < self.items.len() {
                return damaged("an item is not whole");
            }
            let part = match piece {
                Piece::Joined(joined) => Part::Joined(joined),
                Piece::Deferred(position, invalidation) => Part::Deferred(position, invalidation),
                Piece::Files(files) => Part::Files(files),
                Piece::Revocations(revocations) => Part::Revocations(revocations),
                Piece::Hash(hash) => Part::Hash(hash),
                Piece::Field { state, field, version } => Part::Field { state, field, version },
                Piece::End { items } if items == self.count => {
                    if let Some(progress) = self.progress.take() {
                        progress.end(self.bytes);
                    }
                    continue;
                }
                Piece::End { .. } => return damaged("the number of its items is wrong"),
                Piece::Head(_) => return damaged("it has two heads"),
            };
            return Ok(Some(part));
        }
    }

    /// Returns the range of the next item, if all of it was read.
    fn whole_item(&self) -> Option<(usize, usize)> {
        let (length, rest) = self.items[self.returned..].split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let start = self.returned + 8;
        (length <= rest.len()).then(|| (start, start + length))
    }
}
