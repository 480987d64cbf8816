use http::StatusCode;
use http::header::HeaderMap;

use super::super::page_headers::PageHeaders;
use crate::body::Body;
use crate::http::ReuseTerms;
use crate::inline::InlineHashes;
use crate::pieces::Pieces;

/// Content as it comes from where it is made.
#[derive(Debug)]
pub(in crate::frontend) struct Made {
    pub(in crate::frontend) status: StatusCode,
    /// Its headers, without those that `terms` stand for.
    pub(in crate::frontend) headers: HeaderMap,
    /// What caches further out are told.
    pub(in crate::frontend) terms: ReuseTerms,
    pub(in crate::frontend) content: MadeContent,
    /// The scripts and styles of templates that stand in it.
    pub(in crate::frontend) inline: InlineHashes,
    /// Whether the site's policy says which of them run, and not its controller.
    pub(in crate::frontend) is_governed: bool,
}

/// The body of what was made.
#[derive(Debug)]
pub(in crate::frontend) enum MadeContent {
    /// From a controller, as it comes.
    Body(Body),
    /// From a template, with the ids of the fragments in it.
    Rendered { content: Pieces, contains: Vec<String> },
}

impl Made {
    /// Content with the headers of a reply: they are read here, and those that the site gives to all of its HTML are
    /// added.
    pub(in crate::frontend) fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        content: MadeContent,
        inline: InlineHashes,
        page_headers: &PageHeaders,
    ) -> Made {
        let is_governed = page_headers.put_into(&mut headers, &inline);
        let terms = ReuseTerms::take(&mut headers);
        Made { status, headers, terms, content, inline, is_governed }
    }
}
