//! Orders: everything that is needed to make a page.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use http::Method;
use http::header::{self, HeaderName, HeaderValue};

use super::super::end_to_end::end_to_end;
use super::super::failure::Failure;
use super::super::respond::{CacheStatus, Forward};
use super::page_request::{PROBLEM, PageRequest};
use super::variant::VariantKind;
use super::{Edition, Failed, Visit, request_id, vary};
use crate::cache::{Entry, Generation, Key};
use crate::clock::Moment;
use crate::dispatch::{QueryKey, Rate, RateBy, Route, Target};
use crate::http::names::{IDEMPOTENCY_KEY, SESSION_USER};
use crate::http::{Languages, Origin, Reuse};
use crate::link::{Call, CallRate};
use crate::log::Position;
use crate::request::RequestScope;
use crate::request_values::{RequestUses, RequestValues};
use crate::server::Work;
use crate::session::SessionRecord;

/// An order for a page: everything that is needed to make and store it, without the request that asked for it. The
/// [`Call`] of the controller accompanies it.
///
/// Most orders result from a miss, and the page is made for all clients that request the same key. Others are for one
/// client.
#[derive(Debug)]
pub(in crate::frontend) struct Order {
    pub(in crate::frontend) edition: Arc<Edition>,
    /// As in the [`Visit`](super::Visit): content of this edition is stored in no later generation.
    pub(in crate::frontend) generation: Generation,
    pub(in crate::frontend) route: Arc<Route>,
    /// The path that matched the route.
    pub(in crate::frontend) path: String,
    pub(in crate::frontend) variant: VariantKind,
    /// The request values that the route was known to use when this request was routed.
    pub(in crate::frontend) uses: RequestUses,
    /// The request values that the page may show.
    pub(in crate::frontend) request: RequestValues,
    /// The groups of the route and of the variant.
    pub(in crate::frontend) groups: Vec<String>,
    /// The key of the page, which its fragments share; `None` if they are neither looked up nor stored.
    pub(in crate::frontend) key: Option<Key<'static>>,
    /// Whether the page is made for the requesting client only.
    pub(in crate::frontend) is_for_one: bool,
    /// The session in the client's cookie, if the page is for this client only.
    pub(in crate::frontend) session: Option<Arc<SessionRecord>>,
    pub(in crate::frontend) request_id: String,
    /// The request's place on the client's connection, held until the page is made.
    pub(in crate::frontend) work: Option<Work>,
    /// The reason why the page must be made.
    pub(in crate::frontend) why: Forward,
    /// A stale page that may be served if the back end fails.
    pub(in crate::frontend) stale: Option<Arc<Entry>>,
    /// The time of the cache lookup.
    pub(in crate::frontend) now: Moment,
}

impl Order {
    /// Creates the order for the page of a key, which may be served to any client: the controller receives only those
    /// parts of the request that are in the key.
    pub(super) fn of_key(
        request: PageRequest<'_>,
        key: Key<'_>,
        why: Forward,
        stale: Option<Arc<Entry>>,
        now: Moment,
        languages: &Languages,
    ) -> (Order, Call) {
        let route = request.matched.route;
        let varying = vary::values(&route.vary, request.visit, languages);
        let varying = varying.map(|(name, value)| (name.as_str().to_owned(), value.to_vec()));
        let scope = key_scope(route);
        let (headers, uri) = (varying.collect(), request.id().into_owned());
        let (order, call) = Order::begin(request, uri, why, now);
        let order = Order { key: Some(key.into_owned()), is_for_one: false, stale, ..order };
        (order, Call { headers, scope, ..call })
    }

    /// Creates the order for a page that is for this client only: the controller receives the whole request. `key` is
    /// the key of the page's fragments.
    pub(super) fn of_request(
        mut request: PageRequest<'_>,
        key: Option<Key<'static>>,
        why: Forward,
        now: Moment,
    ) -> (Order, Call) {
        let visit = request.visit;
        let path = request.matched.path();
        let uri = match visit.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let unsafe_path = request.unsafe_path.take();
        let own_url = unsafe_path.and_then(|path| visit.edition.table.changed_at(path));
        let (method, remote) = (visit.method.as_str().to_owned(), Some(visit.origin.remote));
        let headers = end_to_end(visit.headers()).filter(|(name, _)| **name != SESSION_USER);
        let headers = headers.map(wire_header).collect();
        let route = request.matched.route;
        let body_limit = route.max_body;
        let has_fragments = visit.edition.templates.has_fragments();
        let (order, call) = Order::begin(request, uri, why, now);
        let id = may_be_sent_twice(visit, route).then(rand::random);
        let call = Call { method, headers, body_limit, remote, own_url, has_fragments, id, ..call };
        (Order { key, ..order }, call)
    }

