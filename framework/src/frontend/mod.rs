//! A front end: finds, makes and sends what requests ask for, and serves from its cache what the law
//! allows.
//!
//! # What is here
//!
//! Four owners, each a folder, and what they share. Each knows those below it, never one above.
//!
//! | module | owns | what it does |
//! |---|---|---|
//! | [`FrontEnd`] | the others | answers requests |
//! | `parts` | nothing | puts other pages of the site into a page, for each response |
//! | `dispatcher` | the owners | from a request to what there is for it |
//! | `pages` | page cache, flights, encoder | a page by its key: lookup, single-flight, fill, refresh, encodings |
//! | `auditor` | findings | holds a sample of hits against fresh pages |
//! | `maker` | link, fragments | from an order to a page: calls, templates, error pages |
//! | `docroot` | synchronized files | from a path to a file |
//! | `router` | site files (the [`Edition`]), variant function | from a request to a target, variant, language, key |
//! | `respond` | nothing | pure functions from a page and a request to a response |
//!
//! Below them: [`Settings`], [`Counters`], [`PageHeaders`] and its [`ContentPolicy`], `failure` (why there is no page),
//! [`Sessions`] (who visitors are), [`Flashes`] (what they are told once), `sample` (which hits are audited), [`Advice`] (what a site's author is told of what is
//! probably a mistake; `carried`: of groups), `end_to_end` (which headers go further than one connection), `notice` (what pages say of site files
//! that cannot be loaded), and [`CacheFollower`], the feed's way into the cache.
//!
//! # The way of a request
//!
//! ```text
//! answer: Visit ── router.route ──> PageRequest (variant, key) ── pages.find ─┬─> Served    hit: response at once
//!                                                                            └─> Order + Call    miss
//! wait_for:        pages.get ── single-flight ── fill ── maker.make ──> Made ── prepare ──> Page ──> Served
//! respond:         Served ── parts.compose, if it has parts ──> Response
//! finish_response: what every response has in common
//! ```
//!
//! A request is routed once, its variant function runs once, its key is made once and the cache is asked
//! once; a miss goes on with the order that was made of all this. The first line needs no future, so
//! that a hit costs none.
//!
//! A second look is taken only where time has passed or the question is another. A refresh asks the cache again once it
//! leads the flight, because that of another request may have landed since; a fill that has failed asks whether there is
//! an old page that is better, because that may have been invalidated since. What an unsafe request makes wrong is the
//! page that GET shows at its URL, so its path is resolved for GET too. An error page shows the path that was asked for,
//! which nothing else needs once it is resolved, so it is read again.
//!
//! A front end must not know controllers or the site's state.

