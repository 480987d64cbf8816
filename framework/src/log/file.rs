use std::fmt;

use serde::{Deserialize, Serialize};

/// Identifies the content of a file: files with equal ids have equal content.
///
/// The hash is BLAKE3. It must withstand attackers who search for two contents with the same hash, because the
/// files that a back end puts into its docroot are often uploads of visitors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ContentId {
    /// BLAKE3 of the content.
    pub hash: [u8; 32],
    /// Its length in bytes.
    pub length: u64,
}

/// The change of one file of the docroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileChange {
    /// The file's path, relative to the docroot.
    pub path: String,
    /// Its new content; `None` if it is removed.
    pub content: Option<ContentId>,
}

impl ContentId {
    /// Returns the hash in hexadecimal: 64 digits.
    pub(crate) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", &self.hex()[..16], self.length)
    }
}
