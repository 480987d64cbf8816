//! The way of a request for content to the cache: variant, key, lookup.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderMap;
use http::request::Parts;
use http::{Method, StatusCode};

use super::cache_status::{CacheStatus, Forward};
use super::counters::Event;
use super::failure::Failure;
use super::fill::Cacheable;
use super::flight::Lack;
use super::forward::Forwarded;
use super::make::{Made, Order};
use super::served::{Failed, Served, Serving, later};
use super::variant::{Variant, VariantKind};
use super::{FrontEnd, Visit, Visitor, bypass, prepare, request_id, vary};
use crate::cache::{Entry, Key, KeyBuilder, Lookup, Miss};
use crate::clock::{self, Moment};
use crate::computation::Code;
use crate::dispatch::{CacheType, CanonicalPath, Match, Route};
use crate::http::{Languages, Origin};
use crate::log::panic_message;
use crate::server::{Work, limited};

/// What the cache has for a request.
pub(super) enum Found<'a> {
    /// This may be served.
    Hit { entry: Arc<Entry>, variant: VariantKind, now: Moment },
    /// This may be served while it is made anew.
    Stale { entry: Arc<Entry>, past_end: Duration, missing: Missing<'a> },
    /// The content must be made.
    Miss(Missing<'a>),
    /// The cache has no part in it.
    Direct(Forward),
    /// The request is one that nobody answers, or that the site's own code cannot.
    Refused(Failure),
}

/// What is known of content that is to be made.
pub(super) struct Missing<'a> {
    id: Cow<'a, str>,
    key: Key<'static>,
    variant: Variant,
    lack: Lack,
}