    /// Creates the parts that all orders have in common.
    fn begin(request: PageRequest<'_>, uri: String, why: Forward, now: Moment) -> (Order, Call) {
        let PageRequest { visit, matched, mut variant, uses, session, .. } = request;
        let request_id = request_id();
        let mut groups = matched.groups();
        groups.append(&mut variant.groups);
        let controller = match &matched.route.target {
            Target::Controller(name) => name.clone(),
            Target::Template(_)
            | Target::Service(_)
            | Target::Files { .. }
            | Target::Alias(_)
            | Target::Redirect { .. } => String::new(),
        };
        let call = Call {
            controller,
            method: Method::GET.as_str().to_owned(),
            uri,
            params: matched.to_params(),
            headers: Vec::new(),
            scope: RequestScope::Full,
            variant: variant.kind.name().map(str::to_owned),
            lang: None,
            is_encrypted: None,
            // These three are set when the call is sent.
            log: None,
            applied: Position::START,
            deadline: 0,
            body_limit: None,
            request_id: request_id.clone(),
            remote: None,
            session: session.as_deref().cloned().map(Box::new),
            own_url: None,
            has_fragments: false,
            id: None,
            is_again: false,
            rate: matched
                .route
                .rate
                .map(|rate| call_rate(matched.route, rate, visit.origin, session.as_deref())),
        };
        let order = Order {
            edition: Arc::clone(visit.edition),
            generation: visit.generation,
            route: Arc::clone(matched.route),
            path: matched.path().to_owned(),
            variant: variant.kind,
            uses,
            request: RequestValues::default(),
            groups,
            key: None,
            is_for_one: true,
            session,
            request_id,
            work: visit.work.cloned(),
            why,
            stale: None,
            now,
        };
        (order, call)
    }

    /// Returns the key of a page that may be stored.
    pub(in crate::frontend) fn page_key(&self) -> &Key<'static> {
        self.key.as_ref().expect("the order of a page that may be kept has its key")
    }

    /// Returns the page's name in log messages.
    pub(in crate::frontend) fn name(&self) -> &str {
        let id = self.key.as_ref().filter(|_| !self.is_for_one).map(Key::id);
        id.unwrap_or(&self.path)
    }

    /// Returns the cache status of a response whose page was made.
    pub(in crate::frontend) fn made(&self, stored: bool) -> CacheStatus {
        CacheStatus::Forwarded { why: self.why, stored, collapsed: false }
    }

    /// Returns the limit on reuse by downstream caches, whatever the controller allows: they must not store a page of
    /// one user.
    pub(in crate::frontend) fn reuse(&self) -> Reuse {
        if self.route.is_by_user() { Reuse::Private } else { Reuse::Unrestricted }
    }

    /// Creates the failure to make this page.
    pub(in crate::frontend) fn failed(&self, failure: Failure) -> Failed {
        let is_in_key = |key: &Key<'_>| key.dependencies().iter().any(|(name, _)| *name == PROBLEM);
        let mut scope = self.route.scope;
        scope.sends_problems |= self.key.as_ref().is_some_and(is_in_key);
        Failed {
            failure,
            scope,
            request_id: self.request_id.clone(),
            path: self.name().to_owned(),
            groups: self.groups.clone(),
            reuse: self.reuse(),
            variant: Some(self.variant.clone()),
            request: self.request.clone(),
            session: None,
            cache: self.made(false),
        }
    }

    /// Returns the language for the error pages of a key: its own, that of the variant, the one that the route's
    /// `vary` has put into the call, or the site's first.
    pub(in crate::frontend) fn language<'a>(
        &self,
        call: &Call,
        languages: &'a Languages,
    ) -> Option<&'a str> {
        let vary = call.headers.iter().find(|(name, _)| *name == header::ACCEPT_LANGUAGE.as_str());
        let vary = vary.and_then(|(_, value)| std::str::from_utf8(value).ok());
        let own = self.request.lang.as_deref().and_then(|tag| languages.get(tag));
        let named = || self.variant.name().and_then(|name| languages.get(name));
        own.or_else(named).or_else(|| languages.get(vary?)).or_else(|| languages.iter().next())
    }
}

/// Returns the request scope of a cached route: the query and the headers that
/// [`PageRequest::key_of`](super::PageRequest) puts into the key, and no others. The two must agree, or a page that
/// depends on more than its key is served to other visitors.
pub(crate) fn key_scope(route: &Route) -> RequestScope {
    let query = match &route.query {
        QueryKey::All => None,
        QueryKey::Only(names) => Some(names.clone()),
    };
    let vary = route.vary.iter().map(|name| name.as_str().to_owned()).collect();
    RequestScope::Key { route: route.label().to_owned(), query, vary }
}

/// Returns whether an unsafe request may be executed twice (`link/client/call.rs` contains the argument).
fn may_be_sent_twice(visit: Visit<'_>, route: &Route) -> bool {
    let is_announced = || visit.headers().contains_key(IDEMPOTENCY_KEY);
    let method = visit.method;
    !method.is_safe() && (method.is_idempotent() || route.resend || is_announced())
}

/// Returns the rate limit that applies to this visitor's calls of the route.
fn call_rate(
    route: &Route,
    rate: Rate,
    origin: Origin,
    session: Option<&SessionRecord>,
) -> CallRate {
    let visitor = match session.filter(|_| rate.by == RateBy::Session) {
        None => network_of(origin.remote).to_string(),
        // No address begins like these.
        Some(SessionRecord { user: Some(user), .. }) => format!("user {user}"),
        Some(session) => format!("session {}", session.id),
    };
    // Several routes may share a path, each with its own methods.
    let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
    CallRate {
        bucket: format!("{} {}\n{visitor}", methods.join(","), route.path()),
        requests: rate.requests,
        period: rate.period.as_millis() as u64,
    }
}

/// Returns the part of an address that identifies a visitor: a provider assigns each of its customers an IPv6 network
/// of at least 2^64 addresses (RFC 6177).
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & u128::MAX << 64).into(),
    }
}

fn wire_header((name, value): (&HeaderName, &HeaderValue)) -> (String, Vec<u8>) {
    (name.as_str().to_owned(), value.as_bytes().to_vec())
}
