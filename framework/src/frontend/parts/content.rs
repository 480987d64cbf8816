use std::sync::Arc;

use http::StatusCode;
use http::header::{self, HeaderMap};
use http::response::Parts;

use super::super::maker::MadeContent;
use super::super::pages::{Collected, Pages, Served, collect, page_of};
use super::super::respond::Aging;
use super::super::router::{Failed, VariantKind};
use super::super::settings::Settings;
use super::composition::Source;
use super::failing::Cause;
use super::frame::Frame;
use super::insertion::Insertion;
use crate::body::Body;
use crate::budget::Share;
use crate::cache::{Entry, Page};
use crate::http::ReuseTerms;
use crate::inline::InlineHashes;
use crate::pieces::Pieces;

/// The content of an answer that is inserted into a page.
#[derive(Debug)]
pub(super) enum PartContent {
    /// An entry of the cache.
    Entry { entry: Arc<Entry>, variant: VariantKind, aging: Aging },
    /// A page that could have been stored, but was not.
    Page(Box<Page>, VariantKind),
    /// Content for this visitor only.
    Own(HeaderMap, Pieces, InlineHashes),
    /// Content that is the same for all visitors, although it bypasses the cache.
    Shared(HeaderMap, Box<ReuseTerms>, Pieces),
}

impl PartContent {
    /// Extracts the content of an answer. A body that must be read may be no longer than the largest entry of the
    /// cache.
    ///
    /// # Errors
    /// When the answer cannot be inserted into a page.
    pub(super) async fn of(
        served: Served,
        pages: &Pages,
        settings: &Settings,
    ) -> Result<PartContent, Cause> {
        let limit = settings.largest_entry;
        match served {
            Served::Entry { entry, variant, aging, .. } => {
                PartContent::of_entry(entry, variant, aging)
            }
            Served::Page { page, variant, .. } => {
                fits(page.status(), page.header_template.template())?;
                Ok(PartContent::Page(page, variant))
            }
            Served::Made { made, .. } => {
                fits(made.status, &made.headers)?;
                let pieces = match made.content {
                    MadeContent::Rendered { content, .. } => content,
                    MadeContent::Body(body) => read(body, limit, &pages.memory()).await?,
                };
                Ok(PartContent::Own(made.headers, pieces, made.inline))
            }
            Served::Response(response) => {
                let (Parts { status, headers, .. }, body) = response.into_parts();
                fits(status, &headers)?;
                let terms = ReuseTerms::of(&headers).into();
                let pieces = read(body, limit, &pages.memory()).await?;
                Ok(PartContent::Shared(headers, terms, pieces))
            }
            Served::Failed(failed) => Err(cause(*failed)),
        }
    }

    /// Returns the content of an entry.
    ///
    /// # Errors
    /// When the entry cannot be inserted into a page.
    pub(super) fn of_entry(
        entry: Arc<Entry>,
        variant: VariantKind,
        aging: Aging,
    ) -> Result<PartContent, Cause> {
        let page = page_of(&entry);
        fits(page.status(), page.header_template.template())?;
        Ok(PartContent::Entry { entry, variant, aging })
    }

    pub(super) fn pieces(&self) -> &Pieces {
        match self {
            PartContent::Entry { entry, .. } => &page_of(entry).body,
            PartContent::Page(page, _) => &page.body,
            PartContent::Own(_, pieces, _) | PartContent::Shared(.., pieces) => pieces,
        }
    }

    /// Returns the hashes of its inline scripts and styles from templates.
    pub(super) fn inline(&self) -> Option<&InlineHashes> {
        match self {
            PartContent::Entry { entry, .. } => Some(&page_of(entry).header_template.inline),
            PartContent::Page(page, _) => Some(&page.header_template.inline),
            PartContent::Own(.., inline) => Some(inline),
            PartContent::Shared(..) => None,
        }
    }

    fn headers(&self) -> &HeaderMap {
        match self {
            PartContent::Entry { entry, .. } => page_of(entry).header_template.template(),
            PartContent::Page(page, _) => page.header_template.template(),
            PartContent::Own(headers, ..) | PartContent::Shared(headers, ..) => headers,
        }
    }

    /// Returns everything that is needed to insert it into this page.
    pub(super) fn source(&self, page: &Frame<'_>) -> Source<'_> {
        let source = match self {
            PartContent::Entry { entry, .. } => Source::of(page_of(entry)),
            PartContent::Page(page, _) => Source::of(page),
            PartContent::Own(_, pieces, _) | PartContent::Shared(.., pieces) => {
                Source::of_pieces(pieces, pieces.digest())
            }
        };
        match Insertion::of(self.headers(), page.headers) {
            Insertion::Verbatim => source,
            // Other bytes are another representation, so a strong tag must differ.
            Insertion::Escaped => {
                Source { digest: !source.digest, insertion: Insertion::Escaped, ..source }
            }
        }
    }
}

/// Checks that an answer can be inserted into a page.
fn fits(status: StatusCode, headers: &HeaderMap) -> Result<(), Cause> {
    if status.is_redirection() {
        let location = headers.get(header::LOCATION).map(|location| location.as_bytes());
        let location = location.unwrap_or_default().escape_ascii();
        return Err(format!("it redirects to {location} with status {}", status.as_u16()).into());
    }
    if status != StatusCode::OK {
        return Err(format!("it answers with status {}", status.as_u16()).into());
    }
    if let Some(encoding) = headers.get(header::CONTENT_ENCODING) {
        let encoding = encoding.as_bytes().escape_ascii();
        return Err(
            format!("its content is encoded ({encoding}): send it without an encoding").into()
        );
    }
    Ok(())
}

async fn read(body: Body, limit: u64, share: &Share) -> Result<Pieces, Cause> {
    match collect(body, limit, share).await {
        Ok(Collected::Whole(bytes)) => Ok(bytes.into()),
        Ok(Collected::TooLong(_)) => {
            let cause = format!(
                "it is longer than {limit} bytes (`[cache] max_entry`), or there is not enough memory \
                 for it (`[limits] collected_bodies`)"
            );
            Err(cause.into())
        }
        Err(error) => Err(error.to_string().into()),
    }
}

fn cause(failed: Failed) -> Cause {
    let Failed { failure, request_id, .. } = failed;
    let status = failure.status.as_u16();
    let text = match failure.cause {
        Some(cause) => format!("it answers with status {status}: {} ({cause})", failure.message),
        None => format!("it answers with status {status}: {}", failure.message),
    };
    Cause::of_request(text, request_id, failure.is_known)
}
