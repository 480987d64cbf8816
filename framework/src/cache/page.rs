//! An answer to a visitor as it is kept: ready to be sent in each of its forms.
//!
//! A hit is what most requests are, so little is left for it to work out, and there are many pages,
//! so each holds only what is its own: the bytes, their digest, and when it was made. What its
//! responses say besides is a [`Head`], which it shares with others.
//!
//! Encodings are made after the page was stored, by whoever has [claimed](Later::claim) that; until
//! then the page is served as it is. So are the deflated pieces of what is put together for each response:
//! a page with parts, or one that is a part.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use moka::ops::compute::Op;

use super::entry::Entry;
use super::head::{Head, Outline};
use super::store::Cache;
use crate::http::Coding;
use crate::http::gzip::Deflated;
use crate::pieces::Pieces;

/// An answer as it is kept.
#[derive(Debug)]
pub struct Page {
    /// What its responses say, but for what is its own.
    pub head: Arc<Head>,
    /// The body; its bytes are shared with every response that is under way.
    pub body: Pieces,
    /// What the body is known by.
    pub digest: u128,
    /// When this version was made.
    pub modified: SystemTime,
    /// The content in codings.
    pub encodings: Encodings,
    /// Its pieces, deflated.
    pub deflated: DeflatedPieces,
}

/// When a version was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastModified {
    /// What conditions are compared with.
    pub time: SystemTime,
    /// Whether it was the controller that gave the date, in whole seconds.
    pub is_given: bool,
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
    /// A page with this head, made at `modified`.
    pub fn new(head: Arc<Head>, body: Pieces, modified: SystemTime) -> Page {
        let digest = body.digest();
        let (encodings, deflated) = (Encodings::none(), DeflatedPieces::wanted());
        Page { head, body, digest, modified, encodings, deflated }
    }

    /// A page that says nothing of itself but these headers.
    pub fn plain(status: StatusCode, headers: HeaderMap, body: Pieces) -> Page {
        let head = Head::new(Outline { status, headers, ..Outline::default() });
        Page::new(Arc::new(head), body, SystemTime::now())
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The body in a coding, if that has been made.
    pub fn encoded(&self, coding: Coding) -> Option<&Bytes> {
        let mut made = self.encodings.made().iter();
        made.find(|encoded| encoded.coding == coding).map(|encoded| &encoded.body)
    }

    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        let encodings = self.encodings.made().iter();
        let encodings = encodings.map(|encoded| size_of::<Encoded>() + encoded.body.len());
        let deflated =
            self.deflated.made().iter().map(|piece| {
                size_of::<Option<Deflated>>() + piece.as_ref().map_or(0, Deflated::size)
            });
        // Others may share the head, or nobody.
        let head = self.head.size() / Arc::strong_count(&self.head).max(1);
        head + self.body.len() + encodings.sum::<usize>() + deflated.sum::<usize>()
    }
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
