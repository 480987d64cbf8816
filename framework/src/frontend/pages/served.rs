//! The content for a request, before it is turned into a response.

use std::sync::Arc;

use http::{Response, StatusCode};

use super::super::maker::{Made, MadeContent};
use super::super::respond::{Aging, CacheStatus};
use super::super::router::{Failed, VariantKind};
use crate::body::Body;
use crate::cache::{Entry, Page};
use crate::pieces::Pieces;

/// The content for a request: a page for a client, or a part of one.
#[derive(Debug)]
pub(in crate::frontend) enum Served {
    /// A cached page: a hit, or one that was made and stored for this request or another one.
    Entry { entry: Arc<Entry>, variant: VariantKind, cache: CacheStatus, aging: Aging },
    /// A page that may be stored, but that the cache cannot prove to be valid.
    Page { page: Box<Page>, variant: VariantKind, cache: CacheStatus },
    /// Content that was made for this request only.
    Made { made: Box<Made>, variant: VariantKind, cache: CacheStatus },
    /// No content, with the reason.
    Failed(Box<Failed>),
    /// A response without parts: a redirect, a file, an answer to OPTIONS.
    Response(Response<Body>),
}

impl Served {
    /// Returns its variant.
    pub(in crate::frontend) fn variant(&self) -> &VariantKind {
        match self {
            Served::Entry { variant, .. }
            | Served::Page { variant, .. }
            | Served::Made { variant, .. } => variant,
            Served::Failed(_) | Served::Response(_) => &VariantKind::Yes,
        }
    }

    /// Returns the content, if it may have parts.
    pub(in crate::frontend) fn pieces(&self) -> Option<&Pieces> {
        match self {
            Served::Entry { entry, .. } => Some(&page_of(entry).body),
            Served::Page { page, .. } => Some(&page.body),
            Served::Made { made, .. } => match &made.content {
                MadeContent::Rendered { content, .. } => Some(content),
                MadeContent::Body(_) => None,
            },
            Served::Failed(_) | Served::Response(_) => None,
        }
    }

    /// Returns the page, if it is or may be stored, with its cache status.
    fn kept(&self) -> Option<(&Page, CacheStatus)> {
        match self {
            Served::Entry { entry, cache, .. } => Some((page_of(entry), *cache)),
            Served::Page { page, cache, .. } => Some((page, *cache)),
            Served::Made { .. } | Served::Failed(_) | Served::Response(_) => None,
        }
    }

    /// Returns whether it is a page that is or may be stored and contains a placeholder for flash messages.
    pub(in crate::frontend) fn has_flashes(&self) -> bool {
        self.kept().is_some_and(|(page, _)| !page.flashes.is_empty())
    }

    /// Restores the placeholders in such a page for a client with a message, as if the page were made for this request
    /// only.
    pub(in crate::frontend) fn with_flashes(self) -> Served {
        let Some((page, cache)) = self.kept() else { return self };
        let (content, shared) = (page.body.with_flashes(&page.flashes), &*page.header_template);
        let made = Made {
            status: page.status(),
            headers: shared.template().clone(),
            terms: shared.terms.clone(),
            content: MadeContent::Rendered { content, contains: Vec::new() },
            inline: shared.inline.clone(),
            is_governed: shared.is_governed,
        };
        Served::Made { made: Box::new(made), variant: self.variant().clone(), cache }
    }

    /// Returns the status, if the content cannot be stored.
    pub(super) fn unstored_status(&self) -> Option<StatusCode> {
        match self {
            Served::Made { made, .. } => Some(made.status),
            Served::Failed(failed) => Some(failed.failure.status),
            Served::Entry { .. } | Served::Page { .. } | Served::Response(_) => None,
        }
    }
}

/// Returns the page of an entry that was found by the key of a page.
pub(in crate::frontend) fn page_of(entry: &Entry) -> &Page {
    entry.page().expect("keys of pages and of fragments differ")
}
