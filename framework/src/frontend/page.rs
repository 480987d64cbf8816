//! The way of a request for content: key, lookup, flight, fill.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use tokio::time::timeout;

use super::cache_status::{CacheStatus, Forward};
use super::collect::{Collected, collect};
use super::counters::Event;
use super::error_page::Asked;
use super::failure::Failure;
use super::forward::Forwarded;
use super::make::{Made, MadeContent, Order};
use super::variant::{Variant, VariantKind};
use super::{Edition, FrontEnd, Visit, Visitor, bypass, request_id, respond, vary};
use crate::body::Body;
use crate::cache::{
    Content, Entry, Fill, Filled, Freshness, Generation, Join, Key, KeyBuilder, Lookup, Miss, Page,
};
use crate::clock;
use crate::dispatch::{CacheType, Match, Route};
use crate::http::{Languages, limited};
use crate::pieces::Pieces;

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
    generation: Generation,
    edition: Arc<Edition>,
    route: Arc<Route>,
    key: Key<'static>,
    groups: Vec<String>,
    forwarded: Forwarded,
    params: Vec<(String, String)>,
    request_id: String,
}

/// What a fill came to, for the one who made it.
enum Outcome {
    Entry { entry: Arc<Entry>, stored: bool },
    Page(Page),
    Response { status: StatusCode, headers: HeaderMap, body: Body },
    Failed(Failure),
}

impl FrontEnd {
    pub(super) async fn page(
        self: &Arc<Self>,
        visit: Visit<'_>,
        matched: Match<'_>,
    ) -> Response<Body> {
        let route = matched.route;
        let method = &visit.parts.method;
        if !is_cached_method(method) {
            return Box::pin(self.direct(visit, matched, Forward::Method)).await;
        }
        if route.cache.kind == CacheType::NoCache {
            return Box::pin(self.direct(visit, matched, Forward::Bypass)).await;
        }
        let variant = self.variant_of(&visit);
        if variant.kind == VariantKind::No {
            return Box::pin(self.direct(visit, matched, Forward::Bypass)).await;
        }
        let query = match route.query.canonical(visit.parts.uri.query()) {
            Ok(query) => query,
            Err(error) => {
                let failure = Failure::new(StatusCode::BAD_REQUEST, error.to_string());
                return self.refuse(visit.edition, &failure, route.scope, matched.path());
            }
        };
        let id = match query.is_empty() {
            true => Cow::Borrowed(matched.path()),
            false => Cow::Owned(format!("{}?{query}", matched.path())),
        };
        let key = key(&id, &variant, route, &visit.parts.headers, &self.settings.languages);
        // The clock is read here, after the request: who was stopped before this line meets a
        // lease that has run out.
        let now = clock::now();
        let found = self.cache.lookup(&key, is_persistent(route), now);
        let (why, stale) = match found {
            _ if !self.settings.caching => (Forward::Bypass, None),
            Lookup::Hit(entry) => {
                self.counters.count(Event::Hit);
                return respond::hit(visit.parts, &entry, now);
            }
            Lookup::Stale { entry, .. } => (Forward::Stale, Some(entry)),
            Lookup::Miss(Miss::Absent) => (Forward::UriMiss, None),
            Lookup::Miss(Miss::Invalidated) => (Forward::Stale, None),
            Lookup::Miss(Miss::Expired(stale)) => (Forward::Stale, stale),
            Lookup::Fenced(stale) => (Forward::Fenced, stale),
        };
        self.counters.count(if self.settings.caching { Event::Miss } else { Event::Bypass });
        let key = key.into_owned();
        let mut groups = matched.groups();
        groups.extend(variant.groups);
        let name = match variant.kind {
            VariantKind::Named(name) => Some(name),
            _ => None,
        };
        let cacheable = Arc::new(Cacheable {
            generation: visit.generation,
            edition: Arc::clone(visit.edition),
            forwarded: Forwarded::key(
                &visit.parts.headers,
                &id,
                route,
                name,
                &self.settings.languages,
            ),
            key,
            groups,
            params: matched.to_params(),
            route: Arc::clone(route),
            request_id: request_id(),
        });
        // In a box, so that the future of a hit stays small.
        Box::pin(self.miss(visit.parts, &cacheable, why, stale)).await
    }