impl FrontEnd {
    /// What the cache has for a request. It waits for nothing.
    ///
    /// `now` is asked for the present late, after the request was read: who was stopped before it
    /// meets a lease that has run out.
    pub(super) fn find<'a>(
        &self,
        parts: &'a Parts,
        origin: Origin,
        matched: &'a Match<'_>,
        now: impl FnOnce() -> Moment,
    ) -> Found<'a> {
        let route = matched.route;
        if !is_cached_method(&parts.method) {
            return Found::Direct(Forward::Method);
        }
        if route.cache.kind == CacheType::NoCache {
            return Found::Direct(Forward::Bypass);
        }
        let variant = match self.variant_of(parts, origin) {
            Ok(variant) => variant,
            Err(cause) => return Found::Refused(Failure::internal(cause)),
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
        let key = key(&id, &variant, route, &parts.headers, &self.settings.languages);
        let now = now();
        let found = self.cache.lookup(&key, is_persistent(route), now);
        let (why, stale) = match found {
            _ if !self.settings.caching => (Forward::Bypass, None),
            Lookup::Hit(entry) => return Found::Hit { entry, variant: variant.kind, now },
            Lookup::Stale { entry, past_end } => {
                let lack = Lack { why: Forward::Stale, stale: None, now };
                let missing = Missing { key: key.into_owned(), id, variant, lack };
                return Found::Stale { entry, past_end, missing };
            }
            Lookup::Miss(Miss::Absent) => (Forward::UriMiss, None),
            Lookup::Miss(Miss::Invalidated) => (Forward::Stale, None),
            Lookup::Miss(Miss::Expired(stale)) => (Forward::Stale, stale),
            Lookup::Fenced(stale) => (Forward::Fenced, stale),
        };
        let lack = Lack { why, stale, now };
        Found::Miss(Missing { key: key.into_owned(), id, variant, lack })
    }

    /// Whether anything but method and URL decides what a request for the route finds.
    pub(super) fn heeds_headers(&self, route: &Route) -> bool {
        self.variant.is_some() || !route.vary.is_empty()
    }

    /// The content of a controller's or a template's route.
    pub(super) fn page<'a>(
        self: &'a Arc<Self>,
        visit: Visit<'a>,
        matched: &'a Match<'_>,
    ) -> Serving<'a> {
        let missing = match self.find(visit.parts, visit.origin, matched, clock::now) {
            Found::Hit { entry, variant, now } => {
                self.counters.count(Event::Hit);
                return Served::Hit { entry, variant, now }.at_once();
            }
            Found::Stale { entry, past_end, missing } => {
                self.counters.count(Event::Hit);
                let variant = missing.variant.kind.clone();
                let key = missing.key.clone();
                self.refresh(visit.edition, &key, || self.cacheable(&visit, matched, missing).0);
                let cache = CacheStatus::StaleWhileRevalidate { past_end };
                return Served::Stored { entry, variant, cache }.at_once();
            }
            Found::Miss(missing) => missing,
            Found::Direct(why) => return later(self.direct(visit, matched, why)),
            Found::Refused(failure) => {
                let refused = Served::refused(failure, matched.route.scope, matched.path());
                return refused.at_once();
            }
        };
        self.counters.count(if self.settings.caching { Event::Miss } else { Event::Bypass });
        let (wanted, variant, lack) = self.cacheable(&visit, matched, missing);
        later(self.miss(wanted, variant, lack))
    }

    /// Content for this visitor alone.
    async fn direct(&self, visit: Visit<'_>, matched: &Match<'_>, why: Forward) -> Served {
        self.counters.count(Event::Bypass);
        let variant = match self.variant_of(visit.parts, visit.origin) {
            Ok(variant) => variant,
            Err(cause) => {
                let failure = Failure::internal(cause);
                return Served::refused(failure, matched.route.scope, matched.path());
            }
        };
        let fragments = self.fragments_alone(&variant, &visit, matched.route);
        let Visit { edition, generation, parts, body, origin } = visit;
        let request_id = request_id();
        let route = matched.route;
        let limit = route.max_body.unwrap_or(self.settings.body_limit);
        // The path was read when the request was dispatched.
        let path = CanonicalPath::new(parts.uri.path()).ok();
        let own_url = path.and_then(|path| edition.table.changed_by(&parts.method, &path));
        let name = variant.kind.name().map(str::to_owned);
        let order = Order {
            edition,
            generation,
            target: &route.target,
            forwarded: Forwarded::whole(parts, matched.path(), name, origin.remote),
            params: matched.to_params(),
            fragments,
            max_body: route.max_body,
            own_url,
            request_id: &request_id,
            work: Work::of(parts),
        };
        let made = match limited(body, limit, self.settings.body_pace) {
            Ok(body) => self.make(order, body).await,
            Err(error) => Err(Failure::of_request_body(&error)),
        };
        let cache = bypass(why);
        match made {
            Ok(Made { status, mut headers, content, .. }) => {
                prepare::tell_uncached(&mut headers, status, route);
                Served::Made { status, headers, content, cache }
            }
            Err(failure) => {
                let (scope, path) = (route.scope, matched.path().to_owned());
                Served::Failed(Failed { failure, scope, request_id, path, cache })
            }
        }
    }

    /// All that is needed to make what is missing.
    fn cacheable(
        &self,
        visit: &Visit<'_>,
        matched: &Match<'_>,
        missing: Missing<'_>,
    ) -> (Arc<Cacheable>, VariantKind, Lack) {
        let Missing { id, key, variant, lack } = missing;
        let mut groups = matched.groups();
        groups.extend(variant.groups);
        let name = variant.kind.name().map(str::to_owned);
        let (headers, languages) = (&visit.parts.headers, &self.settings.languages);
        let wanted = Arc::new(Cacheable {
            generation: visit.generation,
            edition: Arc::clone(visit.edition),
            forwarded: Forwarded::key(headers, &id, matched.route, name, languages),
            key,
            groups,
            params: matched.to_params(),
            path: matched.path().to_owned(),
            route: Arc::clone(matched.route),
            request_id: request_id(),
            work: Work::of(visit.parts),
        });
        (wanted, variant.kind, lack)
    }

    /// What the fragments of content for one visitor share with those of cached content: nothing, if
    /// the visitor is to neither read nor write the cache.
    fn fragments_alone(
        &self,
        variant: &Variant,
        visit: &Visit<'_>,
        route: &Route,
    ) -> Option<Key<'static>> {
        let caches = self.settings.caching && variant.kind != VariantKind::No;
        let (headers, languages) = (&visit.parts.headers, &self.settings.languages);
        caches.then(|| key("", variant, route, headers, languages).into_owned())
    }

    /// What the site's variant function says of a visit.
    ///
    /// # Errors
    /// That it panicked, with its message.
    pub(super) fn variant_of(&self, request: &Parts, origin: Origin) -> Result<Variant, String> {
        let Some(variant) = &self.variant else { return Ok(Variant::yes()) };
        let visitor = Visitor::new(request, origin, &self.settings.languages);
        // It shares nothing with the front end that it could leave half done.
        let call = AssertUnwindSafe(|| variant(&visitor));
        Code::variant().run(|| catch_unwind(call)).map_err(|panic| {
            format!("the site's variant function panicked: {}", panic_message(&*panic))
        })
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

pub(super) fn is_persistent(route: &Route) -> bool {
    route.cache.kind == CacheType::Persistent
}

/// Whether a method may be answered from the cache.
fn is_cached_method(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
