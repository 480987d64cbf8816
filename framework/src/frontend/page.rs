//! The way of a request for content: key, lookup, flight, fill.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode};
use tokio::time::timeout;

use super::cache_status::{CacheStatus, Forward};
use super::collect::{Collected, collect};
use super::counters::Event;
use super::failure::Failure;
use super::forward::Forwarded;
use super::make::{Made, MadeContent, Order};
use super::served::{Failed, Served, page_of};
use super::variant::{Variant, VariantKind};
use super::{Edition, FrontEnd, Visit, bypass, prepare, request_id};
use crate::body::Body;
use crate::cache::{
    Content, Entry, Fill, Filled, Freshness, Join, Key, KeyBuilder, Lookup, Miss, Page,
};
use crate::clock::{self, Moment};
use crate::dispatch::{CacheType, CanonicalPath, Match, Route};
use crate::http::limited;
use crate::link::group_of_url;

/// How a fill ended, for all who waited for it.
#[derive(Debug, Clone)]
pub(super) enum Landed {
    /// With an entry, stored or overtaken.
    Entry(Arc<Entry>),
    /// With an error that says nothing of one visitor.
    Failed(Failure),
    /// With something that is not for others.
    Private,
}

/// A request for content that may be cached: all that is needed to find it and to make it.
struct Cacheable {
    edition: Arc<Edition>,
    route: Arc<Route>,
    key: Key<'static>,
    groups: Vec<String>,
    forwarded: Forwarded,
    params: Vec<(String, String)>,
    /// The path that the route was found with.
    path: String,
    request_id: String,
}

/// What a fill came to, for the one who made it.
enum Outcome {
    Entry { entry: Arc<Entry>, stored: bool },
    Page(Page),
    Made { status: StatusCode, headers: HeaderMap, content: MadeContent },
    Failed(Failure),
}

/// What the cache has for a request.
pub(super) enum Found<'a> {
    /// This may be served.
    Hit { entry: Arc<Entry>, variant: VariantKind, now: Moment },
    /// The content must be made.
    Miss(Missing<'a>),
    /// The cache has no part in it.
    Direct(Forward),
    /// The request is one that nobody answers.
    Refused(Failure),
}

/// What is known of content that is to be made.
pub(super) struct Missing<'a> {
    id: Cow<'a, str>,
    key: Key<'static>,
    variant: Variant,
    why: Forward,
    stale: Option<Arc<Entry>>,
}

