//! An answer to a visitor as it is kept: ready to be sent in each of its representations.
//!
//! A hit is what most requests are, so little is left for it to work out, and there are many pages,
//! so each holds only what is its own: the bytes, their digest, and when it was made. What its
//! responses say besides is a [`HeaderTemplate`], which it shares with others.
//!
//! Encodings are made after the page was stored, by the task that has [claimed](Later::claim) them;
//! until then the page is served as it is. So are the deflated pieces of what is put together for
//! each response: a page with parts, or one that is a part.

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

/// An answer as it is kept.
#[derive(Debug)]
pub struct Page {
    /// What its responses say, but for what is its own.
    pub header_template: Arc<HeaderTemplate>,
    /// The body; its bytes are shared with every response that is under way.
    pub body: Pieces,
    /// Where in the body a message for one reader goes, if there is one.
    pub flashes: Box<[usize]>,
    /// The two halves of the digest: together they would want more room than they take.
    digest: [u64; 2],
    /// When this version was made, in nanoseconds since 1970.
    modified: u64,
    /// What is made of it later.
    pub later: Later,
}

/// When a version was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastModified {
    /// What conditions are compared with.
    pub time: SystemTime,
    /// Whether it was the controller that gave the date, in whole seconds.
    pub is_given: bool,
}

/// What is made of a page after it was stored. Few pages have any of it, so it has no room before.
#[derive(Debug)]
pub struct Later {
    /// What may be wanted and is not being made.
    wanted: AtomicU8,
    made: OnceLock<Box<DerivedContent>>,
}

/// What can be made of a page.
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
    /// Puts encodings into the page of an entry, which is heavier afterwards. Only the task that
    /// has claimed them makes them, once.
    pub fn put_encodings(&self, entry: &Arc<Entry>, encodings: Vec<Encoded>) {
        let Some(page) = entry.page() else { return };
        page.later.put_encodings(encodings);
        self.entries(entry.is_persistent()).weigh_again(entry);
    }

    /// The same for its deflated pieces.
    pub fn put_deflated(&self, entry: &Arc<Entry>, pieces: Vec<Option<Deflated>>) {
        let Some(page) = entry.page() else { return };
        let _ = page.later.made.get_or_init(Box::default).pieces.set(pieces.into());
        self.entries(entry.is_persistent()).weigh_again(entry);
    }
}

impl Page {
    /// A page with this header template, made at `modified`.
    pub fn new(header_template: Arc<HeaderTemplate>, body: Pieces, modified: SystemTime) -> Page {
        let digest = body.digest();
        let digest = [digest as u64, (digest >> 64) as u64];
        let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        // It lasts until the year 2554.
        let modified = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
        let (flashes, later) = (Box::default(), Later::wanting(Derived::Pieces));
        Page { header_template, body, flashes, digest, modified, later }
    }

    /// What the body is known by.
    pub fn digest(&self) -> u128 {
        u128::from(self.digest[1]) << 64 | u128::from(self.digest[0])
    }

    /// When this version was made.
    pub fn modified(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.modified)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.header_template.status
    }

    /// The body in a coding, if that has been made.
    pub fn encoded(&self, coding: Coding) -> Option<&Bytes> {
        let mut made = self.later.encodings().iter();
        made.find(|encoded| encoded.coding == coding).map(|encoded| &encoded.body)
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        let encodings = self.later.encodings().iter();
        let encodings = encodings.map(|encoded| size_of::<Encoded>() + encoded.body.len());
        let deflated =
            self.later.pieces().iter().map(|piece| {
                size_of::<Option<Deflated>>() + piece.as_ref().map_or(0, Deflated::size)
            });
        // Each page takes a part of a header template that many have.
        let header_template =
            self.header_template.size() / Arc::strong_count(&self.header_template).max(1);
        header_template + self.body.len() + encodings.sum::<usize>() + deflated.sum::<usize>()
    }
}

impl Later {
    /// Nothing yet: this is to be made, now or once it is asked for.
    pub fn wanting(wanted: Derived) -> Later {
        Later { wanted: AtomicU8::new(wanted as u8), made: OnceLock::new() }
    }

    pub(crate) fn put_encodings(&self, encodings: Vec<Encoded>) {
        let _ = self.made.get_or_init(Box::default).encodings.set(encodings.into());
    }

    /// The content in codings, as far as it was made.
    pub fn encodings(&self) -> &[Encoded] {
        self.made.get().and_then(|made| made.encodings.get()).map_or(&[], |made| made)
    }

    /// The deflated pieces, as far as they were made.
    pub fn pieces(&self) -> &[Option<Deflated>] {
        self.made.get().and_then(|made| made.pieces.get()).map_or(&[], |made| made)
    }

    /// Whether it may be made and is not claimed.
    pub fn wants(&self, derived: Derived) -> bool {
        self.wanted.load(Ordering::Relaxed) & derived as u8 != 0
    }

    /// Claims the work. `false` when it is claimed already, or not needed.
    pub fn claim(&self, derived: Derived) -> bool {
        let bit = derived as u8;
        self.wants(derived) && self.wanted.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    /// Offers the work, for the first time or again.
    pub fn want(&self, derived: Derived) {
        self.wanted.fetch_or(derived as u8, Ordering::Relaxed);
    }
}
