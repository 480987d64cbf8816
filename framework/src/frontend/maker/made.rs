use http::StatusCode;
use http::header::HeaderMap;

use super::super::page_headers::PageHeaders;
use crate::body::Body;
use crate::http::ReuseTerms;
use crate::inline::InlineHashes;
use crate::pieces::Pieces;

/// Content as made, before it is stored or sent.
#[derive(Debug)]
pub(in crate::frontend) struct Made {
    pub(in crate::frontend) status: StatusCode,
    /// Its headers, without those that `terms` contains.
    pub(in crate::frontend) headers: HeaderMap,
    /// The directives for downstream caches.
    pub(in crate::frontend) terms: ReuseTerms,
    pub(in crate::frontend) content: MadeContent,
    /// The hashes of its inline scripts and styles from templates.
    pub(in crate::frontend) inline: InlineHashes,
    /// Whether the site's policy governs them, rather than the controller's.
    pub(in crate::frontend) is_governed: bool,
}

/// The body of made content.
#[derive(Debug)]
pub(in crate::frontend) enum MadeContent {
    /// A controller's body, which is still arriving.
    Body(Body),
    /// A template's output, with the ids of the fragments in it.
    Rendered { content: Pieces, contains: Vec<String> },
}

impl Made {
    /// Creates content from the headers of a reply: extracts the terms, and adds the headers that the site sends with
    /// all of its HTML.
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
