//! A front end: finds, makes and sends responses, and serves from its cache as far as the law permits.
//!
//! # Contents
//!
//! Each module depends only on those below it in this table.
//!
//! | module | owns | what it does |
//! |---|---|---|
//! | [`FrontEnd`] | the dispatcher, the auditor and the cache | answers requests |
//! | `parts` | nothing | inserts other pages of the site into a page, for each response |
//! | `dispatcher` | router, pages, maker and docroot | from a request to its content |
//! | `pages` | page cache, flights, encoder | a page by its key: lookup, single-flight, fill, refresh, encodings |
//! | `auditor` | findings | compares a sample of hits with fresh pages |
//! | `maker` | link, fragments | from an order to a page: calls, templates, error pages |
//! | `docroot` | synchronized files | from a path to a file |
//! | `router` | site files (the [`Edition`]), variant function | from a request to a target, variant, language, key |
//! | `respond` | nothing | pure functions from a page and a request to a response |
//!
//! Below them: [`Settings`], [`Counters`], [`PageHeaders`] and its [`ContentPolicy`], `failure` (the reason why there
//! is no page), [`Sessions`] (who visitors are), [`Flashes`] (messages that a visitor sees once), `sample` (the hits
//! that are audited), [`Advice`] (hints about probable mistakes for a site's author; `group_words`: about the names of
//! groups), `end_to_end` (headers that are not specific to one connection), `notice` (problems and findings that pages
//! display), and [`CacheFollower`], which applies the feed to the cache.
//!
//! # How a request is answered
//!
//! ```text
//! answer: Visit ── router.route ──> PageRequest (variant, key) ── pages.find ─┬─> Served    hit: response at once
//!                                                                            └─> Order + Call    miss
//! wait_for:        pages.get ── single-flight ── fill ── maker.make ──> Made ── prepare ──> Page ──> Served
//! respond:         Served ── parts.compose, if it has parts ──> Response
//! finish_response: steps that every response has in common
//! ```
//!
//! A request is routed once, its variant function runs once, its key is made once and the cache is looked up once; a
//! miss continues with the order that results from all this. The first line needs no future, so a hit needs none.
//!
//! A step is repeated only if time has passed or its input differs:
//!
//! - A refresh looks up the page again once it leads the flight, because another request's flight may have landed
//!   since.
//! - A fill that has failed looks up the stale page again, because it may have been invalidated since.
//! - An unsafe request invalidates the page that GET shows at its URL, so its path is resolved for GET too.
//! - An error page shows the requested path. No other step needs the path once the route is resolved, so it is parsed
//!   again instead of being kept.
//!
//! A front end must not depend on controllers or on the site's state.

mod advice;
mod auditor;
mod content_policy;
mod counters;
mod dispatcher;
mod docroot;
mod end_to_end;
mod escape;
mod failure;
mod flash;
mod follower;
mod front_end_parts;
mod group_words;
mod maker;
mod notice;
mod page_headers;
mod pages;
mod parts;
mod respond;
mod router;
mod sample;
mod sessions;
mod settings;

use std::future::{Future, Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::Either;
#[cfg(feature = "test")]
use http::HeaderMap;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};

use crate::body::Body;
use crate::cache::Cache;
use crate::clock::{self, Moment};
use crate::link::Link;
use crate::pieces::Pieces;
use crate::problem::Problems;
use crate::server::Work;
#[cfg(feature = "test")]
use crate::session::{SessionChange, SessionData};

