//! A front end: dispatches, renders, and serves from its cache what the law allows.
//!
//! - [`FrontEnd`]: one of these answers all requests of a node.
//! - [`Edition`]: the site's dispatch table and templates, and how they are replaced; `notice`: what
//!   pages say when they could not be.
//! - `page`: the way of a request for content to the cache: variant, key, lookup.
//! - `at_once`: the short way of a hit.
//! - `flight`: who makes what is not there, and who waits; `fill`: the way of content into the cache;
//!   `storable`: what may be kept.
//! - `make`: how content is made, by a controller over the link or by a template.
//! - `fragments`: pieces of templates, found in the cache and kept there.
//! - `forward`: what of a request goes over the link.
//! - `prepare`: what the responses with a page say, put together when it is made; `group_headers`
//!   are among it, and `heads` knows what pages have in common. `encoder` makes encodings later.
//! - `served`: what there is for a request, before it is made a response; `parts` puts other pages
//!   of the site into it.
//! - `respond`, `error_page` (with `error_texts`), `cache_status`: what goes back to the visitor; `version` is what
//!   conditions are asked about.
//! - [`Variant`]: how a site says that content depends on more than its URL, and [`Visitor`], by
//!   what it says so; `vary`: which headers it depends on.
//! - [`CacheFollower`]: the feed's way into the cache.
//! - [`Docroot`]: the files that the log has put into the docroot.
//! - [`Counters`]: what has been done so far.
//!
//! This room must not know controllers or the site's state.

mod at_once;
mod cache_status;
mod collect;
mod counters;
mod docroot;
mod edition;
mod encoder;
mod error_page;
mod error_texts;
mod failure;
mod file;
mod fill;
mod flight;
mod follower;
mod forward;
mod fragments;
mod group_headers;
mod heads;
mod make;
mod notice;
mod page;
mod parts;
mod prepare;
mod raw;
mod respond;
mod served;
mod storable;
mod variant;
mod vary;
mod version;
mod visitor;

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;

use crate::body::Body;
use crate::budget::Budget;
use crate::cache::{Cache, Flights, Generation};
use crate::clock;
use crate::config::GroupHeader;
use crate::dispatch::{CanonicalPath, Match, Resolution, Scope, Target};
use crate::files::Files;
use crate::http::{Coding, Languages, Origin, TrustedProxies};
use crate::link::Link;
use crate::pieces::Pieces;
use crate::raw::RawService;
use crate::server::Pace;

use cache_status::{CacheStatus, Forward};
use counters::Event;
pub use counters::{Counters, Counts};
pub use docroot::Docroot;
pub use edition::Edition;
use encoder::Encoder;
use failure::Failure;
use flight::Landed;
pub use follower::CacheFollower;
use heads::Heads;
use notice::Notice;
use parts::Recipient;
use served::{Served, Serving, later};
pub use variant::{Variant, VariantFn};
pub use visitor::Visitor;

/// What a front end goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether error pages show causes.
    pub development: bool,
    /// Whether responses are cached at all.
    pub caching: bool,
    /// How long `normal` content lives.
    pub lifetime: Duration,
    /// How long a reply with one of a route's `cache_statuses` lives, where the route does not say.
    pub status_lifetime: Duration,
    /// The content codings that pages are kept in.
    pub encodings: Vec<Coding>,
    /// Headers that name the groups of a page.
    pub group_headers: Vec<GroupHeader>,
    /// The longest body that is cached, in bytes.
    pub largest_entry: u64,
    /// How many fills may go on without their visitors.
    pub flights: usize,
    /// How long a back end may take to begin its answer.
    pub deadline: Duration,
    /// How long a page waits for its parts.
    pub part_timeout: Duration,
    /// The longest request body on routes that do not say otherwise, in bytes.
    pub body_limit: u64,
    /// How fast a request body is to arrive.
    pub body_pace: Pace,
    /// How many bytes the replies may take that are read to be kept, all together.
    pub collected_bodies: u64,
    /// The site's languages.
    pub languages: Languages,
    /// Whose word is taken for where a request comes from.
    pub proxies: TrustedProxies,
}

/// What a front end is made of.
pub struct Rooms {
    /// What it goes by.
    pub settings: Settings,
    /// What the site's files say.
    pub edition: Edition,
    /// The docroot's own files.
    pub files: Files,
    /// What the log has put into the docroot.
    pub docroot: Arc<Docroot>,
    /// The cache.
    pub cache: Arc<Cache>,
    /// The way to the back ends.
    pub link: Link,
    /// The site's variant function.
    pub variant: Option<Arc<VariantFn>>,
    /// The site's tower services, by their names.
    pub services: HashMap<String, RawService>,
}

