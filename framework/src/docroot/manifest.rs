use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::encoded::{read_pieces, to_pieces};
use crate::log::{ContentId, FileChange, Position};

/// Which files the log has put into the docroot, and which it has removed.
///
/// Each entry has the position of the record that made it, and is replaced by later records only.
/// So it does no harm to apply a record twice, or one that the manifest is already ahead of.
///
/// A clone costs next to nothing, and so does a change of either of the two afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    files: OrdMap<Arc<str>, FileEntry>,
}

/// What the log says about one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// The record that made it.
    pub position: Position,
    /// The file's content; `None` when the file was removed.
    pub content: Option<ContentId>,
}

impl Manifest {
    /// What the log says about the file at `path`; `None` when it says nothing.
    pub(crate) fn get(&self, path: &str) -> Option<FileEntry> {
        self.files.get(path).copied()
    }

    /// Applies one change of the record at `position`. Returns what it replaced, if anything, or
    /// `Err` when the manifest is ahead of the record already.
    pub(crate) fn apply(
        &mut self,
        position: Position,
        change: &FileChange,
    ) -> Result<Option<FileEntry>, Ahead> {
        let known = self.get(&change.path);
        if known.is_some_and(|known| known.position > position) {
            return Err(Ahead);
        }
        let entry = FileEntry { position, content: change.content };
        self.files.insert(change.path.as_str().into(), entry);
        Ok(known)
    }

    /// All entries, in the order of their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, FileEntry)> {
        self.files.iter().map(|(path, entry)| (&**path, *entry))
    }

    /// All contents that files have.
    pub(crate) fn contents(&self) -> HashSet<ContentId> {
        self.files.values().filter_map(|entry| entry.content).collect()
    }

    /// The paths of the files with this content.
    pub(crate) fn paths_of(&self, content: ContentId) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(_, entry)| entry.content == Some(content)).map(|(path, _)| path)
    }

    /// The manifest, encoded in pieces of bounded length.
    pub(crate) fn to_pieces(&self) -> Vec<Bytes> {
        to_pieces(Vec::new(), self.iter())
    }

    /// Reads what [`Manifest::to_pieces`] made; `None` when it is something else.
    pub(crate) fn from_pieces<'a>(pieces: impl IntoIterator<Item = &'a Bytes>) -> Option<Manifest> {
        let mut files = OrdMap::new();
        let pieces = pieces.into_iter().map(|piece| &piece[..]);
        read_pieces(pieces, |(path, entry): (&str, FileEntry)| {
            files.insert(path.into(), entry);
        })?;
        Some(Manifest { files })
    }
}

/// The manifest holds a later record's word about the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ahead;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoded::PIECE;

    fn change(path: &str, content: u8) -> FileChange {
        let content = (content > 0).then_some(ContentId { hash: [content; 32], length: 1 });
        FileChange { path: path.to_owned(), content }
    }

    #[test]
    fn a_later_record_wins_in_whatever_order_they_come() {
        let mut manifest = Manifest::default();
        assert_eq!(manifest.apply(Position(5), &change("a", 5)), Ok(None));
        assert_eq!(manifest.apply(Position(3), &change("a", 3)), Err(Ahead));
        assert!(manifest.apply(Position(5), &change("a", 5)).is_ok());
        assert!(manifest.apply(Position(7), &change("a", 0)).is_ok());
        assert_eq!(manifest.get("a"), Some(FileEntry { position: Position(7), content: None }));
        assert_eq!(manifest.get("b"), None);
    }

    #[test]
    fn a_manifest_of_many_pieces_is_read_as_it_was_written() {
        let mut manifest = Manifest::default();
        assert!(manifest.to_pieces().is_empty());
        for number in 1..=20_000 {
            let change = change(&format!("uploads/{number}.png"), (number % 7) as u8);
            manifest.apply(Position(number), &change).unwrap();
        }
        let pieces = manifest.to_pieces();
        assert!(pieces.len() > 1 && pieces.iter().all(|piece| piece.len() < 2 * PIECE));
        let read = Manifest::from_pieces(&pieces).unwrap();
        assert!(read.iter().eq(manifest.iter()));
        assert!(Manifest::from_pieces([&Bytes::from_static(b"\x05ab")]).is_none());
    }
}
