use std::fmt;

use serde::{Deserialize, Serialize};

/// Names the content of a file: files with equal ids have equal content.
///
/// The hash is BLAKE3. It has to withstand attackers who look for two contents with one hash,
/// because what a back end puts into its docroot is often what visitors have uploaded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ContentId {
    /// BLAKE3 of the content.
    pub hash: [u8; 32],
    /// Its length in bytes.
    pub length: u64,
}

/// What becomes of one file of the docroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileChange {
    /// The file, as a path that starts at the docroot.
    pub path: String,
    /// Its content from now on; `None` when it is no longer there.
    pub content: Option<ContentId>,
}

impl ContentId {
    /// The hash in hexadecimal: 64 digits.
    pub(crate) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", &self.hex()[..16], self.length)
    }
}