/// A front end.
pub struct FrontEnd {
    settings: Settings,
    edition: ArcSwap<Edition>,
    /// The number of the edition, once nothing of the one before is served.
    published: AtomicU64,
    /// One edition is published at a time.
    publishing: Mutex<()>,
    notice: ArcSwapOption<Notice>,
    files: Files,
    docroot: Arc<Docroot>,
    cache: Arc<Cache>,
    flights: Arc<Flights<Landed>>,
    /// Places for fills.
    places: Arc<Semaphore>,
    /// Memory for replies that are read to be kept.
    memory: Budget,
    encoder: Encoder,
    heads: Heads,
    link: Link,
    variant: Option<Arc<VariantFn>>,
    services: HashMap<String, RawService>,
    counters: Counters,
}

/// One request on its way.
struct Visit<'a> {
    /// What the cache's generation was before the edition was looked up: what is made of the edition
    /// may be stored in no later one.
    generation: Generation,
    edition: &'a Arc<Edition>,
    parts: &'a Parts,
    body: Body,
    origin: Origin,
}

impl FrontEnd {
    /// A front end that has answered nothing yet.
    pub fn new(rooms: Rooms) -> Arc<FrontEnd> {
        let Rooms { settings, edition, files, docroot, cache, link, variant, services } = rooms;
        let places = Arc::new(Semaphore::new(settings.flights.min(Semaphore::MAX_PERMITS)));
        let codings = settings.encodings.iter().filter(|_| settings.caching);
        let encoder = Encoder::new(Arc::clone(&cache), codings.copied().collect());
        Arc::new(FrontEnd {
            memory: Budget::new(settings.collected_bodies),
            settings,
            published: AtomicU64::new(edition.number),
            edition: ArcSwap::from_pointee(edition),
            publishing: Mutex::default(),
            notice: ArcSwapOption::empty(),
            files,
            docroot,
            cache,
            flights: Flights::new(),
            places,
            encoder,
            heads: Heads::default(),
            link,
            variant,
            services,
            counters: Counters::default(),
        })
    }

    /// The cache.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// What the log has put into the docroot.
    pub fn docroot(&self) -> &Docroot {
        &self.docroot
    }

    /// The way to the back ends.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// What has been done so far.
    pub fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Whether requests can be answered as they should be.
    ///
    /// # Errors
    /// Why not, for an operator.
    pub fn ready(&self) -> Result<(), String> {
        if self.settings.caching && !self.cache.holds_lease(clock::now()) {
            let is_connected = self.link.is_connected();
            return Err(match self.docroot.unstorable() {
                Some(reason) if is_connected => {
                    format!("a synchronized file cannot be stored here, so the back end gives no lease: {reason}")
                }
                _ if is_connected && self.link.status().on_probation => {
                    "on probation: writers had to wait for this front end, so the back end gives it no \
                     lease until it has answered punctually for a while"
                        .to_owned()
                }
                _ => "no lease: no back end has confirmed lately what may be served".to_owned(),
            });
        }
        if !self.link.is_connected() {
            return Err("no back end answers".to_owned());
        }
        if !self.docroot.was_whole() {
            let missing = self.docroot.figures().missing;
            return Err(format!(
                "{missing} contents of synchronized files are still to be fetched"
            ));
        }
        Ok(())
    }

