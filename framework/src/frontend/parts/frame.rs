use http::Response;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::super::FrontEnd;
use super::super::cache_status::CacheStatus;
use super::super::respond::{self, Aging, Composed};
use super::super::served::{Served, page_of};
use super::composition::Assembly;
use super::sharing::Told;
use crate::body::Body;
use crate::cache::Page;
use crate::clock;
use crate::pieces::Pieces;

/// A page without its parts.
pub(super) struct Frame<'a> {
    status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) told: Told<'a>,
    pub(super) pieces: &'a Pieces,
    /// What the pieces are known by.
    pub(super) digest: u128,
    cache: CacheStatus,
    aging: Aging,
    /// Whether it was made for this request alone.
    is_own: bool,
}

/// What a page says of itself without its parts. The latest of all dates would not do for the whole:
/// a part may be followed by an older one, when the visitor's variant changes for example.
static OF_THE_PAGE_ALONE: [HeaderName; 7] = [
    header::ETAG,
    header::LAST_MODIFIED,
    header::CONTENT_LENGTH,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// Makes the headers of a page with parts ready to be kept: without what it says of itself alone, and
/// with places for what each response adds, so that the copied map need not grow.
pub(in super::super) fn prepare(headers: &mut HeaderMap) {
    clear(headers);
    headers.insert(header::ETAG, HeaderValue::from_static(""));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
}

fn clear(headers: &mut HeaderMap) {
    for name in &OF_THE_PAGE_ALONE {
        headers.remove(name);
    }
}

impl<'a> Frame<'a> {
    /// What there is for a request, if it has parts.
    pub(super) fn of(served: &'a Served, frontend: &FrontEnd) -> Option<Frame<'a>> {
        let pieces = served.pieces().filter(|pieces| pieces.has_parts())?;
        let variant = served.variant();
        let by = |page: &'a Page| Told::by_page(page, variant);
        let (status, headers, told, cache, aging) = match served {
            Served::Hit { entry, now, .. } => {
                let (page, cache) = (page_of(entry), CacheStatus::Hit(entry.remaining(*now)));
                let aging = frontend.aging_of(entry, cache, *now);
                (page.status, &page.headers, by(page), cache, aging)
            }
            Served::Stored { entry, cache, .. } => {
                let (page, aging) =
                    (page_of(entry), frontend.aging_of(entry, *cache, clock::now()));
                (page.status, &page.headers, by(page), *cache, aging)
            }
            Served::Page { page, cache, .. } => {
                (page.status, &page.headers, by(page), *cache, Aging::NEW)
            }
            Served::Made { status, headers, cache, .. } => {
                (*status, headers, Told::by(headers, variant), *cache, Aging::NEW)
            }
            Served::Failed(_) | Served::Response(_) => return None,
        };
        Some(Frame {
            status,
            headers,
            told,
            pieces,
            digest: served.digest(),
            cache,
            aging,
            is_own: matches!(served, Served::Made { .. }),
        })
    }

    /// The response with what was put together.
    pub(super) fn respond(&self, request: &Parts, whole: Assembly) -> Response<Body> {
        let Frame { status, cache, .. } = *self;
        let mut headers = self.headers.clone();
        self.aging.with(whole.aging).tell(&mut headers, None);
        whole.sharing.apply(&mut headers);
        if self.is_own {
            clear(&mut headers);
            return respond::made(status, headers, Body::pieces(whole.bytes), cache);
        }
        let composed = Composed { status, headers, tag: whole.tag.header(), body: whole.bytes };
        respond::composed(request, composed, cache)
    }
}