pub(crate) use advice::Advice;
pub(crate) use auditor::AuditCounts;
use auditor::Auditor;
pub use auditor::{Audit, Difference, Finding};
pub(crate) use content_policy::ContentPolicy;
use counters::Event;
pub(crate) use counters::{Counters, Counts};
use dispatcher::Dispatcher;
pub(crate) use docroot::Docroot;
use docroot::DocrootFiles;
use flash::ClientFlash;
pub(crate) use flash::Flashes;
pub(crate) use follower::CacheFollower;
pub(crate) use front_end_parts::FrontEndParts;
use maker::{Made, MadeContent, Maker};
use notice::Notice;
pub(crate) use notice::{ask_for_whole_page, with_end};
pub(crate) use page_headers::PageHeaders;
use pages::{Pages, Served, page_of};
use parts::Unfinished;
use respond::{Aging, CacheStatus};
pub(crate) use router::{Edition, LANG_CAPTURE, VariantFn, key_scope};
use router::{PathLanguage, Router, VariantKind, Visit};
pub use router::{Variant, Visitor};
pub(crate) use sample::Sample;
use sessions::ClientSession;
pub(crate) use sessions::Sessions;
pub(crate) use settings::Settings;

/// A front end.
pub(crate) struct FrontEnd {
    cache: Arc<Cache>,
    link: Arc<Link>,
    dispatcher: Dispatcher,
    auditor: Arc<Auditor>,
    advice: Arc<Advice>,
    counters: Arc<Counters>,
}

impl FrontEnd {
    /// Creates a front end.
    pub(crate) fn new(parts: FrontEndParts) -> Arc<FrontEnd> {
        let FrontEndParts {
            settings,
            edition,
            files,
            docroot,
            cache,
            link,
            sessions,
            advice,
            variant,
            services,
        } = parts;
        let (settings, link, counters) = (Arc::new(settings), Arc::new(link), Arc::default());
        let shared = || (Arc::clone(&settings), Arc::clone(&cache), Arc::clone(&counters));
        let maker = Arc::new(Maker::new(
            shared(),
            Arc::clone(&advice),
            Arc::clone(&link),
            Arc::clone(&sessions),
        ));
        let auditor = Arc::new(Auditor::new(shared(), Arc::clone(&maker)));
        let dispatcher = Dispatcher {
            settings: Arc::clone(&settings),
            router: Router::new(
                Arc::clone(&settings),
                edition,
                Arc::clone(&cache),
                variant,
                sessions,
            ),
            pages: Pages::new(
                shared(),
                Arc::clone(&maker),
                Arc::clone(&auditor),
                Arc::clone(&advice),
            ),
            maker,
            services,
            files: DocrootFiles {
                docroot,
                files,
                cache: Arc::clone(&cache),
                link: Arc::clone(&link),
                deadline: settings.deadline,
            },
        };
        Arc::new(FrontEnd { cache, link, dispatcher, auditor, advice, counters })
    }

    /// Returns the cache.
    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// Returns the docroot's files from the log.
    pub(crate) fn docroot(&self) -> &Docroot {
        &self.dispatcher.files.docroot
    }

    /// Returns the link to the back ends.
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Returns the current counters.
    pub(crate) fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Returns the auditor's figures.
    pub(crate) fn audit_counts(&self) -> AuditCounts {
        self.auditor.counts()
    }

    /// Compares every page in the cache with a fresh one, and stops at `until`.
    pub(crate) async fn audit(&self, until: Option<Moment>) -> Audit {
        self.auditor.audit(&self.dispatcher.router, until).await
    }

    /// Serves `edition` from now on, and removes all content of the one before from the cache; returns its number.
    /// After this returns, no new request is answered from an earlier edition.
    pub(crate) fn publish(&self, edition: Edition) -> u64 {
        let number = self.dispatcher.router.editions.publish(edition);
        self.advice.forget();
        number
    }

    /// Returns the number of the edition that requests are answered from: 1, and one more after each completed
    /// [`publish`](FrontEnd::publish).
    pub(crate) fn edition_number(&self) -> u64 {
        self.dispatcher.router.editions.published()
    }

    /// Keeps the edition and displays the problems of the files that should have replaced it, until there is a new
    /// one: in [`problems`](FrontEnd::problems), and in development in every page.
    pub(crate) fn keep_edition(&self, problems: Problems) {
        self.dispatcher.router.editions.keep(problems);
    }

    /// Returns the problems of files that should have replaced the edition; empty if there are none.
    pub(crate) fn problems(&self) -> Problems {
        let notice = self.dispatcher.router.editions.notice();
        notice.map(|notice| notice.problems().clone()).unwrap_or_default()
    }