    /// Content for this visitor alone.
    async fn direct(&self, visit: Visit<'_>, matched: Match<'_>, why: Forward) -> Response<Body> {
        self.counters.count(Event::Bypass);
        let fragments = self.fragments_alone(&visit, matched.route);
        let Visit { edition, generation, parts, body, origin } = visit;
        let request_id = request_id();
        let route = matched.route;
        let limit = route.max_body.unwrap_or(self.settings.body_limit);
        let order = Order {
            edition,
            generation,
            target: &route.target,
            forwarded: Forwarded::whole(parts, matched.path(), origin.remote),
            params: matched.to_params(),
            fragments,
            max_body: route.max_body,
            request_id: &request_id,
        };
        let made = match limited(body, limit, self.settings.body_timeout) {
            Ok(body) => self.make(order, body).await,
            Err(error) => Err(Failure::of_request_body(&error)),
        };
        match made {
            Ok(Made { status, headers, content, .. }) => {
                respond::made(status, headers, content.into_body(), bypass(why))
            }
            Err(failure) => {
                let asked = Asked { request_id: &request_id, path: matched.path() };
                self.error(edition, &failure, route.scope, asked, bypass(why))
            }
        }
    }

    /// What the fragments of content for one visitor share with those of cached content: nothing, if
    /// the visitor is to neither read nor write the cache.
    fn fragments_alone(&self, visit: &Visit<'_>, route: &Route) -> Option<Key<'static>> {
        let variant = self.variant_of(visit);
        let caches = self.settings.caching && variant.kind != VariantKind::No;
        let (headers, languages) = (&visit.parts.headers, &self.settings.languages);
        caches.then(|| key("", &variant, route, headers, languages).into_owned())
    }

    /// What the site's variant function says of a visit.
    fn variant_of(&self, visit: &Visit<'_>) -> Variant {
        let Some(variant) = &self.variant else { return Variant::yes() };
        variant(&Visitor::new(visit.parts, visit.origin, &self.settings.languages))
    }

    /// Makes what is not in the cache, or waits for somebody who does.
    async fn miss(
        self: &Arc<Self>,
        request: &Parts,
        wanted: &Arc<Cacheable>,
        why: Forward,
        stale: Option<Arc<Entry>>,
    ) -> Response<Body> {
        if !self.settings.caching {
            let outcome = self.fill(wanted).await;
            return self.respond(request, wanted, outcome, why, stale);
        }
        // What is known now is all that the law asks of this request, however long it waits.
        let arrival = self.flights.arrive(self.cache.knowledge(clock::now()));
        let flight = wanted.flight();
        loop {
            let known = self.cache.knowledge(clock::now());
            match self.flights.join(&flight, known) {
                Join::Lead(lead) => {
                    let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                        let busy = "The site has too many pages to make. Please try again soon.";
                        let failure = Failure::new(StatusCode::SERVICE_UNAVAILABLE, busy);
                        lead.land(Landed::Failed(failure.clone()));
                        return self.respond(request, wanted, Outcome::Failed(failure), why, stale);
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
                    return self.respond(request, wanted, outcome, why, stale);
                }
                Join::Wait(mut wait) => match wait.landed().await {
                    Some(Landed::Entry(entry))
                        if wait.suits(&arrival)
                            || (arrival.had_lease() && self.cache.is_valid(&entry)) =>
                    {
                        let status = CacheStatus::Forwarded { why, stored: false, collapsed: true };
                        return respond::stored(request, &entry, status);
                    }
                    Some(Landed::Failed(failure)) if wait.suits(&arrival) => {
                        let outcome = Outcome::Failed(failure);
                        return self.respond(request, wanted, outcome, why, stale);
                    }
                    Some(Landed::Entry(_) | Landed::Failed(_)) => {}
                    Some(Landed::Private) | None => {
                        let outcome = self.fill(wanted).await;
                        return self.respond(request, wanted, outcome, why, stale);
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
            generation: wanted.generation,
            target: &wanted.route.target,
            forwarded: wanted.forwarded.clone(),
            params: wanted.params.clone(),
            fragments: Some(wanted.key.clone()),
            max_body: None,
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
            return Outcome::Response { status, headers, body: content.into_body() };
        };
        let (body, contains) = match content {
            MadeContent::Rendered { content, contains } => (content.joined(), contains),
            MadeContent::Body(body) => match self.read(body).await {
                Ok(Collected::Whole(body)) => (body.into(), Vec::new()),
                Ok(Collected::TooLong(body)) => return Outcome::Response { status, headers, body },
                Err(failure) => return Outcome::Failed(failure),
            },
        };
        let contains = contains.into_iter().map(String::into_boxed_str).collect();
        let mut all_groups = wanted.groups.clone();
        all_groups.extend(groups);
        let filled = self.cache.fill(Fill {
            key: wanted.key.clone(),
            generation: wanted.generation,
            origin,
            groups: &all_groups,
            freshness: self.freshness(&wanted.route, kind),
            contains,
            content: Content::Page(Page {
                status,
                headers: kept_headers(headers, &wanted.route, &body),
                body,
            }),
            now: begun,
        });
        match filled {
            Filled::Stored(entry) => {
                self.counters.count(Event::Fill);
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

    /// The response to the one who made the content.
    fn respond(
        &self,
        request: &Parts,
        wanted: &Cacheable,
        outcome: Outcome,
        why: Forward,
        stale: Option<Arc<Entry>>,
    ) -> Response<Body> {
        let made = |stored| CacheStatus::Forwarded { why, stored, collapsed: false };
        match outcome {
            Outcome::Entry { entry, stored } => respond::stored(request, &entry, made(stored)),
            Outcome::Page(page) => respond::page(request, &page, made(false)),
            Outcome::Response { status, headers, body } => {
                respond::made(status, headers, body, made(false))
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
                    respond::stored(request, &entry, CacheStatus::StaleIfError { status })
                }
                None => {
                    let asked = Asked { request_id: &wanted.request_id, path: wanted.key.id() };
                    self.error(&wanted.edition, &failure, wanted.route.scope, asked, made(false))
                }
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
            stale_while_revalidate: route.cache.stale_while_revalidate,
            stale_if_error: route.cache.stale_if_error,
            persistent: kind == CacheType::Persistent,
        }
    }
}

impl Cacheable {
    /// What tells its flight from others. What an older edition makes is not for this one.
    fn flight(&self) -> String {
        format!("{}\n{}", self.edition.number, self.key.as_str())
    }
}

impl Outcome {
    fn for_others(&self) -> Landed {
        match self {
            Outcome::Entry { entry, .. } => Landed::Entry(Arc::clone(entry)),
            Outcome::Failed(failure) if failure.headers.is_empty() => {
                Landed::Failed(failure.clone())
            }
            Outcome::Failed(_) | Outcome::Page(_) | Outcome::Response { .. } => Landed::Private,
        }
    }
}

fn key<'a>(
    id: &'a str,
    variant: &'a Variant,
    route: &Route,
    headers: &HeaderMap,
    languages: &Languages,
) -> Key<'a> {
    let mut key = match &variant.kind {
        VariantKind::Key(key) => KeyBuilder::new(key.as_str()),
        VariantKind::Named(name) => KeyBuilder::new(id).depends_on(NO_HEADER, name),
        VariantKind::Yes | VariantKind::No => KeyBuilder::new(id),
    };
    for (name, value) in vary::values(&route.vary, headers, languages) {
        key = key.depends_on(name.as_str(), &value.escape_ascii().to_string());
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

/// The headers of a page as it is kept. Browsers and outer caches must ask again each time,
/// because nothing reaches them when the page becomes wrong.
fn kept_headers(mut headers: HeaderMap, route: &Route, body: &Pieces) -> HeaderMap {
    if !body.has_parts() {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let caching = headers.entry(header::CACHE_CONTROL);
    caching.or_insert(HeaderValue::from_static("no-cache"));
    for name in &route.vary {
        headers.append(header::VARY, HeaderValue::from_name(name.clone()));
    }
    headers
}

/// Whether a method may be answered from the cache.
fn is_cached_method(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
