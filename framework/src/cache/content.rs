use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use crate::pieces::{Fragment, Pieces};

/// What an entry holds.
#[derive(Debug)]
pub enum Content {
    /// An answer to a visitor.
    Page(Page),
    /// A part of a template's output.
    Fragment(Arc<Fragment>),
}

/// An answer as it is kept.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status.
    pub status: StatusCode,
    /// The headers that are the same for everybody.
    pub headers: HeaderMap,
    /// The body; its bytes are shared with every response that is under way.
    pub body: Pieces,
}

impl Content {
    /// About how many bytes of memory it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Content::Page(page) => {
                let headers = page.headers.iter();
                let headers: usize =
                    headers.map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
                headers + page.body.len()
            }
            Content::Fragment(fragment) => {
                let names = fragment.groups.iter().chain(&fragment.contains);
                fragment.content.len() + names.map(|name| name.len() + 32).sum::<usize>()
            }
        }
    }
}
