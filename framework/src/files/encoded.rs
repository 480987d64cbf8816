//! Encodings of files that have no siblings.
//!
//! They are made when a client first asks for one, on the thread that has opened the file, and kept by the
//! tag of the content, within [bounds](MOST_BYTES). So a file that is deployed anew is encoded anew only
//! if its content is another. Longer files are sent as they are: a site that wants them encoded puts
//! siblings beside them, which may also be made with more effort.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use moka::sync::Cache;
use xxhash_rust::xxh3::xxh3_128;

use super::hash::ContentHash;
use crate::http::encoding::encode;
use crate::http::negotiation::{Coding, Preferences};
use crate::media_type;

/// The shortest and the longest file that is encoded, in bytes. The longest takes some 20 ms.
const SHORTEST: u64 = 1024;
const LONGEST: u64 = 1024 * 1024;

/// The most that encodings take, in bytes.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// What an encoding takes beside its bytes, about.
const OVERHEAD: usize = 256;

/// An encoding, with the tag of its own bytes.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    pub(super) bytes: Bytes,
    pub(super) tag: HeaderValue,
}

/// The encodings that were made.
#[derive(Clone)]
pub(super) struct Encodings {
    /// In which files are encoded.
    codings: Vec<Coding>,
    /// By the tag of the content. None where the encoding is no shorter.
    kept: Cache<(HeaderValue, Coding), Option<Encoded>>,
}

impl fmt::Debug for Encodings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encodings").field("codings", &self.codings).finish_non_exhaustive()
    }
}

impl Encodings {
    pub(super) fn new(codings: Vec<Coding>) -> Encodings {
        let weight = |_: &_, encoded: &Option<Encoded>| {
            let length = encoded.as_ref().map_or(0, |encoded| encoded.bytes.len());
            u32::try_from(length + OVERHEAD).unwrap_or(u32::MAX)
        };
        Encodings {
            codings,
            kept: Cache::builder().weigher(weight).max_capacity(MOST_BYTES).build(),
        }
    }

    /// Whether a file of this type and length is sent in codings.
    pub(super) fn apply(&self, media_type: &HeaderValue, length: u64) -> bool {
        !self.codings.is_empty()
            && (SHORTEST..=LONGEST).contains(&length)
            && media_type::is_text(media_type)
    }

    /// The coding that a client likes best for such a file. How long each encoding is, is not known
    /// before it is made; of equally good ones it is the one that is usually shortest.
    pub(super) fn choose(&self, liked: &Preferences, length: u64) -> Coding {
        let usual = [Coding::Brotli, Coding::Zstd, Coding::Gzip];
        let offers = usual.into_iter().zip(1..).filter(|(coding, _)| self.codings.contains(coding));
        let best = liked.best(offers.chain([(Coding::Identity, length)]));
        best.unwrap_or(Coding::Identity)
    }

    /// The encoding of the content with this tag, which `content` reads if need be. `None` if it is no
    /// shorter, or could not be made.
    pub(super) fn of(
        &self,
        tag: &HeaderValue,
        coding: Coding,
        content: impl FnOnce() -> Option<Bytes>,
    ) -> Option<Encoded> {
        self.kept.optionally_get_with((tag.clone(), coding), || make(coding, &content()?)).flatten()
    }
}

/// The outer `None` says that it could not be made.
fn make(coding: Coding, content: &Bytes) -> Option<Option<Encoded>> {
    let bytes = encode(coding, content).ok()?;
    if bytes.len() >= content.len() {
        return Some(None);
    }
    let tag = tag_of(&bytes)?;
    Some(Some(Encoded { bytes: bytes.into(), tag }))
}

/// The tag of content that is in memory.
pub(super) fn tag_of(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", ContentHash(xxh3_128(bytes)))).ok()
}
