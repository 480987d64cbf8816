//! Requests for the pages of controllers and templates.

use std::borrow::Cow;
use std::sync::Arc;

use http::{Method, StatusCode};

use super::super::failure::Failure;
use super::super::respond::Forward;
use super::super::settings::Settings;
use super::order::Order;
use super::request_values::{self, ChosenLanguage};
use super::variant::{Variant, VariantKind};
use super::{Edition, Failed, Visit, vary};
use crate::cache::{Entry, Key, KeyBuilder};
use crate::clock::Moment;
use crate::dispatch::{CacheType, CanonicalPath, Match, Route};
use crate::http::{Languages, wants_problem};
use crate::link::Call;
use crate::request_values::{RequestUses, RequestValues};
use crate::session::SessionRecord;

/// A request for a page, with everything that the router has determined.
pub(in crate::frontend) struct PageRequest<'a> {
    pub(super) visit: Visit<'a>,
    pub(super) matched: Match<'a>,
    pub(in crate::frontend) variant: Variant,
    /// The part of the query that the route uses, in canonical spelling.
    query: Cow<'a, str>,
    /// The request values that the route was known to use when the request was routed.
    pub(super) uses: RequestUses,
    /// The language, if the key or the path has one.
    language: ChosenLanguage,
    /// The path of an unsafe request, before aliases were resolved.
    pub(super) unsafe_path: Option<CanonicalPath<'a>>,
    /// The session in the client's cookie, if the page is for this client only.
    pub(super) session: Option<Arc<SessionRecord>>,
    /// The page's cache key, or the reason why the cache is bypassed.
    pub(in crate::frontend) key: Result<Key<'a>, Forward>,
}

/// The name of the variant in a key; no header has this name.
pub(super) const NO_HEADER: &str = "";
/// The names of language, scheme and path in a key. No header's name begins with a colon.
pub(super) const LANG: &str = ":lang";
pub(super) const SCHEME: &str = ":scheme";
const PATH: &str = ":path";
/// Set in a key if errors are sent as problem documents, where a route stores errors and clients choose their format.
pub(super) const PROBLEM: &str = ":problem";