mod advice;
mod auditor;
mod carried;
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
pub(crate) use notice::{ask_for_all, with_end};
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
    /// A front end that has answered nothing yet.
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

    /// The cache.
    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// What the log has put into the docroot.
    pub(crate) fn docroot(&self) -> &Docroot {
        &self.dispatcher.files.docroot
    }

    /// The way to the back ends.
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// What has been done so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// What the auditor has compared so far.
    pub(crate) fn audited(&self) -> AuditCounts {
        self.auditor.counts()
    }

    /// Compares every page in the cache with a fresh one, until a moment, if there is one.
    pub(crate) async fn audit(&self, until: Option<Moment>) -> Audit {
        self.auditor.audit(&self.dispatcher.router, until).await
    }

    /// Answers from `edition` from now on, and forgets all that was made by the one before; how many
    /// editions there have been. When this returns, no request that comes is answered from an
    /// earlier one.
    pub(crate) fn publish(&self, edition: Edition) -> u64 {
        let number = self.dispatcher.router.editions.publish(edition);
        self.advice.forget();
        number
    }

    /// The number of the edition that requests are answered from: 1, and one more with each
    /// [`publish`](FrontEnd::publish) that is done.
    pub(crate) fn edition(&self) -> u64 {
        self.dispatcher.router.editions.published()
    }

    /// Keeps the edition and says what is wrong with the files that were to take its place, until
    /// there is a new one: in [`problems`](FrontEnd::problems), and in development in every page.
    pub(crate) fn show(&self, problems: Problems) {
        self.dispatcher.router.editions.keep(problems);
    }

    /// What is wrong with the files that were to take the edition's place. Empty when they have.
    pub(crate) fn problems(&self) -> Problems {
        let notice = self.dispatcher.router.editions.notice();
        notice.map(|notice| notice.problems().clone()).unwrap_or_default()
    }

    /// Fetches contents that the log's files have and that are not here, for as long as it is
    /// polled.
    pub(crate) async fn fetch_files(self: Arc<Self>) {
        self.dispatcher.files.fetch().await;
    }

    /// Removes contents that nothing refers to any more, for as long as it is polled.
    pub(crate) async fn sweep_files(self: Arc<Self>) {
        self.dispatcher.files.sweep().await;
    }

    /// Whether requests can be answered as they should be.
    ///
    /// # Errors
    /// Why not, for an operator.
    pub(crate) fn ready(&self) -> Result<(), String> {
        if self.dispatcher.settings.caching && !self.cache.holds_lease(clock::now()) {
            let is_connected = self.link.is_connected();
            return Err(match self.docroot().unstorable() {
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
        if !self.docroot().was_whole() {
            let missing = self.docroot().figures().missing;
            return Err(format!(
                "{missing} contents of synchronized files are still to be fetched"
            ));
        }
        Ok(())
    }

    /// Returns when requests can be answered as they should be.
    pub(crate) async fn when_ready(&self) {
        self.link.connected().await;
        while self.ready().is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stops serving from the cache and tells the back end, so that no writer waits for this front
    /// end. Requests are answered as before, but made anew.
    pub(crate) async fn leave(&self) {
        self.cache.close();
        self.link.leave().await;
    }

    /// The headers of a response that begins this session.
    ///
    /// # Errors
    /// When the site has no sessions, or the session cannot be kept in a cookie.
    #[cfg(feature = "test")]
    pub(crate) fn begin_session<S: SessionData>(&self, session: &S) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let known = self.cache.position().ok_or("no log is followed")?;
        let change = SessionChange::begin(session)?.issued_at(known.as_of);
        self.dispatcher.router.sessions.change(change, known.log, &mut headers)?;
        Ok(headers)
    }

    /// Answers a request that `peer` has sent: at once what waits for nothing, as most hits, and the rest
    /// in a future. All that is done for it keeps `work`. Whatever goes wrong becomes a response too.
    pub(crate) fn answer(
        self: &Arc<Self>,
        mut request: Request<Body>,
        peer: IpAddr,
        work: Option<Work>,
    ) -> Either<Ready<Response<Body>>, impl Future<Output = Response<Body>> + Send + use<>> {
        let notice = self.notice();
        if notice.is_some() {
            ask_for_all(&mut request);
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
                    // What else is ready on this thread goes on first, mostly to make a page, too. Then responses
                    // leave one shortly after the other, and wake what reads them once instead of once each.
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

    /// What pages are to say of files that could not be loaded, or of pages that should not be as they
    /// are: to developers only.
    fn notice(&self) -> Option<Arc<Notice>> {
        if !self.dispatcher.settings.development {
            return None;
        }
        let editions = &self.dispatcher.router.editions;
        let found = || self.auditor.notice(editions.published());
        editions.notice().or_else(found).or_else(|| self.advice.notice())
    }

    /// Makes a response of what there is, unless it has parts that are not there.
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
            Served::Failed(_) => unreachable!("what failed has become an error page"),
        })
    }

    /// The last that is done with every response of the front end. Layers of the site see it afterwards. A
    /// header for every response belongs into [`server::finish`](crate::server::finish).
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

/// What is left to be done for a request.
enum Begun {
    /// The page has to be made, or the file to be looked for.
    Pending(dispatcher::Pending),
    /// Parts of the page have to be.
    Composing(Box<Unfinished>),
}
