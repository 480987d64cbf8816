//! The way of content into the cache.
//!
//! What the site answers in the place of an old page is the truth, be it an error page with a status
//! below 500 or something that is not for the cache: then the old page is gone. Only a failure
//! leaves it in place.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use tokio::time::timeout;

use super::collect::{Collected, collect};
use super::counters::Event;
use super::error_page::Asked;
use super::failure::{Failure, Keeping};
use super::flight::Landed;
use super::forward::Forwarded;
use super::make::{Made, MadeContent, Order};
use super::page::is_persistent;
use super::prepare::Draft;
use super::served::page_of;
use super::storable::freshness;
use super::{Edition, FrontEnd, prepare};
use crate::body::Body;
use crate::cache::{Content, Entry, Fill, Filled, Generation, Key, Lookup, Miss, Page};
use crate::clock;
use crate::computation::Code;
use crate::dispatch::Route;
use crate::link::group_of_url;
use crate::server::Work;
use crate::templates::Rendered;

/// From so many bytes on it takes more than moments to copy a page and to digest it.
const LARGE: usize = 256 * 1024;

/// Content that may be cached: all that is needed to make it.
pub(super) struct Cacheable {
    pub(super) generation: Generation,
    pub(super) edition: Arc<Edition>,
    pub(super) route: Arc<Route>,
    pub(super) key: Key<'static>,
    pub(super) groups: Vec<String>,
    pub(super) forwarded: Forwarded,
    pub(super) params: Vec<(String, String)>,
    /// The path that the route was found with.
    pub(super) path: String,
    pub(super) request_id: String,
    /// What the visitor's connection is held to until the fill has ended.
    pub(super) work: Option<Work>,
}

/// What a fill came to, for the one who made it.
pub(super) enum Outcome {
    Entry { entry: Arc<Entry>, stored: bool },
    Page(Page),
    Made { status: StatusCode, headers: HeaderMap, content: MadeContent },
    Failed(Failure),
}

impl FrontEnd {
    /// Makes content, stores it if it may be, and notes if it may not.
    pub(super) async fn fill(&self, wanted: &Cacheable) -> Outcome {
        let outcome = self.make_and_store(wanted).await;
        if self.settings.caching {
            let is_the_truth = outcome.status().is_some_and(|status| !status.is_server_error());
            if is_the_truth {
                self.cache.remove(&wanted.key);
            }
            // A failure is no reason to think so of the next reply.
            if is_the_truth && outcome.is_for_one_visitor() {
                self.cache.pass(&wanted.key, clock::now());
            }
        }
        outcome
    }

    async fn make_and_store(&self, wanted: &Cacheable) -> Outcome {
        // The content is as old as the moment when it was begun.
        let begun = clock::now();
        let order = Order {
            edition: &wanted.edition,
            generation: wanted.generation,
            target: &wanted.route.target,
            forwarded: wanted.forwarded.clone(),
            params: wanted.params.clone(),
            fragments: Some(wanted.key.clone()),
            max_body: None,
            own_url: None,
            request_id: &wanted.request_id,
            work: wanted.work.clone(),
        };
        let made = self.make(order, Body::empty()).await;
        let made = match made.or_else(|failure| self.made_of_failure(wanted, failure)) {
            Ok(made) => made,
            Err(failure) => return Outcome::Failed(failure),
        };
        let Made { status, headers, content, groups, cache, origin } = made;
        let freshness = freshness(&self.settings, &wanted.route, status, &headers, cache);
        let place = origin.zip(freshness).filter(|_| self.settings.caching);
        let Some((origin, freshness)) = place.filter(|_| !self.has_better(wanted, status)) else {
            return Outcome::Made { status, headers, content };
        };
        let (body, contains) = match content {
            MadeContent::Rendered { content, contains } => {
                if content.len() as u64 > self.settings.largest_entry {
                    let content = MadeContent::Rendered { content, contains };
                    return Outcome::Made { status, headers, content };
                }
                (content, contains)
            }
            MadeContent::Body(body) => match self.read(body).await {
                Ok(Collected::Whole(body)) => (body.into(), Vec::new()),
                Ok(Collected::TooLong(body)) => {
                    let content = MadeContent::Body(body);
                    return Outcome::Made { status, headers, content };
                }
                Err(failure) => return Outcome::Failed(failure),
            },
        };
        let is_large = body.len() >= LARGE;
        let mut all_groups = wanted.groups.clone();
        all_groups.extend(groups);
        let prepare = || {
            let (route, body) = (&*wanted.route, body.joined());
            let draft = Draft { status, headers, body, route, groups: &all_groups, begun };
            prepare::page(draft, &self.settings, &self.heads)
        };
        let page = if is_large { Code::large_page().run(prepare) } else { prepare() };
        if wanted.edition.table.may_be_changed(&wanted.path) {
            all_groups.push(group_of_url(&wanted.path));
        }
        let filled = self.cache.fill(Fill {
            key: wanted.key.clone(),
            generation: wanted.generation,
            origin,
            groups: &all_groups,
            freshness,
            contains: contains.into_iter().map(String::into_boxed_str).collect(),
            content: Content::Page(page),
            now: begun,
        });
        match filled {
            Filled::Stored(entry) => {
                self.counters.count(Event::Fill);
                self.encoder.ask(&entry, page_of(&entry));
                Outcome::Entry { entry, stored: true }
            }
            Filled::Overtaken(entry) => Outcome::Entry { entry, stored: false },
            Filled::Unplaced(Content::Page(page)) => Outcome::Page(page),
            Filled::Unplaced(Content::Fragment(_)) => unreachable!("a page was to be filled"),
        }
    }