impl<'a> PageRequest<'a> {
    /// Creates the page request for a matched route and the result of the site's variant function.
    ///
    /// # Errors
    /// When the query cannot be part of a key, or the path contains a language that the site does not have.
    pub(super) fn new(
        visit: Visit<'a>,
        matched: Match<'a>,
        variant: Variant,
        settings: &Settings,
    ) -> Result<PageRequest<'a>, Box<Failed>> {
        let (route, languages) = (matched.route, &settings.languages);
        let why = match *visit.method {
            Method::GET | Method::HEAD => None,
            _ => Some(Forward::Method),
        };
        let is_private =
            route.cache.kind == CacheType::NoCache || matches!(variant.kind, VariantKind::No(_));
        let why = why.or(is_private.then_some(Forward::Bypass));
        let query = match why {
            None => route.query.canonical(visit.uri.query()),
            Some(_) => Ok(Cow::Borrowed("")),
        };
        let query = match query {
            Ok(query) => query,
            Err(error) => {
                let failure = Failure::new(StatusCode::BAD_REQUEST, error.to_string());
                let refused = Failed::refused(failure, route.scope, matched.path());
                return Err(Failed { variant: Some(variant.kind), ..refused }.into());
            }
        };
        let uses = route.uses.get();
        let language = match uses {
            RequestUses::NONE => Ok(ChosenLanguage::default()),
            _ => ChosenLanguage::of(uses, visit, &matched, settings),
        };
        let Ok(language) = language else {
            let failure = Failure::new(StatusCode::NOT_FOUND, "There is no such page.");
            let refused = Failed::refused(failure, route.scope, matched.path());
            return Err(Failed { variant: Some(variant.kind), ..refused }.into());
        };
        let key = Err(Forward::Bypass);
        let mut request = PageRequest {
            visit,
            matched,
            variant,
            query,
            uses,
            language,
            unsafe_path: None,
            session: None,
            key,
        };
        request.key = match why {
            None => {
                let key = request.key_of(request.id(), languages);
                Ok(request.with_values(key, languages).build())
            }
            Some(why) => Err(why),
        };
        Ok(request)
    }

    /// Returns the route that matches the request.
    pub(in crate::frontend) fn route(&self) -> &'a Arc<Route> {
        self.matched.route
    }

    /// Returns the edition that the page is made with.
    pub(in crate::frontend) fn edition(&self) -> &'a Edition {
        self.visit.edition
    }

    /// Returns the path with the part of the query that the route uses.
    pub(super) fn id(&self) -> Cow<'a, str> {
        match self.query.is_empty() {
            true => self.matched.path_text(),
            false => Cow::Owned(format!("{}?{}", self.matched.path(), self.query)),
        }
    }

    /// Returns the key of content with this id, in the request's variant and with its headers. A controller must not
    /// receive anything else of the request: [`key_scope`](super::key_scope) defines what it receives, and
    /// [`Order::of_key`] takes it from the same [`id`](PageRequest::id) and [`vary::values`].
    fn key_of<'k>(&self, id: Cow<'k, str>, languages: &Languages) -> KeyBuilder<'k> {
        let mut key = match &self.variant.kind {
            VariantKind::Key(key) => KeyBuilder::new(key.clone()),
            VariantKind::Named(name) => KeyBuilder::new(id).depends_on(NO_HEADER, name),
            VariantKind::Yes | VariantKind::No(_) => KeyBuilder::new(id),
        };
        for (name, value) in vary::values(&self.matched.route.vary, self.visit, languages) {
            key = key.depends_on(name.as_str(), &value.escape_ascii().to_string());
        }
        key
    }

    /// Adds the request values that the page uses to a key. Only these are in the order's
    /// [`RequestValues`](Order::request).
    fn with_values<'k>(&self, mut key: KeyBuilder<'k>, languages: &Languages) -> KeyBuilder<'k> {
        if let Some(tag) = self.language.in_key(languages) {
            key = key.depends_on(LANG, tag);
        }
        if self.uses.has(RequestUses::SCHEME) {
            key = key.depends_on(SCHEME, self.visit.origin.scheme.as_str());
        }
        // Otherwise the id contains it.
        if self.uses.has(RequestUses::PATH) && matches!(self.variant.kind, VariantKind::Key(_)) {
            key = key.depends_on(PATH, self.matched.path());
        }
        if self.route().negotiates_errors() && wants_problem(self.visit.headers()) {
            key = key.depends_on(PROBLEM, "json");
        }
        key
    }

    /// Returns the request values that the page may show: those in its key, or all of them if it is for this client
    /// only.
    pub(super) fn values(&self, settings: &Settings) -> RequestValues {
        let (mut uses, languages) = (self.uses, &settings.languages);
        let request = (self.visit, &self.matched);
        if !matches!(self.variant.kind, VariantKind::Key(_)) {
            uses.add(RequestUses::PATH);
        }
        if self.key.is_ok() {
            return request_values::values(uses, self.language, request, languages);
        }
        let all = RequestUses::ALL.and(uses);
        // The path's language was checked in `new`.
        let language = ChosenLanguage::of(all, self.visit, &self.matched, settings);
        let language = language.unwrap_or_default();
        request_values::values(all, language, request, languages)
    }

    /// Returns the order for the page. `why` is the reason for making it; `stale` may be served in its place.
    ///
    /// If the cache is bypassed, the page is for this client only. Its fragments are shared with cached pages, unless
    /// the variant function returned `no`.
    pub(in crate::frontend) fn into_order(
        mut self,
        why: Forward,
        stale: Option<Arc<Entry>>,
        now: Moment,
        settings: &Settings,
    ) -> (Order, Call) {
        let request = self.values(settings);
        let (order, call) = match std::mem::replace(&mut self.key, Err(why)) {
            Ok(key) => Order::of_key(self, key, why, stale, now, &settings.languages),
            Err(_) => {
                let shares_fragments = settings.caching
                    && !matches!(self.variant.kind, VariantKind::No(_))
                    && self.visit.edition.templates.has_fragments();
                let key =
                    || self.key_of(Cow::Borrowed(""), &settings.languages).build().into_owned();
                let key = shares_fragments.then(key);
                Order::of_request(self, key, why, now)
            }
        };
        let (lang, scheme) = (request.lang.as_deref().map(str::to_owned), request.scheme);
        let call = Call { lang, is_encrypted: scheme.map(|scheme| scheme == "https"), ..call };
        (Order { request, ..order }, call)
    }
}
