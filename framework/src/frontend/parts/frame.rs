use std::sync::Arc;

use http::Response;
use http::StatusCode;
use http::header::HeaderMap;
use http::request::Parts;

use super::super::dispatcher::Dispatcher;
use super::super::pages::{Served, clear, page_of};
use super::super::respond::{self, Aging, CacheStatus, Composed, ComposedBody};
use super::super::router::Visit;
use super::composition::{Assembly, Source};
use super::sharing::Policy;
use crate::body::Body;
use crate::cache::Entry;
use crate::http::negotiation::acceptable;
use crate::http::{Coding, Preferences, Reuse};
use crate::inline::InlineHashes;

/// A page without its parts.
pub(super) struct Frame<'a> {
    status: StatusCode,
    pub(super) headers: &'a HeaderMap,
    pub(super) policy: Policy<'a>,
    pub(super) source: Source<'a>,
    /// Its entry in the cache, if it has one.
    entry: Option<&'a Arc<Entry>>,
    /// The headers of its gzip representation, if it may be sent as gzip.
    spliced: Option<&'a HeaderMap>,
    /// The codings that the client accepts, if the page has several representations.
    accepted: Preferences,
    cache: CacheStatus,
    aging: Aging,
    /// The hashes of its inline scripts and styles, if the site's policy governs them.
    inline: Option<&'a InlineHashes>,
    /// Whether it was made for this request only.
    is_own: bool,
}

impl<'a> Frame<'a> {
    /// Returns the frame of a response that has parts.
    pub(super) fn of(served: &'a Served, visit: Visit<'_>) -> Option<Frame<'a>> {
        let pieces = served.pieces().filter(|pieces| pieces.has_parts())?;
        let variant = served.variant();
        let (page, entry, cache, aging) = match served {
            Served::Entry { entry, cache, aging, .. } => {
                (page_of(entry), Some(entry), *cache, *aging)
            }
            Served::Page { page, cache, .. } => (&**page, None, *cache, Aging::NEW),
            Served::Made { made, cache, .. } => {
                return Some(Frame {
                    status: made.status,
                    headers: &made.headers,
                    policy: Policy { terms: &made.terms, variant },
                    // It gets no tag.
                    source: Source::of_pieces(pieces, 0),
                    entry: None,
                    spliced: None,
                    accepted: Preferences::PLAIN,
                    cache: *cache,
                    aging: Aging::NEW,
                    inline: Some(&made.inline).filter(|_| made.is_governed),
                    is_own: true,
                });
            }
            Served::Failed(_) | Served::Response(_) => return None,
        };
        Some(Frame {
            status: page.status(),
            headers: page.header_template.template(),
            policy: Policy { terms: &page.header_template.terms, variant },
            source: Source::of(page),
            entry,
            spliced: page.header_template.encoded_template(),
            accepted: match page.header_template.encoded_template() {
                Some(_) => acceptable(visit.headers()),
                None => Preferences::PLAIN,
            },
            cache,
            aging,
            inline: Some(&page.header_template.inline).filter(|_| page.header_template.is_governed),
            is_own: false,
        })
    }

    /// Returns whether the client prefers gzip to the unencoded content, or accepts both equally.
    pub(super) fn takes_gzip(&self) -> bool {
        let gzip = self.accepted.quality(Coding::Gzip);
        gzip > 0 && gzip >= self.accepted.quality(Coding::Identity)
    }

    /// Builds the response from the composed content.
    pub(super) fn respond(
        &self,
        request: &Parts,
        assembly: Assembly,
        dispatcher: &Dispatcher,
    ) -> Response<Body> {
        let Frame { status, cache, accepted, .. } = *self;
        let Assembly { whole, undeflated, tag, mut sharing, aging, inline, has_flash } = assembly;
        if self.takes_gzip() {
            for entry in self.entry.into_iter().chain(&undeflated) {
                dispatcher.pages.deflate(entry);
            }
        }
        let gzip = self.spliced.filter(|_| !has_flash && self.is_best_as_gzip(&whole));
        let mut headers = gzip.unwrap_or(self.headers).clone();
        if self.is_own {
            self.policy.terms.clone().write(&mut headers);
        }
        let aging = self.aging.with(aging);
        aging.write_into(&mut headers, self.policy.terms);
        sharing.restrict(aging.reuse());
        if has_flash {
            sharing.restrict(Reuse::Private);
        }
        sharing.apply(self.policy.terms, &mut headers);
        if let Some(own) = self.inline {
            dispatcher.settings.page_headers.widen(&mut headers, own, &inline);
        }
        if has_flash {
            dispatcher.settings.flashes.forget(&mut headers);
        }
        if self.is_own || has_flash {
            clear(&mut headers);
            return respond::made(status, headers, Body::pieces(whole.into_plain()), cache);
        }
        let (body, tag, is_gzip) = (whole, tag.header(), gzip.is_some());
        respond::composed(
            request,
            Composed { status, headers, body, tag, accepted, is_gzip },
            cache,
        )
    }

    fn is_best_as_gzip(&self, whole: &ComposedBody) -> bool {
        let gzip = whole.len_as_gzip().map(|length| (Coding::Gzip, length as u64));
        let offers = gzip.into_iter().chain([(Coding::Identity, whole.len() as u64)]);
        self.accepted.best(offers) == Some(Coding::Gzip)
    }
}
