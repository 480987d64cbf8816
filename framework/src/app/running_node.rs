//! The modules of a node, without its listeners for visitors and operators.
//!
//! A single node is a cluster of one: its front end and back end use the same link as in any cluster, through memory
//! instead of TCP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::App;
use super::code::Code;
use super::edition_loader::EditionLoader;
use super::feeds::Feeds;
use super::reload::{Reloader, Serving, Watched};
use super::report::NodeReport;
use super::running_server::{RunningServer, address, bind, problem};
use super::texts_loader::TextsLoader;
use super::watch::watch;
use crate::backend::{self, Backend, BackendHost, CheckpointOptions, KeyOptions};
use crate::cache::{Cache, CacheLimits};
use crate::claim::{self, Claim};
use crate::clock;
use crate::computation::{self, Attended};
use crate::config::{Config, Encoding, Environment, Mode};
use crate::docroot::Store;
use crate::frontend::{
    self, Advice, CacheFollower, Docroot, Edition, Flashes, FrontEnd, PageHeaders, Sessions,
    Settings,
};
use crate::http::{Coding, Languages, TrustedProxies};
use crate::link::{self, Connector, Incoming, Link, LinkOptions};
use crate::problem::{Problem, Problems};
use crate::server::Pace;
use crate::session::{FlashCookies, Keys, SessionCookies};
use crate::state::Trial;

/// The interval between checks whether the cache needs a sweep.
const SWEEP: Duration = Duration::from_secs(1);

/// Whether the site's files are watched.
#[derive(Debug)]
pub(super) enum Watching {
    /// Files are reloaded when they change.
    Files {
        /// The file with the compiler's errors, if `dev` runs the program.
        compiler: Option<PathBuf>,
    },
    /// Files are reloaded on request only.
    Nothing,
}

/// The running modules of this process.
pub(super) struct RunningNode {
    pub(super) report: Arc<NodeReport>,
    pub(super) link: Option<RunningServer>,
    /// Wakes the task that reloads the site's files.
    reload: Arc<Notify>,
    store: Arc<Store>,
    tasks: Vec<AbortOnDropHandle<()>>,
    _attended: Attended,
    _feeds: Feeds,
}