    /// Fetches missing contents of the log's files for as long as it is polled.
    pub(crate) async fn fetch_files(self: Arc<Self>) {
        self.dispatcher.files.fetch().await;
    }

    /// Removes unreferenced contents for as long as it is polled.
    pub(crate) async fn sweep_files(self: Arc<Self>) {
        self.dispatcher.files.sweep().await;
    }

    /// Returns whether the front end is fully operational.
    ///
    /// # Errors
    /// The reason why it is not, for an operator.
    pub(crate) fn ready(&self) -> Result<(), String> {
        if self.dispatcher.settings.caching && !self.cache.holds_lease(clock::now()) {
            let is_connected = self.link.is_connected();
            return Err(match self.docroot().unstorable() {
                Some(reason) if is_connected => {
                    format!("a synchronized file cannot be stored here, so the back end gives no lease: {reason}")
                }
                _ if is_connected && self.link.status().lease_withheld => {
                    "no lease: the back end withholds it, because writers had to wait for this front end (on \
                     probation, if they had to repeatedly)"
                        .to_owned()
                }
                _ => "no lease: no back end has confirmed recently that cached pages are current".to_owned(),
            });
        }
        if !self.link.is_connected() {
            return Err("no back end answers".to_owned());
        }
        if !self.docroot().was_whole() {
            let missing = self.docroot().figures().missing;
            return Err(format!(
                "{missing} contents of synchronized files have not been fetched yet"
            ));
        }
        Ok(())
    }

    /// Waits until the front end is fully operational.
    pub(crate) async fn when_ready(&self) {
        self.link.connected().await;
        while self.ready().is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stops serving from the cache and notifies the back end, so that no writer waits for this front end. Requests
    /// are still answered, without the cache.
    pub(crate) async fn leave(&self) {
        self.cache.close();
        self.link.leave().await;
    }

    /// Returns the headers of a response that begins this session.
    ///
    /// # Errors
    /// When the site has no sessions, no log is followed, or the session does not fit into a cookie.
    #[cfg(feature = "test")]
    pub(crate) fn begin_session<S: SessionData>(&self, session: &S) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let known = self.cache.position().ok_or("no log is followed")?;
        let change = SessionChange::begin(session)?.issued_at(known.as_of);
        self.dispatcher.router.sessions.change(change, known.log, &mut headers)?;
        Ok(headers)
    }

