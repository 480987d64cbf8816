//! What a request asks for.
//!
//! - [`Router::route`] makes of a [`Visit`] what it asks for: a [`PageRequest`] with its variant, its
//!   language and its cache key; a file; a redirect; or an error.
//! - `edition`: the site's loaded files, by which this is done, and how they are replaced.
//! - `variant`, `visitor`: the site's variant function and what it sees; `vary`: which headers count.
//! - `from_key`: the same without a request, from the key of a page.
//! - [`Order`]: what is needed to make a page, once it is known that the cache does not have it.
//!
//! The router knows nothing of what the cache holds, of how pages are made and of how they are sent.

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

/// What a front end needs to know what a request asks for.
pub(super) struct Router {
    settings: Arc<Settings>,
    pub(super) editions: Editions,
    variant: Option<Arc<VariantFn>>,
    pub(super) sessions: Arc<Sessions>,
}

/// What a request asks for.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all requests ask for a page, and a box would cost each hit an allocation"
)]
pub(super) enum Routed<'a> {
    /// A page that a controller or a template makes.
    Page(PageRequest<'a>),
    /// A file.
    File(Match<'a>),
    /// What the tower service of this name answers.
    Service { matched: Match<'a>, name: &'a str },
    /// To be sent elsewhere.
    Redirect { status: StatusCode, location: HeaderValue },
    /// Which methods are allowed.
    Options { allow: String },
    /// Nothing that there is.
    Refused(Box<Failed>),
}

/// Why there is nothing for a request, and what the log and the error page say of it.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: Failure,
    /// The part of the site that has the error page.
    pub(super) scope: Scope,
    pub(super) request_id: String,
    pub(super) path: String,
    /// The groups of its route and of the variant.
    pub(super) groups: Vec<String>,
    /// The most that caches further out are allowed, whatever its controller says.
    pub(super) reuse: Reuse,
    /// What the variant function has said, if it was asked.
    pub(super) variant: Option<VariantKind>,
    /// What its error page may show of the request, as far as it is known.
    pub(super) request: RequestValues,
    /// The session of the client that the error page is for, if it shows one.
    pub(super) session: Option<Arc<SessionRecord>>,
    pub(super) cache: CacheStatus,
}

impl Failed {
    /// An error before anything was forwarded.
    pub(super) fn refused(failure: Failure, scope: Scope, path: &str) -> Failed {
        let cache = CacheStatus::forwarded(Forward::Bypass);
        let (request_id, path) = (request_id(), path.to_owned());
        let (groups, reuse, request) = (Vec::new(), Reuse::AsItSays, RequestValues::default());
        let (variant, session) = (None, None);
        Failed { failure, scope, request_id, path, groups, reuse, variant, request, session, cache }
    }
}

impl Router {
    /// A router that goes by `edition` first.
    pub(super) fn new(
        settings: Arc<Settings>,
        edition: Edition,
        cache: Arc<Cache>,
        variant: Option<Arc<VariantFn>>,
        sessions: Arc<Sessions>,
    ) -> Router {
        Router { settings, editions: Editions::new(edition, cache), variant, sessions }
    }

    /// Where a request comes from that `peer` has sent.
    pub(super) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Origin {
        self.settings.proxies.origin(peer, headers)
    }

    /// What a request asks for.
    pub(super) fn route<'a>(&self, visit: Visit<'a>) -> Routed<'a> {
        let raw = visit.uri.path();
        if *visit.method == Method::OPTIONS && raw == "*" {
            return Routed::Options { allow: "GET, HEAD, OPTIONS, POST".to_owned() };
        }
        let path = match CanonicalPath::new(raw) {
            Ok(path) => path,
            Err(error) => {
                let message = format!("This address is not one of a page: {error}.");
                let failure = Failure::new(error.status(), message);
                return Routed::refused(failure, Scope::SITE, raw);
            }
        };
        self.route_at(visit, path)
    }

    /// What a request for `path`, which is that of its URL, asks for.
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
                let message = format!("This page takes {allow} only.");
                let mut failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, message);
                failure.headers = allow_header(&allow);
                return refused(failure, scope);
            }
            Resolution::Options { allow } => return Routed::Options { allow },
            Resolution::AliasLoop { alias } => {
                let cause = format!("the aliases lead in a circle: {}", alias.label());
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

    /// Whether a page of another site has sent a request that may change something. This stands here because
    /// it is the one place that all requests pass with their route known, before anything is read of
    /// their bodies or run for them.
    fn refuse_forgery(&self, visit: Visit<'_>, route: &Route) -> Result<(), Failure> {
        // A WebSocket begins with GET, and whatever the service takes may come over it.
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

    /// Settles the variant of the error page for a client's request, and what it may show of that and of the client's session: all,
    /// since it is for this client alone. Returns its language.
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

    /// The session of the client, if it is honoured here.
    fn session_of<'a>(
        &'a self,
        visit: Visit<'a>,
    ) -> impl Fn() -> Option<Arc<SessionRecord>> + use<'a> {
        move || {
            let session = self.sessions.open(&visit.client.headers, visit.session)?;
            self.sessions.honours(session).then(|| Arc::clone(session))
        }
    }

    /// What the site's variant function says of a request.
    ///
    /// # Errors
    /// That it panicked, with its message.
    fn variant_of(&self, visit: Visit<'_>) -> Result<Variant, String> {
        let Some(variant) = &self.variant else { return Ok(Variant::yes()) };
        let languages = (&self.settings.languages, self.settings.language_cookie.as_deref());
        let session = self.session_of(visit);
        let visitor = Visitor::of(visit.uri, visit.headers(), visit.origin, languages, &session);
        // It shares nothing with the front end that it could leave half done.
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
            let failure = Failure::new(StatusCode::BAD_REQUEST, "This does not lead anywhere.");
            Routed::refused(failure, matched.route.scope, matched.path())
        }
    }
}

/// Names a request in the logs, and to a visitor that has to report an error.
pub(super) fn request_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}