impl RunningNode {
    /// Opens the modules of the configured mode. Must be called within a tokio runtime.
    pub(super) async fn open(
        app: &mut App,
        config: &Config,
        watching: Watching,
    ) -> Result<RunningNode, Problems> {
        let attended = computation::attend();
        let feeds = Feeds::start()?;
        let (mut link, mut tasks, mut backend) = (None, Vec::new(), None);
        let (mut serving, mut watched) = (None, None);
        let mut code = match watching {
            Watching::Files { compiler } => {
                let folder = config.dispatch.path.parent().unwrap_or(Path::new(""));
                Some(Code::of(folder, compiler))
            }
            Watching::Nothing => None,
        };
        let watches = code.is_some();
        let store = Store::open(&config.docroot.sync.join(&config.name));
        let store = store.map_err(|error| Problem::new(error.to_string()))?;
        // Must precede `open_backend`, which takes the states.
        let development = config.environment == Environment::Development;
        let advice = Arc::new(Advice::new(app.states.tables(), development));
        let connectors = match config.mode {
            Mode::Frontend => config.link.backends.iter().map(Connector::tcp).collect(),
            Mode::Backend => {
                // Controllers are called as soon as front ends reach the link.
                let texts = TextsLoader::of(config);
                watched = code.take().map(|code| Watched::begin_texts(&texts, code));
                app.texts.set(Arc::new(texts.load_whole()?));
                serving = Some(Serving::Texts(texts, AtomicU64::new(1)));
                let binding = feeds.handle().spawn(bind("link", config.link.listen));
                let listener = binding.await.expect("binding a listener does not panic")?;
                let address = address(&listener)?;
                let is_alone = app.is_alone;
                let opened = open_backend(app, config, &store, is_alone).await?;
                link = Some(serve_link(&feeds, Incoming::tcp(listener), address, &opened, config)?);
                backend = Some(opened);
                Vec::new()
            }
            Mode::SingleNode | Mode::SingleNodeWithCache => {
                let (connector, incoming) = link::in_memory();
                let opened = open_backend(app, config, &store, true).await?;
                link = Some(serve_link(&feeds, incoming, config.link.listen, &opened, config)?);
                backend = Some(opened);
                vec![connector]
            }
        };
        let mut frontend = None;
        if config.mode != Mode::Backend {
            let docroot = Arc::new(Docroot::new(Arc::clone(&store)));
            let loader = Arc::new(EditionLoader::of(app, config).behind(docroot.clone()));
            // Inspected before reading, so that a later change is detected.
            watched = code.take().map(|code| Watched::begin(&loader, code));
            let referenced = watched.as_ref().map(Watched::referenced);
            let edition = loader.load(referenced)?;
            app.texts.set(Arc::clone(edition.templates.catalogues()));
            let options = link_options(config, connectors, &feeds);
            let opened = open_frontend(app, edition, &loader, config, docroot, options, advice)?;
            tasks.push(spawn(sweep(Arc::clone(opened.cache()))));
            tasks.push(spawn(Arc::clone(&opened).fetch_files()));
            if config.mode == Mode::Frontend {
                // In a single node, the back end owns the store.
                tasks.push(spawn(Arc::clone(&opened).sweep_files()));
            }
            serving = Some(Serving::Pages(loader, Arc::clone(&opened)));
            frontend = Some(opened);
        }
        let serving = serving.expect("every node serves pages or texts");
        let reloader = Reloader::new(serving, Arc::clone(&app.texts), watched);
        let reload = Arc::new(Notify::new());
        tasks.push(spawn(reload_when_asked(Arc::clone(&reloader), Arc::clone(&reload))));
        if watches {
            tasks.push(spawn(watch(Arc::clone(&reloader))));
        }
        if let Some(backend) = &backend {
            tasks.push(spawn(Arc::clone(backend).look_after()));
            tasks.push(spawn(Arc::clone(backend).make_checkpoints()));
        }
        let (name, mode) = (config.name.clone(), config.mode);
        let report = Arc::new(NodeReport {
            name,
            mode,
            frontend,
            backend,
            reloader,
            stopping: AtomicBool::new(false),
        });
        Ok(RunningNode { report, link, reload, store, tasks, _attended: attended, _feeds: feeds })
    }

    /// Requests a reload of the files. Requests during a reload are combined into one.
    pub(super) fn reload(&self) {
        self.reload.notify_one();
    }

    /// Leaves the membership first, so that no writer waits for this node; then closes the link, the log and the
    /// store of files.
    pub(super) async fn close(self) {
        if let Some(frontend) = &self.report.frontend {
            frontend.leave().await;
        }
        if let Some(link) = self.link {
            link.stop().await;
        }
        if let Some(backend) = &self.report.backend {
            backend.shut_down().await;
        }
        drop(self.tasks);
        self.store.close();
    }
}

/// Spawns a task that ends with the node's modules.
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}

async fn reload_when_asked(reloader: Arc<Reloader>, asked: Arc<Notify>) {
    loop {
        asked.notified().await;
        // The reloader logs its problems.
        let _ = reloader.reload().await;
    }
}

async fn sweep(cache: Arc<Cache>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let cache = Arc::clone(&cache);
        let sweep = tokio::task::spawn_blocking(move || cache.sweep_if_due(clock::now()));
        if let Err(error) = sweep.await {
            tracing::error!(%error, "the sweep of the cache failed");
        }
    }
}

