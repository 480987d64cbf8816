//! Making pages and storing them in the cache.
//!
//! The site's current answer replaces an old page, even if it is an error page with a status below 500 or must not be
//! cached: the old page is then removed. Only a failure leaves it in the cache.

use std::sync::Arc;

use http::StatusCode;
use http::header::ACCEPT;
use tokio::time::timeout;

use super::super::advice::Advice;
use super::super::counters::{Counters, Event};
use super::super::failure::{Failure, ReplyCaching};
use super::super::maker::{Made, MadeContent, Maker};
use super::super::respond::Aging;
use super::super::router::{Failed, Order};
use super::super::settings::Settings;
use super::collect::{Collected, collect};
use super::encoder::Encoder;
use super::header_templates::HeaderTemplates;
use super::prepare::{self, VALIDATED, settle_terms};
use super::storable::freshness;
use super::{Served, is_persistent, page_of};
use crate::body::Body;
use crate::budget::Budget;
use crate::cache::{Cache, EntryContent, Fill, Filled, Lookup, Miss};
use crate::clock;
use crate::computation::Code;
use crate::link::{Call, group_of_url};

/// The number of bytes from which copying and hashing a page takes noticeable time.
const LARGE: usize = 256 * 1024;

/// Makes pages and puts them into the cache.
pub(super) struct Filler {
    settings: Arc<Settings>,
    cache: Arc<Cache>,
    maker: Arc<Maker>,
    /// Memory for replies that are collected for the cache.
    pub(super) memory: Budget,
    header_templates: HeaderTemplates,
    advice: Arc<Advice>,
    pub(super) encoder: Encoder,
    counters: Arc<Counters>,
}

impl Filler {
    /// Creates a filler that stores the pages of `maker` in `cache`.
    pub(super) fn new(
        settings: Arc<Settings>,
        cache: Arc<Cache>,
        maker: Arc<Maker>,
        advice: Arc<Advice>,
        counters: Arc<Counters>,
    ) -> Filler {
        let codings = settings.encodings.iter().filter(|_| settings.caching);
        Filler {
            memory: Budget::new(settings.collected_bodies),
            header_templates: HeaderTemplates::default(),
            advice,
            encoder: Encoder::new(Arc::clone(&cache), codings.copied().collect()),
            settings,
            cache,
            maker,
            counters,
        }
    }

    /// Makes the page of an order and stores it if that is allowed. Otherwise, marks its key as hit-for-miss, unless
    /// making the page failed.
    pub(super) async fn fill(&self, order: &Order, call: Call) -> Served {
        let served = self.make_and_store(order, call).await;
        if self.settings.caching {
            let status = served.unstored_status();
            // A rate limit concerns the visitor, not the page.
            let is_of_the_page = |status: StatusCode| {
                !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS
            };
            let is_the_truth = status.is_some_and(is_of_the_page);
            if is_the_truth {
                self.cache.remove(order.page_key());
            }
            // A failure permits no conclusion about the next reply.
            if is_the_truth && is_for_one_client(&served) {
                self.cache.mark_hit_for_miss(order.page_key(), clock::now());
            }
        }
        served
    }