    /// The error page of a controller's failure, where the route wants such pages to be kept.
    fn made_of_failure(&self, wanted: &Cacheable, failure: Failure) -> Result<Made, Failure> {
        let Cacheable { edition, route, key, request_id, .. } = wanted;
        let status = failure.status;
        let usual = self.settings.status_lifetime;
        let is_listed = route.cache_statuses.lifetime(status, usual).is_some();
        if !self.settings.caching || !is_listed || self.has_better(wanted, status) {
            return Err(failure);
        }
        let Some(keeping) = &failure.keeping else { return Err(failure) };
        let Keeping { groups, cache, origin } = Keeping::clone(keeping);
        let variant = wanted.forwarded.variant.as_deref();
        let language = wanted.forwarded.language(&self.settings.languages);
        let asked = Asked { scope: route.scope, request_id, path: key.id(), variant, language };
        let (headers, page) = self.error_page(edition, &failure, asked);
        let Rendered { content, groups: rendered, contains } = page;
        let groups = groups.into_iter().chain(rendered).collect();
        let content = MadeContent::Rendered { content, contains };
        Ok(Made { status, headers, content, groups, cache, origin: Some(origin) })
    }

    /// Whether there is an old page that is better than a failure with this status.
    fn has_better(&self, wanted: &Cacheable, status: StatusCode) -> bool {
        let persistent = is_persistent(&wanted.route);
        status.is_server_error()
            && match self.cache.lookup(&wanted.key, persistent, clock::now()) {
                Lookup::Hit(entry)
                | Lookup::Stale { entry, .. }
                | Lookup::Miss(Miss::Expired(Some(entry)))
                | Lookup::Fenced(Some(entry)) => {
                    entry.page().is_some_and(|page| !page.status().is_server_error())
                }
                Lookup::Miss(_) | Lookup::Fenced(None) => false,
            }
    }

    /// Reads a body that is to be kept.
    async fn read(&self, body: Body) -> Result<Collected, Failure> {
        let (limit, deadline) = (self.settings.largest_entry, self.settings.deadline);
        let broken = |cause: String| {
            Failure::new(StatusCode::GATEWAY_TIMEOUT, "The answer broke off.").because(cause)
        };
        match timeout(deadline, collect(body, limit, &self.memory.share())).await {
            Ok(Ok(collected)) => Ok(collected),
            Ok(Err(error)) => {
                Err(Failure { status: StatusCode::BAD_GATEWAY, ..broken(error.to_string()) })
            }
            Err(_) => Err(broken(format!(
                "the body was not whole within {deadline:?}; a route whose body goes on and on \
                 needs `cache = \"no_cache\"`"
            ))),
        }
    }
}

impl Outcome {
    pub(super) fn for_others(&self) -> Landed {
        match self {
            Outcome::Entry { entry, .. } => Landed::Entry(Arc::clone(entry)),
            Outcome::Failed(failure) if failure.headers.is_empty() => {
                Landed::Failed(failure.clone().into())
            }
            Outcome::Failed(_) | Outcome::Page(_) | Outcome::Made { .. } => Landed::Private,
        }
    }

    /// The status, unless it is that of something that has, or might have had, a place in the cache.
    pub(super) fn status(&self) -> Option<StatusCode> {
        match self {
            Outcome::Made { status, .. } => Some(*status),
            Outcome::Failed(failure) => Some(failure.status),
            Outcome::Entry { .. } | Outcome::Page(_) => None,
        }
    }

    /// Whether those who wait for it get nothing, and will get nothing the next time either.
    fn is_for_one_visitor(&self) -> bool {
        match self {
            Outcome::Made { .. } => true,
            Outcome::Failed(failure) => !failure.headers.is_empty(),
            Outcome::Entry { .. } | Outcome::Page(_) => false,
        }
    }
}
