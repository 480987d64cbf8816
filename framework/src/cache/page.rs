//! A page as it is stored: ready to be sent in each of its representations.
//!
//! Most requests are hits, so little is left to compute for one. There are many pages, so each
//! stores only its own values: the bytes, their digest, and the time when it was made. The other
//! headers of its responses are a [`HeaderTemplate`], which it shares with others.
//!
//! Encodings are made after the page was stored, by the task that has [claimed](Later::claim) them;
//! until then the page is served without a coding. The same is true of the deflated pieces of
//! content that is assembled for each response: a page with parts, or one that is a part.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::StatusCode;

use super::entry::Entry;
use super::header_template::HeaderTemplate;
use super::store::Cache;
use crate::http::Coding;
use crate::http::gzip::Deflated;
use crate::pieces::Pieces;

/// A page as it is stored.
#[derive(Debug)]
pub struct Page {
    /// The headers of its responses, without the page's own values.
    pub header_template: Arc<HeaderTemplate>,
    /// The body; its bytes are shared with every response that is under way.
    pub body: Pieces,
    /// The positions in the body where a message for one reader is inserted, if there are any.
    pub flashes: Box<[usize]>,
    /// The two halves of the digest: as a `u128` its alignment would cost additional bytes.
    digest: [u64; 2],
    /// When this version was made, in nanoseconds since 1970.
    modified: u64,
    /// Derived content that is made later.
    pub later: Later,
}

/// When a version was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastModified {
    /// The time that conditional requests are compared with.
    pub time: SystemTime,
    /// Whether the controller has set the date, in whole seconds.
    pub is_given: bool,
}

/// Derived content of a page, made after the page was stored. Few pages have any, so no space is
/// reserved for it.
#[derive(Debug)]
pub struct Later {
    /// The kinds that may be made and are not claimed, as bits.
    wanted: AtomicU8,
    made: OnceLock<Box<DerivedContent>>,
}

/// The kinds of derived content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// The content in codings.
    Encodings = 1,
    /// Its pieces, deflated each by itself.
    Pieces = 2,
}

#[derive(Debug, Default)]
struct DerivedContent {
    encodings: OnceLock<Box<[Encoded]>>,
    /// For each piece its deflated representation, if it has one.
    pieces: OnceLock<Box<[Option<Deflated>]>>,
}

/// The content in one coding.
#[derive(Debug)]
pub struct Encoded {
    /// The coding.
    pub coding: Coding,
    /// The body.
    pub body: Bytes,
}

impl Cache {
    /// Stores encodings in the page of an entry, which is heavier afterwards. Only the task that
    /// has claimed the encodings makes them, once.
    pub fn put_encodings(&self, entry: &Arc<Entry>, encodings: Vec<Encoded>) {
        let Some(page) = entry.page() else { return };
        page.later.put_encodings(encodings);
        self.entries(entry.is_persistent()).weigh_again(entry);
    }

    /// Stores the deflated pieces in the page of an entry, in the same way.
    pub fn put_deflated(&self, entry: &Arc<Entry>, pieces: Vec<Option<Deflated>>) {
        let Some(page) = entry.page() else { return };
        let _ = page.later.made.get_or_init(Box::default).pieces.set(pieces.into());
        self.entries(entry.is_persistent()).weigh_again(entry);
    }
}

impl Page {
    /// Creates a page with this header template, made at `modified`.
    pub fn new(header_template: Arc<HeaderTemplate>, body: Pieces, modified: SystemTime) -> Page {
        let digest = body.digest();
        let digest = [digest as u64, (digest >> 64) as u64];
        let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        // 64 bits suffice until the year 2554.
        let modified = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
        let (flashes, later) = (Box::default(), Later::wanting(Derived::Pieces));
        Page { header_template, body, flashes, digest, modified, later }
    }

    /// Returns the digest of the body.
    pub fn digest(&self) -> u128 {
        u128::from(self.digest[1]) << 64 | u128::from(self.digest[0])
    }

    /// Returns when this version was made.
    pub fn modified(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.modified)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.header_template.status
    }

    /// Returns the body in a coding, if that has been made.
    pub fn encoded(&self, coding: Coding) -> Option<&Bytes> {
        let mut made = self.later.encodings().iter();
        made.find(|encoded| encoded.coding == coding).map(|encoded| &encoded.body)
    }

    /// Returns roughly how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        let encodings = self.later.encodings().iter();
        let encodings = encodings.map(|encoded| size_of::<Encoded>() + encoded.body.len());
        let deflated =
            self.later.pieces().iter().map(|piece| {
                size_of::<Option<Deflated>>() + piece.as_ref().map_or(0, Deflated::size)
            });
        // Pages share header templates, so each accounts for a fraction.
        let header_template =
            self.header_template.size() / Arc::strong_count(&self.header_template).max(1);
        header_template + self.body.len() + encodings.sum::<usize>() + deflated.sum::<usize>()
    }
}

impl Later {
    /// Creates it empty: `wanted` may be made, now or when it is first needed.
    pub fn wanting(wanted: Derived) -> Later {
        Later { wanted: AtomicU8::new(wanted as u8), made: OnceLock::new() }
    }

    pub(crate) fn put_encodings(&self, encodings: Vec<Encoded>) {
        let _ = self.made.get_or_init(Box::default).encodings.set(encodings.into());
    }

    /// Returns the content in codings, as far as it was made.
    pub fn encodings(&self) -> &[Encoded] {
        self.made.get().and_then(|made| made.encodings.get()).map_or(&[], |made| made)
    }

    /// Returns the deflated pieces, as far as they were made.
    pub fn pieces(&self) -> &[Option<Deflated>] {
        self.made.get().and_then(|made| made.pieces.get()).map_or(&[], |made| made)
    }

    /// Returns whether the content may be made and is not claimed.
    pub fn wants(&self, derived: Derived) -> bool {
        self.wanted.load(Ordering::Relaxed) & derived as u8 != 0
    }

    /// Claims the work. Returns `false` if it is claimed already, or not needed.
    pub fn claim(&self, derived: Derived) -> bool {
        let bit = derived as u8;
        self.wants(derived) && self.wanted.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    /// Offers the work, for the first time or again.
    pub fn want(&self, derived: Derived) {
        self.wanted.fetch_or(derived as u8, Ordering::Relaxed);
    }
}
