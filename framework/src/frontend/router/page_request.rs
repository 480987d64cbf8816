//! A request that a controller or a template answers.

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

/// A request for a page, with all that the router has found out about it.
pub(in crate::frontend) struct PageRequest<'a> {
    pub(super) visit: Visit<'a>,
    pub(super) matched: Match<'a>,
    pub(in crate::frontend) variant: Variant,
    /// The part of the query that the route heeds, in its one spelling.
    query: Cow<'a, str>,
    /// What the route was known to use when the request was routed.
    pub(super) uses: RequestUses,
    /// The language, as far as the key or the path has one.
    language: ChosenLanguage,
    /// The path that an unsafe request has asked for, before aliases.
    pub(super) unsafe_path: Option<CanonicalPath<'a>>,
    /// The client's session, as its cookie says, for a page that is the client's own.
    pub(super) session: Option<Arc<SessionRecord>>,
    /// What the page is found by in the cache, or why the cache has no part in it.
    pub(in crate::frontend) key: Result<Key<'a>, Forward>,
}

/// What the variant is called in a key: a name that no header has.
pub(super) const NO_HEADER: &str = "";
/// What language, scheme and path are called in a key: no header's name begins with a colon.
pub(super) const LANG: &str = ":lang";
pub(super) const SCHEME: &str = ":scheme";
const PATH: &str = ":path";
/// That errors are told by problem documents, where a route keeps errors and clients say which they read.
pub(super) const PROBLEM: &str = ":problem";

impl<'a> PageRequest<'a> {
    /// A request that `matched` takes, and of which the site's variant function says `variant`.
    ///
    /// # Errors
    /// When the query is one that cannot be a part of a key, and when the path says a language that the site does not have.
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

    /// The route that takes the request.
    pub(in crate::frontend) fn route(&self) -> &'a Arc<Route> {
        self.matched.route
    }

    /// The edition that the page is made of.
    pub(in crate::frontend) fn edition(&self) -> &'a Edition {
        self.visit.edition
    }

    /// The path and the part of the query that the route heeds.
    pub(super) fn id(&self) -> Cow<'a, str> {
        match self.query.is_empty() {
            true => self.matched.path_text(),
            false => Cow::Owned(format!("{}?{}", self.matched.path(), self.query)),
        }
    }

    /// The key of content with this id in the variant and with the headers of this request. Nothing else
    /// of the request may reach a controller: [`key_scope`](super::key_scope) says what does, and
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

    /// A key, and the values of the request that the page uses. Those alone are in the order's
    /// [`RequestValues`](Order::request).
    fn with_values<'k>(&self, mut key: KeyBuilder<'k>, languages: &Languages) -> KeyBuilder<'k> {
        if let Some(tag) = self.language.in_key(languages) {
            key = key.depends_on(LANG, tag);
        }
        if self.uses.has(RequestUses::SCHEME) {
            key = key.depends_on(SCHEME, self.visit.origin.scheme.as_str());
        }
        // Otherwise the id has it.
        if self.uses.has(RequestUses::PATH) && matches!(self.variant.kind, VariantKind::Key(_)) {
            key = key.depends_on(PATH, self.matched.path());
        }
        if self.route().tells_errors_by_accept() && wants_problem(self.visit.headers()) {
            key = key.depends_on(PROBLEM, "json");
        }
        key
    }

    /// What the page may show of the request: what is in its key, or all if it is for this client alone.
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
        // The path has been looked at.
        let language = ChosenLanguage::of(all, self.visit, &self.matched, settings);
        let language = language.unwrap_or_default();
        request_values::values(all, language, request, languages)
    }

    /// The order for the page. `why` says why it has to be made; `stale` may stand in for it.
    ///
    /// Where the cache has no part in it, the page is for this client alone. The fragments in it are those
    /// of cached pages, unless the variant function wants the cache left alone.
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
