//! Routing: determines the target of a request.
//!
//! - [`Router::route`] maps a [`Visit`] to its target: a [`PageRequest`] with its variant, its language and its cache
//!   key; a file; a redirect; or an error.
//! - `edition`: the site's loaded files, which the router uses, and how they are replaced.
//! - `variant`, `visitor`: the site's variant function and its argument; `vary`: the headers that content depends on.
//! - `from_key`: the same without a request, from the key of a page.
//! - [`Order`]: everything that is needed to make a page that is not in the cache.
//!
//! The router does not access the cache's entries, and does not make or send pages.

mod edition;
mod from_key;
mod order;
mod page_request;
mod request_values;
mod variant;
mod vary;
mod visit;
mod visitor;

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use super::failure::Failure;
use super::respond::{CacheStatus, Forward, allow_header};
use super::sessions::Sessions;
use super::settings::Settings;
use crate::cache::Cache;
use crate::computation::Code;
use crate::dispatch::{CanonicalPath, ForgeryPolicy, Match, Resolution, Route, Scope, Target};
use crate::http::{Origin, Reuse, forgery};
use crate::log::panic_message;
use crate::request_values::RequestValues;
use crate::session::SessionRecord;
use crate::shown::{shown, shown_cause};

pub(crate) use edition::Edition;
pub(super) use edition::Editions;
pub(super) use order::Order;
pub(crate) use order::key_scope;
pub(super) use page_request::PageRequest;
pub(crate) use request_values::LANG_CAPTURE;
pub use variant::Variant;
pub(crate) use variant::VariantFn;
pub(super) use variant::VariantKind;
pub(super) use visit::{PartHeaders, PathLanguage, Visit};
pub use visitor::Visitor;

/// Determines the targets of requests.
pub(super) struct Router {
    settings: Arc<Settings>,
    pub(super) editions: Editions,
    variant: Option<Arc<VariantFn>>,
    pub(super) sessions: Arc<Sessions>,
}

/// The target of a request.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all requests ask for a page, and a box would cost each hit an allocation"
)]
pub(super) enum Routed<'a> {
    /// A page of a controller or a template.
    Page(PageRequest<'a>),
    /// A file.
    File(Match<'a>),
    /// A response of the tower service with this name.
    Service { matched: Match<'a>, name: &'a str },
    /// A redirect.
    Redirect { status: StatusCode, location: HeaderValue },
    /// An answer to OPTIONS: the allowed methods.
    Options { allow: String },
    /// A request without a target.
    Refused(Box<Failed>),
}

/// The reason why a request has no content, with everything that the log and the error page need.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// The part of the site whose error page is shown.
    pub(super) scope: Scope,
    pub(super) request_id: String,
    pub(super) path: String,
    /// The groups of the request's route and variant.
    pub(super) groups: Vec<String>,
    /// The limit on reuse by downstream caches, whatever the controller allows.
    pub(super) reuse: Reuse,
    /// The result of the variant function, if it was called.
    pub(super) variant: Option<VariantKind>,
    /// The request values that the error page may show, as far as they are known.
    pub(super) request: RequestValues,
    /// The client's session, if the error page shows it.
    pub(super) session: Option<Arc<SessionRecord>>,
    pub(super) cache: CacheStatus,
}

impl Failed {
    /// Creates an error from before anything was forwarded.
    pub(super) fn refused(failure: Failure, scope: Scope, path: &str) -> Failed {
        let cache = CacheStatus::forwarded(Forward::Bypass);
        let (request_id, path) = (request_id(), path.to_owned());
        let (groups, reuse, request) = (Vec::new(), Reuse::Unrestricted, RequestValues::default());
        let (variant, session) = (None, None);
        Failed { failure, scope, request_id, path, groups, reuse, variant, request, session, cache }
    }
}

impl Router {
    /// Creates a router whose first edition is `edition`.
    pub(super) fn new(
        settings: Arc<Settings>,
        edition: Edition,
        cache: Arc<Cache>,
        variant: Option<Arc<VariantFn>>,
        sessions: Arc<Sessions>,
    ) -> Router {
        Router { settings, editions: Editions::new(edition, cache), variant, sessions }
    }

