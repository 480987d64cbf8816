//! What there is for a request, before it is made a response to anybody.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::Either;
use http::{HeaderMap, Response, StatusCode};

use super::cache_status::{CacheStatus, Forward};
use super::failure::Failure;
use super::make::MadeContent;
use super::variant::VariantKind;
use super::{bypass, request_id};
use crate::body::Body;
use crate::cache::{Entry, Page};
use crate::clock::Moment;
use crate::dispatch::Scope;
use crate::pieces::Pieces;

/// What dispatch has found or made for a request: a page for a visitor, or a part of one.
#[derive(Debug)]
pub(super) enum Served {
    /// A hit.
    Hit { entry: Arc<Entry>, variant: VariantKind, now: Moment },
    /// What was made for this request, or for another one that it waited for, and kept.
    Stored { entry: Arc<Entry>, variant: VariantKind, cache: CacheStatus },
    /// What might have been kept, had there been a place for it.
    Page { page: Box<Page>, variant: VariantKind, cache: CacheStatus },
    /// What was made for this request alone.
    Made { status: StatusCode, headers: HeaderMap, content: MadeContent, cache: CacheStatus },
    /// Nothing, and why.
    Failed(Failed),
    /// What has no parts: a redirect, a file, an answer to OPTIONS.
    Response(Response<Body>),
}

/// Why there is nothing for a request, and what the log and the error page say of it.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// Whose error pages apply.
    pub(super) scope: Scope,
    pub(super) request_id: String,
    pub(super) path: String,
    pub(super) cache: CacheStatus,
}

/// What is served, now or later.
pub(super) type Serving<'a> =
    Either<Ready<Served>, Pin<Box<dyn Future<Output = Served> + Send + 'a>>>;

/// In a box, so that the future of a request stays small.
pub(super) fn later<'a>(served: impl Future<Output = Served> + Send + 'a) -> Serving<'a> {
    Either::Right(Box::pin(served))
}

impl Served {
    /// An error before anything was forwarded.
    pub(super) fn refused(failure: Failure, scope: Scope, path: &str) -> Served {
        let cache = bypass(Forward::Bypass);
        let (request_id, path) = (request_id(), path.to_owned());
        Served::Failed(Failed { failure, scope, request_id, path, cache })
    }

    /// As what is served now.
    pub(super) fn at_once<'a>(self) -> Serving<'a> {
        Either::Left(ready(self))
    }

    /// The variant that it is of.
    pub(super) fn variant(&self) -> &VariantKind {
        match self {
            Served::Hit { variant, .. }
            | Served::Stored { variant, .. }
            | Served::Page { variant, .. } => variant,
            Served::Made { .. } | Served::Failed(_) | Served::Response(_) => &VariantKind::Yes,
        }
    }

    /// The content, as far as it may have parts.
    pub(super) fn pieces(&self) -> Option<&Pieces> {
        match self {
            Served::Hit { entry, .. } | Served::Stored { entry, .. } => Some(&page_of(entry).body),
            Served::Page { page, .. } => Some(&page.body),
            Served::Made { content: MadeContent::Rendered { content, .. }, .. } => Some(content),
            Served::Made { .. } | Served::Failed(_) | Served::Response(_) => None,
        }
    }
}

/// The page of an entry that was found by the key of a page.
pub(super) fn page_of(entry: &Entry) -> &Page {
    entry.page().expect("keys of pages and of fragments differ")
}