/// Opens the back end, and writes a new site's first data.
pub(super) async fn open_backend(
    app: &mut App,
    config: &Config,
    store: &Arc<Store>,
    alone: bool,
) -> Result<Arc<Backend>, Problems> {
    let states = Arc::new(std::mem::take(&mut app.states));
    let parts = backend::BackendParts {
        name: config.name.clone(),
        lease: config.link.lease,
        expected: config.link.expect_frontends.clone(),
        states: Arc::clone(&states),
        resources: Arc::new(std::mem::take(&mut app.built)),
        sign_in: app.session.as_ref().map(|session| Arc::clone(&session.sign_in)),
        controllers: app.controllers_with(config),
        body_limit: config.limits.body,
        fields: config.limits.fields,
        recorded_groups: config.limits.recorded_groups,
        collected_bodies: config.limits.collected_bodies,
        calls: config.limits.connections,
        docroot: config.docroot.path.clone(),
        store: Arc::clone(store),
        sync_deadline: config.docroot.sync_deadline,
        claims: config.docroot.sync.clone(),
        on_difference: config.log.state_hash,
        checkpoints: CheckpointOptions {
            bytes: config.checkpoint.bytes,
            interval: config.checkpoint.interval,
            records: config.checkpoint.records,
        },
        keys: KeyOptions {
            kept: config.idempotency.keep,
            cookies: config.idempotency.cookies.clone(),
        },
        clock: app.clock.clone(),
        alone,
        is_followed: config.mode == Mode::Backend,
    };
    let opened = Backend::open(&config.log.path, parts).await;
    let (backend, is_new) = opened?;
    if is_new {
        let failed = |error| problem("write the site's first data", &error);
        let (mut drafts, mut trial) = (Vec::new(), Trial::by(app.clock.clone()));
        for seed in std::mem::take(&mut app.seeds) {
            drafts.extend((seed.drafts)(&states, &mut trial).map_err(failed)?);
        }
        backend.seed(drafts).await.map_err(failed)?;
    }
    Ok(backend)
}

fn open_frontend(
    app: &App,
    edition: Edition,
    loader: &EditionLoader,
    config: &Config,
    docroot: Arc<Docroot>,
    options: LinkOptions,
    advice: Arc<Advice>,
) -> Result<Arc<FrontEnd>, Problems> {
    let cache = Arc::new(Cache::new(CacheLimits {
        bytes: config.cache.bytes,
        persistent_bytes: config.cache.persistent_bytes,
        groups: config.cache.max_groups,
        patterns: config.cache.max_patterns,
    }));
    let keys = sealing_keys(config, app.session.is_some(), edition.templates.shows_messages())?;
    let is_secure = config.environment != Environment::Development;
    let cookies = keys.clone().zip(app.session.as_ref());
    let cookies =
        cookies.map(|(keys, session)| (SessionCookies::new(keys, is_secure), session.is_of));
    let flashes = Flashes::new(keys.map(|keys| FlashCookies::new(keys, is_secure)));
    let sessions = Sessions::new(cookies, config.session.lifetime, Arc::clone(&cache));
    let sessions = Arc::new(sessions);
    let follower = CacheFollower::new(
        Arc::clone(&cache),
        Arc::clone(&docroot),
        Arc::clone(&sessions),
        Arc::clone(&advice),
    );
    Ok(FrontEnd::new(frontend::FrontEndParts {
        settings: settings(config, flashes),
        edition,
        files: loader.files().clone(),
        docroot,
        cache,
        link: Link::start(options, Arc::new(follower)),
        sessions,
        advice,
        variant: app.variant.clone(),
        services: app.services.iter().cloned().collect(),
    }))
}

/// Returns the settings of a front end with these messages.
fn settings(config: &Config, flashes: Flashes) -> Settings {
    Settings {
        development: config.environment == Environment::Development,
        caching: config.mode != Mode::SingleNode,
        lifetime: config.cache.lifetime,
        status_lifetime: config.cache.status_lifetime,
        encodings: codings(config),
        group_headers: config.http.group_headers.clone(),
        largest_entry: config.cache.max_entry,
        flights: config.limits.connections,
        deadline: config.link.deadline,
        part_timeout: config.http.part_timeout,
        body_limit: config.limits.body,
        body_pace: Pace { pause: config.limits.body_timeout, rate: config.limits.body_rate },
        collected_bodies: config.limits.collected_bodies,
        languages: Languages::new(&config.languages),
        language_cookie: config.language_cookie.clone(),
        audit_sample: config.audit_sample(),
        proxies: TrustedProxies {
            networks: config.http.trusted_proxies.clone(),
            headers: config.http.proxy_headers,
        },
        trusted_origins: config.http.trusted_origins.clone(),
        page_headers: PageHeaders::new(
            &config.csp,
            &config.http.referrer_policy,
            &config.http.opener_policy,
        ),
        flashes,
    }
}