    /// Returns the origin of a request that `peer` has sent.
    pub(super) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Origin {
        self.settings.proxies.origin(peer, headers)
    }

    /// Determines the target of a request.
    pub(super) fn route<'a>(&self, visit: Visit<'a>) -> Routed<'a> {
        let raw = visit.uri.path();
        if *visit.method == Method::OPTIONS && raw == "*" {
            return Routed::Options { allow: "GET, HEAD, OPTIONS, POST".to_owned() };
        }
        let path = match CanonicalPath::new(raw) {
            Ok(path) => path,
            Err(error) => {
                let message = format!("This address is not valid: {error}.");
                let failure = Failure::new(error.status(), message);
                return Routed::refused(failure, Scope::SITE, raw);
            }
        };
        self.route_at(visit, path)
    }

    /// Determines the target of a request for `path`, which is the canonical path of its URL.
    pub(super) fn route_at<'a>(&self, visit: Visit<'a>, path: CanonicalPath<'a>) -> Routed<'a> {
        let refused = |failure, scope| Routed::refused(failure, scope, path.as_str());
        let matched = match visit.edition.table.resolve(visit.method, path.clone()) {
            Resolution::Route(matched) => matched,
            Resolution::NotFound { scope } => {
                return refused(
                    Failure::new(StatusCode::NOT_FOUND, "There is no such page."),
                    scope,
                );
            }
            Resolution::MethodNotAllowed { allow, scope } => {
                let message = format!("This page only accepts {allow}.");
                let mut failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, message);
                failure.headers = allow_header(&allow);
                return refused(failure, scope);
            }
            Resolution::Options { allow } => return Routed::Options { allow },
            Resolution::AliasLoop { alias } => {
                let cause = format!("the aliases form a cycle: {}", alias.label());
                return refused(Failure::internal(cause), alias.scope);
            }
        };
        visit.note_language(&matched, &self.settings.languages);
        if let Err(failure) = self.refuse_forgery(visit, matched.route) {
            return refused(failure, matched.route.scope);
        }
        match &matched.route.target {
            Target::Controller(_) | Target::Template(_) => self.page(visit, matched, path),
            Target::Service(name) => Routed::Service { name, matched },
            Target::Files { .. } => Routed::File(matched),
            Target::Redirect { status, .. } => redirect(*status, &matched),
            Target::Alias(_) => {
                let failure = Failure::internal("an alias was not followed");
                Routed::refused(failure, matched.route.scope, matched.path())
            }
        }
    }

    /// Rejects an unsafe request that a page of another site has sent. The check is here because all requests pass
    /// this point with their route known, before any code reads their bodies or runs for them.
    fn refuse_forgery(&self, visit: Visit<'_>, route: &Route) -> Result<(), Failure> {
        // A WebSocket begins with GET, and may then carry any operation of the service.
        let is_upgrade = || {
            matches!(route.target, Target::Service(_))
                && visit.headers().contains_key(header::UPGRADE)
        };
        if visit.method.is_safe() && !is_upgrade() || route.forgery == ForgeryPolicy::Allow {
            return Ok(());
        }
        let trusted = &self.settings.trusted_origins;
        forgery::check(visit.headers(), visit.origin.scheme, trusted).map_err(|found| {
            let advice = match found.origin() {
                Some(origin) => format!(
                    "if it may, write trusted_origins = [\"{origin}\"] in [http] of project.toml; \
                     if every site may, "
                ),
                None => "if every site may send this, ".to_owned(),
            };
            let cause = format!("{found}; {advice}write forgery = \"allow\" at {}", route.location);
            let message = "Another site has sent this. Nothing was changed.";
            Failure::new(StatusCode::FORBIDDEN, message).because(cause)
        })
    }

    fn page<'a>(
        &self,
        visit: Visit<'a>,
        matched: Match<'a>,
        path: CanonicalPath<'a>,
    ) -> Routed<'a> {
        let variant = match self.variant_of(visit) {
            Ok(variant) => variant,
            Err(cause) => {
                let (failure, scope) = (Failure::internal(cause), matched.route.scope);
                let refused = Failed::refused(failure, scope, matched.path());
                let refused = Failed { variant: Some(VariantKind::Yes), ..refused };
                return Routed::Refused(refused.into());
            }
        };
        if matched.route.is_by_user() {
            let session = self.session_of(visit);
            visit.session.settle_user(|| session()?.user.clone());
        }
        match PageRequest::new(visit, matched, variant, &self.settings) {
            Ok(mut page) => {
                page.unsafe_path = Some(path).filter(|_| !visit.method.is_safe());
                if page.key.is_err() {
                    let session = self.sessions.open(&visit.client.headers, visit.session);
                    page.session = session.map(Arc::clone);
                }
                Routed::Page(page)
            }
            Err(failed) => Routed::Refused(failed),
        }
    }

    /// Completes a failure for its error page: the variant, and all values of the request and the client's session
    /// that the page uses, since it is for this client only. Returns the page's language.
    pub(super) fn settle(&self, visit: Visit<'_>, failed: &mut Failed) -> Option<&str> {
        failed.request.scheme.get_or_insert(visit.origin.scheme.as_str());
        let path = CanonicalPath::new(visit.uri.path());
        let path = path.as_ref().map_or(&*failed.path, CanonicalPath::as_str);
        failed.request.path.get_or_insert_with(|| path.into());
        if visit.edition.error_names_session(failed.scope, failed.failure.status) {
            failed.session = self.session_of(visit)();
        }
        let variant = failed.variant.get_or_insert_with(|| {
            let variant = self.variant_of(visit);
            variant.map(|variant| variant.kind).unwrap_or_else(|cause| {
                let (path, cause) = (&*shown(&failed.path), &*shown_cause(&cause));
                let request_id = &failed.request_id;
                tracing::error!(request_id, path, cause, "the error page has no variant");
                VariantKind::Yes
            })
        });
        visit.language(&self.settings, variant)
    }

    /// Returns a function that opens the client's session, if it is honoured here.
    fn session_of<'a>(
        &'a self,
        visit: Visit<'a>,
    ) -> impl Fn() -> Option<Arc<SessionRecord>> + use<'a> {
        move || {
            let session = self.sessions.open(&visit.client.headers, visit.session)?;
            self.sessions.honours(session).then(|| Arc::clone(session))
        }
    }

    /// Calls the site's variant function for a request.
    ///
    /// # Errors
    /// When the function panicked, with the panic's message.
    fn variant_of(&self, visit: Visit<'_>) -> Result<Variant, String> {
        let Some(variant) = &self.variant else { return Ok(Variant::yes()) };
        let languages = (&self.settings.languages, self.settings.language_cookie.as_deref());
        let session = self.session_of(visit);
        let visitor = Visitor::of(visit.uri, visit.headers(), visit.origin, languages, &session);
        // It shares no state with the front end that a panic could leave inconsistent.
        let call = AssertUnwindSafe(|| variant(&visitor));
        Code::variant().run(|| catch_unwind(call)).map_err(|panic| {
            format!("the site's variant function panicked: {}", panic_message(&*panic))
        })
    }
}

impl Routed<'_> {
    fn refused(failure: Failure, scope: Scope, path: &str) -> Self {
        Routed::Refused(Failed::refused(failure, scope, path).into())
    }
}

fn redirect<'a>(status: StatusCode, matched: &Match<'_>) -> Routed<'a> {
    let location = matched.redirect().and_then(|url| HeaderValue::try_from(url).ok());
    match location {
        Some(location) => Routed::Redirect { status, location },
        None => {
            let failure =
                Failure::new(StatusCode::BAD_REQUEST, "This redirect has no valid target.");
            Routed::refused(failure, matched.route.scope, matched.path())
        }
    }
}

/// Creates the id of a request for the logs, and for visitors to quote when they report an error.
pub(super) fn request_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}
