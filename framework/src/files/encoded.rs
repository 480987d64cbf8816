//! Encodings of files that have no siblings.
//!
//! An encoding is created when a client first asks for it, on the thread that has opened the file, and cached by the
//! tag of the content, within [bounds](MOST_BYTES). So a file that is deployed again is encoded again only if its
//! content has changed. Longer files are sent without encoding: a site can provide encoded siblings, which may also be
//! created with more effort.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use moka::sync::Cache;
use xxhash_rust::xxh3::xxh3_128;

use super::hash::ContentHash;
use crate::http::encoding::encode;
use crate::http::negotiation::{Coding, Preferences};
use crate::media_type;

/// The minimum and the maximum size of a file that is encoded, in bytes. The maximum takes some 20 ms.
const SHORTEST: u64 = 1024;
const LONGEST: u64 = 1024 * 1024;

/// The maximum size of all encodings, in bytes.
const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// The approximate memory of an encoding beside its bytes.
const OVERHEAD: usize = 256;

/// An encoding, with the tag of its own bytes.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    pub(super) bytes: Bytes,
    pub(super) tag: HeaderValue,
}

/// The encodings that were created.
#[derive(Clone)]
pub(super) struct Encodings {
    /// The codings in which files are encoded.
    codings: Vec<Coding>,
    /// By the tag of the content. `None` if the encoding is not shorter.
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

    /// Returns whether a file of this type and length is encoded.
    pub(super) fn apply(&self, media_type: &HeaderValue, length: u64) -> bool {
        !self.codings.is_empty()
            && (SHORTEST..=LONGEST).contains(&length)
            && media_type::is_text(media_type)
    }

    /// Returns the coding that the client prefers for such a file. The length of an encoding is unknown before it is
    /// created; of equally preferred codings the one that is usually shortest is chosen.
    pub(super) fn choose(&self, liked: &Preferences, length: u64) -> Coding {
        let usual = [Coding::Brotli, Coding::Zstd, Coding::Gzip];
        let offers = usual.into_iter().zip(1..).filter(|(coding, _)| self.codings.contains(coding));
        let best = liked.best(offers.chain([(Coding::Identity, length)]));
        best.unwrap_or(Coding::Identity)
    }

    /// Returns the encoding of the content with this tag, which `content` reads if necessary. `None` if the encoding is
    /// not shorter, or encoding failed.
    pub(super) fn of(
        &self,
        tag: &HeaderValue,
        coding: Coding,
        content: impl FnOnce() -> Option<Bytes>,
    ) -> Option<Encoded> {
        self.kept.optionally_get_with((tag.clone(), coding), || make(coding, &content()?)).flatten()
    }
}

/// Encodes content. The outer `None` means that encoding failed, the inner one that the encoding is not shorter.
fn make(coding: Coding, content: &Bytes) -> Option<Option<Encoded>> {
    let bytes = encode(coding, content).ok()?;
    if bytes.len() >= content.len() {
        return Some(None);
    }
    let tag = tag_of(&bytes)?;
    Some(Some(Encoded { bytes: bytes.into(), tag }))
}

/// Returns the tag of content in memory.
pub(super) fn tag_of(bytes: &[u8]) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{}\"", ContentHash(xxh3_128(bytes)))).ok()
}