impl FrontEnd {
    /// What the cache has for a request. It waits for nothing.
    pub(super) fn find<'a>(&self, parts: &'a Parts, matched: &'a Match<'_>) -> Found<'a> {
        let route = matched.route;
        if !is_cached_method(&parts.method) {
            return Found::Direct(Forward::Method);
        }
        if route.cache.kind == CacheType::NoCache {
            return Found::Direct(Forward::Bypass);
        }
        let variant = match &self.variant {
            Some(variant) => variant(parts),
            None => Variant::yes(),
        };
        if variant.kind == VariantKind::No {
            return Found::Direct(Forward::Bypass);
        }
        let query = match route.query.canonical(parts.uri.query()) {
            Ok(query) => query,
            Err(error) => {
                let failure = Failure::new(StatusCode::BAD_REQUEST, error.to_string());
                return Found::Refused(failure);
            }
        };
        let id = match query.is_empty() {
            true => Cow::Borrowed(matched.path()),
            false => Cow::Owned(format!("{}?{query}", matched.path())),
        };
        let key = key(&id, &variant, route, &parts.headers);
        // The clock is read here, after the request: who was stopped before this line meets a
        // lease that has run out.
        let now = clock::now();
        let found = self.cache.lookup(&key, is_persistent(route), now);
        let (why, stale) = match found {
            _ if !self.settings.caching => (Forward::Bypass, None),
            Lookup::Hit(entry) => return Found::Hit { entry, variant: variant.kind, now },
            Lookup::Miss(Miss::Absent) => (Forward::UriMiss, None),
            Lookup::Miss(Miss::Invalidated) => (Forward::Stale, None),
            Lookup::Miss(Miss::Expired(stale)) => (Forward::Stale, stale),
            Lookup::Fenced(stale) => (Forward::Fenced, stale),
        };
        let key = key.into_owned();
        Found::Miss(Missing { id, key, variant, why, stale })
    }

    /// The content of a controller's or a template's route.
    pub(super) async fn page(self: &Arc<Self>, visit: Visit<'_>, matched: Match<'_>) -> Served {
        let Missing { id, key, variant, why, stale } = match self.find(visit.parts, &matched) {
            Found::Hit { entry, variant, now } => {
                self.counters.count(Event::Hit);
                return Served::Hit { entry, variant, now };
            }
            Found::Miss(missing) => missing,
            Found::Direct(why) => return Box::pin(self.direct(visit, &matched, why)).await,
            Found::Refused(failure) => {
                return Served::refused(failure, matched.route.scope, matched.path());
            }
        };
        self.counters.count(if self.settings.caching { Event::Miss } else { Event::Bypass });
        let mut groups = matched.groups();
        groups.extend(variant.groups);
        let name = match &variant.kind {
            VariantKind::Named(name) => Some(name.clone()),
            _ => None,
        };
        let cacheable = Arc::new(Cacheable {
            edition: Arc::clone(visit.edition),
            forwarded: Forwarded::key(&visit.parts.headers, &id, matched.route, name),
            key,
            groups,
            params: matched.to_params(),
            path: matched.path().to_owned(),
            route: Arc::clone(matched.route),
            request_id: request_id(),
        });
        // In a box, so that the future of a hit stays small.
        Box::pin(self.miss(&cacheable, variant.kind, why, stale)).await
    }

    /// Content for this visitor alone.
    async fn direct(&self, visit: Visit<'_>, matched: &Match<'_>, why: Forward) -> Served {
        self.counters.count(Event::Bypass);
        let Visit { edition, parts, body, remote } = visit;
        let request_id = request_id();
        let route = matched.route;
        let limit = route.max_body.unwrap_or(self.settings.body_limit);
        // The path was read when the request was dispatched.
        let path = CanonicalPath::new(parts.uri.path()).ok();
        let own_url = path.and_then(|path| edition.table.changed_by(&parts.method, &path));
        let order = Order {
            edition,
            target: &route.target,
            forwarded: Forwarded::whole(parts, matched.path(), remote),
            params: matched.to_params(),
            max_body: route.max_body,
            own_url,
            request_id: &request_id,
        };
        let made = match limited(body, limit, self.settings.body_timeout) {
            Ok(body) => self.make(order, body).await,
            Err(error) => Err(Failure::of_request_body(&error)),
        };
        let cache = bypass(why);
        match made {
            Ok(Made { status, headers, content, .. }) => {
                Served::Made { status, headers, content, cache }
            }
            Err(failure) => {
                let (scope, path) = (route.scope, matched.path().to_owned());
                Served::Failed(Failed { failure, scope, request_id, path, cache })
            }
        }
    }

    /// Makes what is not in the cache, or waits for somebody who does.
    async fn miss(
        self: &Arc<Self>,
        wanted: &Arc<Cacheable>,
        variant: VariantKind,
        why: Forward,
        stale: Option<Arc<Entry>>,
    ) -> Served {
        if !self.settings.caching {
            let outcome = self.fill(wanted).await;
            return self.served(wanted, variant, outcome, why, stale);
        }
        // What is known now is all that the law asks of this request, however long it waits.
        let arrival = self.flights.arrive(self.cache.knowledge(clock::now()));
        loop {
            let known = self.cache.knowledge(clock::now());
            match self.flights.join(wanted.key.as_str(), known) {
                Join::Lead(lead) => {
                    let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                        let busy = "The site has too many pages to make. Please try again soon.";
                        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, busy);
                        lead.land(Landed::Failed(failure.clone()));
                        let outcome = Outcome::Failed(failure);
                        return self.served(wanted, variant, outcome, why, stale);
                    };
                    let (frontend, order) = (Arc::clone(self), Arc::clone(wanted));
                    // A task of its own, so that a visitor who goes away leaves nobody waiting.
                    let flight = tokio::spawn(async move {
                        let outcome = frontend.fill(&order).await;
                        lead.land(outcome.for_others());
                        drop(place);
                        outcome
                    });
                    let outcome = flight.await.unwrap_or_else(|error| {
                        Outcome::Failed(Failure::internal(error.to_string()))
                    });
                    return self.served(wanted, variant, outcome, why, stale);
                }
                Join::Wait(mut wait) => match wait.landed().await {
                    Some(Landed::Entry(entry))
                        if wait.suits(&arrival)
                            || (arrival.had_lease() && self.cache.is_valid(&entry)) =>
                    {
                        let cache = CacheStatus::Forwarded { why, stored: false, collapsed: true };
                        return Served::Stored { entry, variant, cache };
                    }
                    Some(Landed::Failed(failure)) if wait.suits(&arrival) => {
                        let outcome = Outcome::Failed(failure);
                        return self.served(wanted, variant, outcome, why, stale);
                    }
                    Some(Landed::Entry(_) | Landed::Failed(_)) => {}
                    Some(Landed::Private) | None => {
                        let outcome = self.fill(wanted).await;
                        return self.served(wanted, variant, outcome, why, stale);
                    }
                },
            }
        }
    }

    /// Makes content and stores it, if it may be.
    async fn fill(&self, wanted: &Cacheable) -> Outcome {
        // The content is as old as the moment when it was begun.
        let begun = clock::now();
        let order = Order {
            edition: &wanted.edition,
            target: &wanted.route.target,
            forwarded: wanted.forwarded.clone(),
            params: wanted.params.clone(),
            max_body: None,
            own_url: None,
            request_id: &wanted.request_id,
        };
        let made = match self.make(order, Body::empty()).await {
            Ok(made) => made,
            Err(failure) => return Outcome::Failed(failure),
        };
        let Made { status, headers, content, groups, cache, origin } = made;
        let kind = cache.unwrap_or(wanted.route.cache.kind);
        let Some(origin) = origin.filter(|_| {
            let wanted = self.settings.caching && kind != CacheType::NoCache;
            wanted && is_storable(status, &headers)
        }) else {
            return Outcome::Made { status, headers, content };
        };
        let (body, contains) = match content {
            MadeContent::Rendered { content, contains } => (content.joined(), contains),
            MadeContent::Body(body) => match self.read(body).await {
                Ok(Collected::Whole(body)) => (body.into(), Vec::new()),
                Ok(Collected::TooLong(body)) => {
                    let content = MadeContent::Body(body);
                    return Outcome::Made { status, headers, content };
                }
                Err(failure) => return Outcome::Failed(failure),
            },
        };
        let contains = contains.into_iter().map(String::into_boxed_str).collect();
        let mut all_groups = wanted.groups.clone();
        all_groups.extend(groups);
        let page = prepare::Draft {
            status,
            headers,
            body,
            route: &wanted.route,
            groups: &all_groups,
            begun,
        };
        let page = prepare::page(page, &self.settings);
        if wanted.edition.table.may_be_changed(&wanted.path) {
            all_groups.push(group_of_url(&wanted.path));
        }
        let filled = self.cache.fill(Fill {
            key: wanted.key.clone(),
            origin,
            groups: &all_groups,
            freshness: self.freshness(&wanted.route, kind),
            contains,
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

    /// Reads a body that is to be kept.
    async fn read(&self, body: Body) -> Result<Collected, Failure> {
        let (limit, deadline) = (self.settings.largest_entry, self.settings.deadline);
        let broken = |cause: String| {
            Failure::new(StatusCode::GATEWAY_TIMEOUT, "The answer broke off.").because(cause)
        };
        match timeout(deadline, collect(body, limit)).await {
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

    /// What the one who made the content has of it.
    fn served(
        &self,
        wanted: &Cacheable,
        variant: VariantKind,
        outcome: Outcome,
        why: Forward,
        stale: Option<Arc<Entry>>,
    ) -> Served {
        let made = |stored| CacheStatus::Forwarded { why, stored, collapsed: false };
        match outcome {
            Outcome::Entry { entry, stored } => {
                Served::Stored { entry, variant, cache: made(stored) }
            }
            Outcome::Page(page) => Served::Page { page, variant, cache: made(false) },
            Outcome::Made { status, headers, content } => {
                Served::Made { status, headers, content, cache: made(false) }
            }
            // It may have been invalidated while the call was under way.
            Outcome::Failed(failure) => match stale
                .filter(|entry| failure.status.is_server_error() && self.cache.is_valid(entry))
            {
                Some(entry) => {
                    self.counters.count(Event::Stale);
                    let cause = failure.cause.as_deref().unwrap_or_default();
                    let (id, request_id) = (entry.id(), &wanted.request_id);
                    tracing::warn!(
                        request_id,
                        id,
                        cause,
                        "serving an old page in the place of an error"
                    );
                    let status = failure.status.as_u16();
                    Served::Stored { entry, variant, cache: CacheStatus::StaleIfError { status } }
                }
                None => Served::Failed(Failed {
                    failure,
                    scope: wanted.route.scope,
                    request_id: wanted.request_id.clone(),
                    path: wanted.key.id().to_owned(),
                    cache: made(false),
                }),
            },
        }
    }

    fn freshness(&self, route: &Route, kind: CacheType) -> Freshness {
        let lifetime = match kind {
            CacheType::Normal => Some(self.settings.lifetime),
            CacheType::Timeout(lifetime) => Some(lifetime),
            CacheType::Persistent | CacheType::NoCache => None,
        };
        Freshness {
            lifetime,
            stale_if_error: route.cache.stale_if_error,
            persistent: kind == CacheType::Persistent,
        }
    }
}

impl Outcome {
    fn for_others(&self) -> Landed {
        match self {
            Outcome::Entry { entry, .. } => Landed::Entry(Arc::clone(entry)),
            Outcome::Failed(failure) if failure.headers.is_empty() => {
                Landed::Failed(failure.clone())
            }
            Outcome::Failed(_) | Outcome::Page(_) | Outcome::Made { .. } => Landed::Private,
        }
    }
}

fn key<'a>(id: &'a str, variant: &'a Variant, route: &Route, headers: &HeaderMap) -> Key<'a> {
    let mut key = match &variant.kind {
        VariantKind::Key(key) => KeyBuilder::new(key.as_str()),
        VariantKind::Named(name) => KeyBuilder::new(id).depends_on(NO_HEADER, name),
        VariantKind::Yes | VariantKind::No => KeyBuilder::new(id),
    };
    for name in &route.vary {
        for value in headers.get_all(name) {
            key = key.depends_on(name.as_str(), &value.as_bytes().escape_ascii().to_string());
        }
    }
    key.build()
}

/// What the variant is called in a key: a name that no header has.
const NO_HEADER: &str = "";

fn is_persistent(route: &Route) -> bool {
    route.cache.kind == CacheType::Persistent
}

/// Errors, redirects, and what is meant for one visitor are not stored.
fn is_storable(status: StatusCode, headers: &HeaderMap) -> bool {
    let refuses = |value: &HeaderValue| {
        let value = value.to_str().unwrap_or("no-store").to_ascii_lowercase();
        value.split(',').any(|word| matches!(word.trim(), "no-store" | "private"))
    };
    status == StatusCode::OK
        && !headers.contains_key(header::SET_COOKIE)
        && !headers.get_all(header::CACHE_CONTROL).iter().any(refuses)
}

/// Whether a method may be answered from the cache.
fn is_cached_method(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