/// Returns the options with which a front end reaches these back ends.
fn link_options(config: &Config, backends: Vec<Connector>, feeds: &Feeds) -> LinkOptions {
    let incarnation = rand::random();
    let mut options = LinkOptions::new(&config.name, incarnation, backends);
    let path = claim::path(&config.docroot.sync, &config.name);
    match Claim::take(&path, incarnation) {
        Ok(claim) => options.claim = Some(Arc::new(claim)),
        Err(error) => tracing::debug!(
            path = %path.display(), %error,
            "no claim: if this process is killed, a writer may wait for its lease"
        ),
    }
    options.secret = config.link.secret.as_ref().map(|secret| secret.expose().to_owned());
    options.lease = config.link.lease;
    options.feed = Some(feeds.handle().clone());
    options
}

/// Returns the keys that seal the cookies of a front end, if the site has a secret. In development no secret is
/// needed, and cookies are sent over HTTP.
///
/// # Errors
/// Fails when a secret is needed and missing, or cannot be read.
pub(super) fn sealing_keys(
    config: &Config,
    has_sessions: bool,
    shows_messages: bool,
) -> Result<Option<Keys>, Problem> {
    let secrets = config.secret_keys()?;
    if !secrets.is_empty() {
        return Ok(Some(Keys::of(
            secrets.iter().map(|secret| secret.expose()).collect::<Vec<_>>(),
        )));
    }
    if config.environment == Environment::Development {
        let of_the_site = format!("for development only: {}", config.dispatch.path.display());
        return Ok(Some(Keys::of([of_the_site.as_str()])));
    }
    let what = match (has_sessions, shows_messages) {
        (true, _) => "the site has sessions",
        (false, true) => "templates of the site show messages, `{{ flash() }}`",
        (false, false) => return Ok(None),
    };
    Err(Problem::new(format!(
        "{what}, so its front ends need a secret to seal them with: set HEADWATER_SECRET_KEY, or HEADWATER_SECRET_KEY_FILE, \
         to what the command `secret` prints, the same on all front ends"
    )))
}

/// Returns the codings in which text is sent.
pub(super) fn codings(config: &Config) -> Vec<Coding> {
    let coding = |encoding: &Encoding| match encoding {
        #[cfg(feature = "zstd")]
        Encoding::Zstd => Coding::Zstd,
        #[cfg(feature = "brotli")]
        Encoding::Br => Coding::Brotli,
        Encoding::Gzip => Coding::Gzip,
    };
    config.cache.encodings.iter().map(coding).collect()
}

fn serve_link(
    feeds: &Feeds,
    incoming: Incoming,
    address: SocketAddr,
    backend: &Arc<Backend>,
    config: &Config,
) -> Result<RunningServer, Problems> {
    let options = link::ServerOptions {
        secret: config.link.secret.as_ref().map(|secret| secret.expose().to_owned()),
        lease: config.link.lease,
        drain: config.limits.drain,
        calls: Some(Handle::current()),
        ..link::ServerOptions::default()
    };
    let stop = CancellationToken::new();
    let host = Arc::new(BackendHost(Arc::clone(backend)));
    let serving = link::serve(incoming, host, options, stop.clone().cancelled_owned());
    let serving = serving.map_err(|error| Problem::new(error.to_string()))?;
    Ok(RunningServer::start(feeds.handle(), address, stop, serving))
}