    async fn make_and_store(&self, order: &Order, call: Call) -> Served {
        // The date of the content is the time at which making it began.
        let begun = clock::now();
        let language = order.language(&call, &self.settings.languages);
        let made = self.maker.make(order, call, Body::empty()).await;
        let made = made.or_else(|failure| self.made_of_failure(order, failure, language));
        let made = match made {
            Ok(made) => made,
            Err(failed) => return Served::Failed(failed),
        };
        let (mut made, ReplyCaching { groups, recorded, cache, origin }) = made;
        let unstored = |mut made: Made| {
            settle_terms(&mut made, order, &groups, &self.settings, None);
            let variant = order.variant.clone();
            Served::Made { made: Box::new(made), variant, cache: order.made(false) }
        };
        let freshness = freshness(&self.settings, &order.route, &made, cache);
        let place = origin.zip(freshness).filter(|_| self.settings.caching);
        let place = place.zip(recorded).filter(|_| !self.has_better(order, made.status));
        let Some(((origin, freshness), recorded)) = place else { return unstored(made) };
        let (body, contains) = match made.content {
            MadeContent::Rendered { content, contains } => {
                if content.len() as u64 > self.settings.largest_entry {
                    made.content = MadeContent::Rendered { content, contains };
                    return unstored(made);
                }
                (content, contains)
            }
            MadeContent::Body(body) => match self.read(body).await {
                Ok(Collected::Whole(body)) => (body.into(), Vec::new()),
                Ok(Collected::TooLong(body)) => {
                    made.content = MadeContent::Body(body);
                    return unstored(made);
                }
                Err(failure) => return Served::Failed(order.failed(failure).into()),
            },
        };
        let is_large = body.len() >= LARGE;
        made.content = MadeContent::Rendered { content: body, contains: Vec::new() };
        settle_terms(&mut made, order, &groups, &self.settings, Some(&VALIDATED));
        let prepare = || prepare::page(made, begun, &self.settings, &self.header_templates);
        let page = if is_large { Code::large_page().run(prepare) } else { prepare() };
        let mut all_groups = order.groups.clone();
        all_groups.extend(groups.into_iter().chain(recorded));
        if order.edition.table.may_be_changed(&order.path) {
            all_groups.push(group_of_url(&order.path));
        }
        self.advice.add_groups(&all_groups);
        let filled = self.cache.fill(Fill {
            key: order.page_key().clone(),
            generation: order.generation,
            origin,
            groups: &all_groups,
            freshness,
            contains: contains.into_iter().map(String::into_boxed_str).collect(),
            content: EntryContent::Page(page),
            now: begun,
        });
        let variant = order.variant.clone();
        let (entry, is_stored) = match filled {
            Filled::Stored(entry) => {
                self.counters.count(Event::Fill);
                self.encoder.ask(&entry, page_of(&entry));
                (entry, true)
            }
            Filled::Overtaken(entry) => (entry, false),
            Filled::Unplaced(EntryContent::Page(page)) => {
                return Served::Page { page: Box::new(page), variant, cache: order.made(false) };
            }
            Filled::Unplaced(EntryContent::Fragment(_)) => unreachable!("a page was to be filled"),
        };
        Served::Entry { entry, variant, cache: order.made(is_stored), aging: Aging::NEW }
    }

    /// Returns the error page of a controller's failure, or the problem document, if the route allows to store it.
    fn made_of_failure(
        &self,
        order: &Order,
        failure: Failure,
        language: Option<&str>,
    ) -> Result<(Made, ReplyCaching), Box<Failed>> {
        let failed = Box::new(order.failed(failure));
        let (route, status) = (&order.route, failed.failure.status);
        let usual = self.settings.status_lifetime;
        let is_listed = route.cache_statuses.lifetime(status, usual).is_some();
        if !self.settings.caching || !is_listed || self.has_better(order, status) {
            return Err(failed);
        }
        let Some(keeping) = &failed.failure.keeping else { return Err(failed) };
        let mut caching = ReplyCaching::clone(keeping);
        let (mut made, mut groups) = self.maker.error_page(&order.edition, &failed, language);
        caching.groups.append(&mut groups);
        if route.negotiates_errors() {
            made.terms.vary_by(&[ACCEPT]);
        }
        Ok((made, caching))
    }

    /// Returns whether the cache has a page that is preferable to a failure with this status.
    fn has_better(&self, order: &Order, status: StatusCode) -> bool {
        let persistent = is_persistent(&order.route);
        status.is_server_error()
            && match self.cache.lookup(order.page_key(), persistent, clock::now()) {
                Lookup::Hit(entry)
                | Lookup::Stale { entry, .. }
                | Lookup::Miss(Miss::Expired(Some(entry)))
                | Lookup::Fenced(Some(entry)) => {
                    entry.page().is_some_and(|page| !page.status().is_server_error())
                }
                Lookup::Miss(_) | Lookup::Fenced(None) => false,
            }
    }

    /// Reads a body that should be stored.
    async fn read(&self, body: Body) -> Result<Collected, Failure> {
        let (limit, deadline) = (self.settings.largest_entry, self.settings.deadline);
        let broken = |cause: String| {
            Failure::new(StatusCode::GATEWAY_TIMEOUT, "The answer was interrupted.").because(cause)
        };
        match timeout(deadline, collect(body, limit, &self.memory.share())).await {
            Ok(Ok(collected)) => Ok(collected),
            Ok(Err(error)) => {
                Err(Failure { status: StatusCode::BAD_GATEWAY, ..broken(error.to_string()) })
            }
            Err(_) => Err(broken(format!(
                "the body was not complete within {deadline:?}; a route whose body never ends \
                 needs `cache = \"no_cache\"`"
            ))),
        }
    }
}

/// Returns whether the result is useless to waiting requests, now and probably the next time.
fn is_for_one_client(served: &Served) -> bool {
    match served {
        Served::Made { .. } => true,
        Served::Failed(failed) => !failed.failure.headers.is_empty(),
        Served::Entry { .. } | Served::Page { .. } | Served::Response(_) => false,
    }
}