    /// Returns when requests can be answered as they should be.
    pub async fn when_ready(&self) {
        self.link.connected().await;
        while self.ready().is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stops serving from the cache and tells the back end, so that no writer waits for this front
    /// end. Requests are answered as before, but made anew.
    pub async fn leave(&self) {
        self.cache.close();
        self.link.leave().await;
    }

    /// Answers a request that `peer` has sent. Whatever goes wrong becomes a response too.
    pub fn answer(
        self: &Arc<Self>,
        mut request: Request<Body>,
        peer: IpAddr,
    ) -> impl Future<Output = Response<Body>> + Send {
        let notice = self.notice();
        if notice.is_some() {
            Notice::ask_for_all(&mut request);
        }
        // Before there is a future, which would keep a place for both forms of the request.
        let (parts, body) = request.into_parts();
        async move {
            let (generation, edition) = Edition::taken(&self.cache, || self.edition.load_full());
            let origin = self.settings.proxies.origin(peer, &parts.headers);
            let recipient = Recipient { generation, edition: &edition, request: &parts, origin };
            let visit = Visit { generation, edition: &edition, parts: &parts, body, origin };
            let served = self.dispatch(visit).await;
            let response = match self.respond_at_once(recipient, served) {
                Ok(response) => response,
                Err(served) => Box::pin(self.compose(recipient, served)).await,
            };
            let response = match notice {
                Some(notice) => notice.put_into(response),
                None => response,
            };
            self.finish(&parts.method, response)
        }
    }

    /// What pages are to say of files that could not be loaded: to developers only.
    fn notice(&self) -> Option<Arc<Notice>> {
        self.settings.development.then(|| self.notice.load_full()).flatten()
    }

    /// Makes a response of what there is, or gives it back if it has parts that are not there.
    fn respond_at_once(
        self: &Arc<Self>,
        recipient: Recipient<'_>,
        served: Served,
    ) -> Result<Response<Body>, Served> {
        let request = recipient.request;
        let served = match served {
            Served::Failed(failed) => self.error(recipient, failed),
            served => served,
        };
        if served.pieces().is_some_and(Pieces::has_parts) {
            return self.compose_at_once(recipient, &served).ok_or(served);
        }
        Ok(match served {
            Served::Hit { entry, now, .. } => self.hit(request, &entry, now),
            Served::Stored { entry, cache, .. } => self.stored(request, &entry, cache),
            Served::Page { page, cache, .. } => respond::page(request, &page, cache),
            Served::Made { status, headers, content, cache } => {
                respond::made(status, headers, content.into_body(), cache)
            }
            Served::Response(response) => response,
            Served::Failed(_) => unreachable!("what failed has become an error page"),
        })
    }

    /// The last that is done with every response.
    fn finish(&self, method: &Method, response: Response<Body>) -> Response<Body> {
        if response.status().is_server_error() {
            self.counters.count(Event::Error);
        }
        let response = match response.status() {
            StatusCode::RESET_CONTENT => respond::emptied(response),
            _ => response,
        };
        if *method == Method::HEAD { respond::head_of(response) } else { response }
    }

    /// Finds or makes what a request asks for.
    async fn dispatch(self: &Arc<Self>, visit: Visit<'_>) -> Served {
        let Visit { edition, parts, .. } = visit;
        if parts.method == Method::OPTIONS && parts.uri.path() == "*" {
            return Served::Response(options("GET, HEAD, OPTIONS, POST"));
        }
        let path = match CanonicalPath::new(parts.uri.path()) {
            Ok(path) => path,
            Err(error) => {
                let message = format!("This address is not one of a page: {error}.");
                let failure = Failure::new(error.status(), message);
                return Served::refused(failure, Scope::SITE, parts.uri.path());
            }
        };
        match &edition.table.resolve(&parts.method, &path) {
            Resolution::Route(matched) => self.follow_route(visit, matched).await,
            Resolution::NotFound { scope } => {
                let failure = Failure::new(StatusCode::NOT_FOUND, "There is no such page.");
                Served::refused(failure, *scope, path.as_str())
            }
            Resolution::MethodNotAllowed { allow, scope } => {
                let message = format!("This page takes {allow} only.");
                let mut failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, message);
                failure.headers = allow_header(allow);
                Served::refused(failure, *scope, path.as_str())
            }
            Resolution::Options { allow } => Served::Response(options(allow)),
            Resolution::AliasLoop { alias } => {
                let cause = format!("the aliases lead in a circle: {}", alias.label());
                Served::refused(Failure::internal(cause), alias.scope, path.as_str())
            }
        }
    }

    fn follow_route<'a>(
        self: &'a Arc<Self>,
        visit: Visit<'a>,
        matched: &'a Match<'_>,
    ) -> Serving<'a> {
        let served = match &matched.route.target {
            Target::Controller(_) | Target::Template(_) => return self.page(visit, matched),
            Target::Files { .. } => return later(self.file(visit, matched)),
            Target::Service(name) => return later(self.raw(visit, matched, name)),
            Target::Redirect { status, .. } => redirect(*status, matched),
            Target::Alias(_) => {
                let failure = Failure::internal("an alias was not followed");
                Served::refused(failure, matched.route.scope, matched.path())
            }
        };
        served.at_once()
    }
}

/// Whether a request for the target is one for content, which may be in the cache.
fn is_page(target: &Target) -> bool {
    matches!(target, Target::Controller(_) | Target::Template(_))
}

fn redirect(status: StatusCode, matched: &Match<'_>) -> Served {
    let location = matched.redirect().and_then(|url| HeaderValue::try_from(url).ok());
    let Some(location) = location else {
        let failure = Failure::new(StatusCode::BAD_REQUEST, "This does not lead anywhere.");
        return Served::refused(failure, matched.route.scope, matched.path());
    };
    let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
    Served::Response(respond::made(status, headers, Body::empty(), bypass(Forward::Bypass)))
}

/// Says which methods are taken (RFC 9110, section 9.3.7).
fn options(allow: &str) -> Response<Body> {
    let cache = bypass(Forward::Method);
    respond::made(StatusCode::NO_CONTENT, allow_header(allow), Body::empty(), cache)
}

fn allow_header(allow: &str) -> HeaderMap {
    let allow = HeaderValue::try_from(allow);
    allow.map(|allow| HeaderMap::from_iter([(header::ALLOW, allow)])).unwrap_or_default()
}

/// Names a request in the logs, and to a visitor who has to report an error.
fn request_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The cache had no part in it.
fn bypass(why: Forward) -> CacheStatus {
    CacheStatus::Forwarded { why, stored: false, collapsed: false }
}
