use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::encoded::{read_pieces, to_pieces};
use crate::log::{ContentId, FileChange, Position};

/// The files that the log has put into the docroot, and those that it has removed.
///
/// Each entry contains the position of its record, and is replaced by later records only. So
/// applying a record twice, or a record older than the entry, has no effect.
///
/// A clone is cheap, and so is a change of either of the two afterwards.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    files: OrdMap<Arc<str>, FileEntry>,
}

/// The state of one path according to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileEntry {
    /// The position of the record.
    pub position: Position,
    /// The file's content; `None` when the file was removed.
    pub content: Option<ContentId>,
}

impl Manifest {
    /// Returns the entry for the file at `path`, if the log contains one.
    pub(crate) fn get(&self, path: &str) -> Option<FileEntry> {
        self.files.get(path).copied()
    }

    /// Applies one change of the record at `position`. Returns the replaced entry, if any, or `Err`
    /// if the entry is of a later record.
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

    /// Returns all entries, in the order of their paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, FileEntry)> {
        self.files.iter().map(|(path, entry)| (&**path, *entry))
    }

    /// Returns the contents of all files.
    pub(crate) fn contents(&self) -> HashSet<ContentId> {
        self.files.values().filter_map(|entry| entry.content).collect()
    }

    /// Returns the paths of the files with this content.
    pub(crate) fn paths_of(&self, content: ContentId) -> impl Iterator<Item = &str> {
        self.iter().filter(move |(_, entry)| entry.content == Some(content)).map(|(path, _)| path)
    }

    /// Encodes the manifest in pieces of bounded length.
    pub(crate) fn to_pieces(&self) -> Vec<Bytes> {
        to_pieces(Vec::new(), self.iter())
    }

    /// Decodes the output of [`Manifest::to_pieces`]; `None` if it is malformed.
    pub(crate) fn from_pieces<'a>(pieces: impl IntoIterator<Item = &'a Bytes>) -> Option<Manifest> {
        let mut files = OrdMap::new();
        let pieces = pieces.into_iter().map(|piece| &piece[..]);
        read_pieces(pieces, |(path, entry): (&str, FileEntry)| {
            files.insert(path.into(), entry);
        })?;
        Some(Manifest { files })
    }
}

/// The manifest contains an entry of a later record for the file.
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
    fn a_later_record_wins_in_any_order() {
        let mut manifest = Manifest::default();
        assert_eq!(manifest.apply(Position(5), &change("a", 5)), Ok(None));
        assert_eq!(manifest.apply(Position(3), &change("a", 3)), Err(Ahead));
        assert!(manifest.apply(Position(5), &change("a", 5)).is_ok());
        assert!(manifest.apply(Position(7), &change("a", 0)).is_ok());
        assert_eq!(manifest.get("a"), Some(FileEntry { position: Position(7), content: None }));
        assert_eq!(manifest.get("b"), None);
    }

    #[test]
    fn a_manifest_of_many_pieces_is_decoded_to_the_same() {
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
