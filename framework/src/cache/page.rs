//! An answer to a visitor as it is kept: ready to be sent in each of its forms.
//!
//! A hit is what most requests are, so nothing is left for it to work out. The headers are put
//! together when the page is made: those of the answer itself, those that go with a 304 (RFC 9110,
//! section 15.4.5), and those of each encoding. They hold `Age` and `Cache-Status`, too, for which each response
//! has values of its own: to replace a value costs little, but one name more would make the copied
//! map grow.
//!
//! Encodings are made after the page was stored, by whoever has [claimed](Later::claim) that; until
//! then the page is served as it is. So are the deflated pieces of what is put together for each response:
//! a page with parts, or one that is a part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use moka::ops::compute::Op;

use super::entry::Entry;
use super::store::Cache;
use crate::http::Coding;
use crate::http::gzip::Deflated;
use crate::pieces::Pieces;

/// An answer as it is kept.
#[derive(Debug)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers of the content as it is, the same for everybody.
    pub headers: HeaderMap,
    /// The body; its bytes are shared with every response that is under way.
    pub body: Pieces,
    /// What conditional requests need.
    pub validation: Box<Validation>,
    /// The content in codings.
    pub encodings: Encodings,
    /// The headers of what is put together of it and its parts, as gzip, if it may be sent so.
    pub spliced: Option<Box<HeaderMap>>,
    /// Its pieces, deflated.
    pub deflated: DeflatedPieces,
}

/// What is needed to tell a client that it has the page already, or a page made of it.
#[derive(Debug, Default)]
pub struct Validation {
    /// The headers of a 304.
    pub not_modified: HeaderMap,
    /// When this version was made, if dates are to tell it from others.
    pub last_modified: Option<LastModified>,
    /// The digest of the body, once somebody has asked for it.
    pub digest: OnceLock<u128>,
    /// What its headers tell caches further out, as a number, once somebody has asked for it.
    pub told: OnceLock<u64>,
}

/// When a version was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastModified {
    /// What conditions are compared with.
    pub time: SystemTime,
    /// What is shown in the place of the header's value while another version may still be made
    /// in the same second. None when it was the controller that gave the date.
    pub early: Option<HeaderValue>,
}

/// The encodings of a page, which come later.
pub type Encodings = Later<Encoded>;

/// For each piece of a page its deflated form, if it has one. They come later.
pub type DeflatedPieces = Later<Option<Deflated>>;

/// What is made of a page after it was stored.
#[derive(Debug)]
pub struct Later<T> {
    /// Whether it may be asked for and nobody makes it.
    wanted: AtomicBool,
    made: OnceLock<Box<[T]>>,
}

/// The content in one coding.
#[derive(Debug)]
pub struct Encoded {
    /// The coding.
    pub coding: Coding,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Cache {
    /// Puts encodings into the page of an entry, which is heavier afterwards. Only who has claimed
    /// them makes them, once.
    pub fn put_encodings(&self, entry: &Arc<Entry>, encodings: Vec<Encoded>) {
        let Some(page) = entry.page() else { return };
        let _ = page.encodings.made.set(encodings.into());
        self.weigh_again(entry);
    }

    /// The same for its deflated pieces.
    pub fn put_deflated(&self, entry: &Arc<Entry>, pieces: Vec<Option<Deflated>>) {
        let Some(page) = entry.page() else { return };
        let _ = page.deflated.made.set(pieces.into());
        self.weigh_again(entry);
    }

    fn weigh_again(&self, entry: &Arc<Entry>) {
        // The map weighs what is put into it. A fill that comes between looking and putting is
        // lost: a miss, no more.
        let current = self.entries(entry.is_persistent()).entry(entry.key.clone());
        current.and_compute_with(|current| match current {
            Some(current) if Arc::ptr_eq(current.value(), entry) => Op::Put(Arc::clone(entry)),
            _ => Op::Nop,
        });
    }
}

impl Page {
    /// A page that knows of no versions and has no encodings.
    pub fn new(status: StatusCode, headers: HeaderMap, body: Pieces) -> Page {
        Page {
            status,
            headers,
            body,
            validation: Box::default(),
            encodings: Later::none(),
            spliced: None,
            deflated: Later::wanted(),
        }
    }

    /// What the body is known by.
    pub fn digest(&self) -> u128 {
        *self.validation.digest.get_or_init(|| self.body.digest())
    }

    /// A number for what the headers tell caches further out, as `find_out` makes it.
    pub fn told(&self, find_out: fn(&HeaderMap) -> u64) -> u64 {
        *self.validation.told.get_or_init(|| find_out(&self.headers))
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        let encodings = self.encodings.made().iter();
        let encodings =
            encodings.map(|encoded| size_of_headers(&encoded.headers) + encoded.body.len());
        let deflated =
            self.deflated.made().iter().map(|piece| {
                size_of::<Option<Deflated>>() + piece.as_ref().map_or(0, Deflated::size)
            });
        size_of_headers(&self.headers)
            + size_of::<Validation>()
            + size_of_headers(&self.validation.not_modified)
            + self.spliced.as_ref().map_or(0, |headers| size_of_headers(headers))
            + self.body.len()
            + encodings.sum::<usize>()
            + deflated.sum::<usize>()
    }
}

/// A map has places for names, values and their order, up to a third of them empty.
fn size_of_headers(headers: &HeaderMap) -> usize {
    const PLACE: usize = 130;
    headers.iter().map(|(_, value)| value.len() + PLACE).sum()
}

impl<T> Later<T> {
    /// Nothing, and there will be nothing.
    pub fn none() -> Later<T> {
        Later { wanted: AtomicBool::new(false), made: OnceLock::new() }
    }

    /// Nothing yet: somebody is to make it, or is once it is asked for.
    pub fn wanted() -> Later<T> {
        Later { wanted: AtomicBool::new(true), made: OnceLock::new() }
    }

    /// This, and there will be nothing else.
    #[cfg(test)]
    pub(crate) fn of(made: Vec<T>) -> Later<T> {
        Later { wanted: AtomicBool::new(false), made: OnceLock::from(Box::from(made)) }
    }

    /// What is there.
    pub fn made(&self) -> &[T] {
        self.made.get().map_or(&[], |made| made)
    }

    /// Whether nobody has claimed it yet.
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Takes the duty to make it. `false` when somebody else has it, or nobody needs to.
    pub fn claim(&self) -> bool {
        self.is_wanted() && self.wanted.swap(false, Ordering::Relaxed)
    }

    /// Gives the duty back.
    pub fn give_back(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }
}