    /// Answers a request that `peer` has sent: immediately if that needs no waiting, as for most hits, otherwise in a
    /// future. All work for the request holds `work`. Every failure becomes a response, too.
    pub(crate) fn answer(
        self: &Arc<Self>,
        mut request: Request<Body>,
        peer: IpAddr,
        work: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + use<>> {
        let notice = self.notice();
        if notice.is_some() {
            ask_for_whole_page(&mut request);
        }
        let (client, body) = request.into_parts();
        let router = &self.dispatcher.router;
        let origin = router.origin(peer, &client.headers);
        let (generation, edition) = router.editions.take();
        let (session, flash) = (ClientSession::default(), ClientFlash::default());
        let path_language = PathLanguage::default();
        let of_client = (&client, &session, &flash, &path_language);
        let visit = Visit::of_client((generation, &edition), of_client, origin, work.as_ref());
        let begun = match self.dispatcher.find(visit) {
            Ok(served) => match self.respond(visit, served) {
                Ok(response) => {
                    return Either::Left(ready(self.finish_response(
                        (&client, &session),
                        notice,
                        response,
                    )));
                }
                Err(unfinished) => Begun::Composing(unfinished),
            },
            Err(pending) => Begun::Pending(pending),
        };
        let (frontend, edition) = (Arc::clone(self), Arc::clone(&edition));
        Either::Right(async move {
            let visit = Visit::of_client(
                (generation, &edition),
                (&client, &session, &flash, &path_language),
                origin,
                work.as_ref(),
            );
            let response = match begun {
                Begun::Composing(unfinished) => Err(unfinished),
                Begun::Pending(pending) => {
                    let served = frontend.dispatcher.wait_for(visit, pending, body).await;
                    // Other tasks that are ready on this thread run first; most of them make pages, too. The responses
                    // are then sent in quick succession and wake their reader once, instead of once each.
                    tokio::task::yield_now().await;
                    frontend.respond(visit, served)
                }
            };
            let response = match response {
                Ok(response) => response,
                Err(unfinished) => {
                    Box::pin(unfinished.wait_for_parts(&frontend.dispatcher, visit)).await
                }
            };
            frontend.finish_response((&client, &session), notice, response)
        })
    }

    /// Returns the notice that pages display in development: problems of files that could not be loaded, findings of
    /// the auditor, or advice.
    fn notice(&self) -> Option<Arc<Notice>> {
        if !self.dispatcher.settings.development {
            return None;
        }
        let editions = &self.dispatcher.router.editions;
        let found = || self.auditor.notice(editions.published());
        editions.notice().or_else(found).or_else(|| self.advice.notice())
    }

    /// Turns content into a response, unless it has parts that are not available yet.
    fn respond(&self, visit: Visit<'_>, served: Served) -> Result<Response<Body>, Box<Unfinished>> {
        let served = match served {
            Served::Failed(mut failed) => {
                let language = self.dispatcher.router.settle(visit, &mut failed);
                let maker = &self.dispatcher.maker;
                let made = maker.error_for(&visit.client.headers, visit.edition, &failed, language);
                let variant = failed.variant.unwrap_or(VariantKind::Yes);
                Served::Made { made: made.into(), variant, cache: failed.cache }
            }
            served => served,
        };
        let has_flash = served.has_flashes()
            && visit.shown_flash(&self.dispatcher.settings, served.variant()).is_some();
        let served = if has_flash { served.with_flashes() } else { served };
        if served.pieces().is_some_and(Pieces::has_parts) {
            return parts::compose(&self.dispatcher, visit, served);
        }
        let client = visit.client;
        Ok(match served {
            Served::Entry { entry, cache, aging, .. } => {
                if matches!(cache, CacheStatus::Hit(_)) {
                    self.dispatcher.pages.encode(&entry);
                }
                respond::page(client, page_of(&entry), aging, cache)
            }
            Served::Page { page, cache, .. } => respond::page(client, &page, Aging::NEW, cache),
            Served::Made { made, cache, .. } => {
                let Made { status, mut headers, mut terms, content, .. } = *made;
                terms.write(&mut headers);
                let body = match content {
                    MadeContent::Body(body) => body,
                    MadeContent::Rendered { content, .. } => respond::body(&content),
                };
                respond::made(status, headers, body, cache)
            }
            Served::Response(response) => response,
            Served::Failed(_) => unreachable!("failures have become error pages"),
        })
    }

    /// Completes every response of the front end. Layers of the site process it afterwards. A header for every
    /// response belongs in [`server::finish`](crate::server::finish).
    fn finish_response(
        &self,
        (client, session): (&Parts, &ClientSession),
        notice: Option<Arc<Notice>>,
        mut response: Response<Body>,
    ) -> Response<Body> {
        if response.status().is_redirection() {
            self.dispatcher.settings.flashes.carry(client, response.headers_mut());
        }
        self.dispatcher.router.sessions.renew(session, response.headers_mut());
        let response = match notice {
            Some(notice) => notice.put_into(response),
            None => response,
        };
        if response.status().is_server_error() {
            self.counters.count(Event::Error);
        }
        let response = match response.status() {
            StatusCode::RESET_CONTENT => respond::emptied(response),
            _ => response,
        };
        if client.method == Method::HEAD { respond::head_of(response) } else { response }
    }
}

/// The remaining work for a request.
enum Begun {
    /// The page must be made, the file looked up, or the service called.
    Pending(dispatcher::Pending),
    /// Parts of the page must be made.
    Composing(Box<Unfinished>),
}
