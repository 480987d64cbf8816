//! A running node: a front end, a back end, or both in one process.
//!
//! A single node is a cluster of one: its front end reaches its back end over the same link as
//! everywhere, through memory instead of TCP.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body as _, Incoming as IncomingBody};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::report::NodeReport;
use super::{App, parts};
use crate::admin::{self, Metrics, Node};
use crate::backend::{self, Backend, BackendHost};
use crate::body::Body;
use crate::cache::{Cache, Limits};
use crate::cli::{Announcement, Entrance, StopSignals};
use crate::clock;
use crate::config::{self, Config, Environment, Mode};
use crate::frontend::{CacheFollower, FrontEnd, Rooms, Settings};
use crate::http::{Files, Handler, Peer, Server};
use crate::link::{self, Connector, Incoming, Link, LinkOptions};
use crate::problem::{Problem, Problems};

/// How often the cache is swept.
const SWEEP: Duration = Duration::from_secs(1);

/// Runs the node until it is told to stop, and drains it.
pub(super) async fn serve(app: App, config: Config) -> Result<(), Problems> {
    let mut signals =
        StopSignals::listen().map_err(|error| problem("listen to signals", &error))?;
    let metrics = Metrics::install();
    let node = Running::start(app, &config).await?;
    let admin = http_server("admin", config.admin.listen, crate::http::Limits::default()).await?;
    let announcement = node.announcement(&config, server_address(&admin)?);
    let admin_stop = CancellationToken::new();
    let operators = Operators { node: node.report.clone(), metrics };
    let admin = tokio::spawn(admin.run(Arc::new(operators), admin_stop.clone()));
    announcement.print();
    signals.next().await;
    tracing::info!("stopping");
    node.stop(&config).await;
    admin_stop.cancel();
    let _ = admin.await;
    Ok(())
}

/// What is running in this process.
struct Running {
    report: Arc<NodeReport>,
    http: Option<Served>,
    link: Option<Served>,
    tasks: Vec<tokio::task::AbortHandle>,
}

/// A server that runs until it is told to stop.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    done: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn start(mut app: App, config: &Config) -> Result<Running, Problems> {
        let mode = config.mode;
        let mut node = Running {
            report: Arc::new(NodeReport {
                name: config.name.clone(),
                mode,
                frontend: None,
                backend: None,
            }),
            http: None,
            link: None,
            tasks: Vec::new(),
        };
        let mut report =
            NodeReport { name: config.name.clone(), mode, frontend: None, backend: None };
        let connectors = match mode {
            Mode::Frontend => config.link.backends.iter().map(Connector::tcp).collect(),
            Mode::Backend => {
                let listener = bind("link", config.link.listen).await?;
                let address = address(&listener)?;
                let backend = open_backend(&mut app, config, false).await?;
                node.link = Some(serve_link(Incoming::tcp(listener), address, &backend, config)?);
                node.look_after(&backend);
                report.backend = Some(backend);
                Vec::new()
            }
            Mode::SingleNode | Mode::SingleNodeWithCache => {
                let (connector, incoming) = link::in_memory();
                let backend = open_backend(&mut app, config, true).await?;
                let address = config.link.listen;
                node.link = Some(serve_link(incoming, address, &backend, config)?);
                node.look_after(&backend);
                report.backend = Some(backend);
                vec![connector]
            }
        };
        if mode != Mode::Backend {
            let frontend = open_frontend(&app, config, connectors)?;
            node.sweep(&frontend);
            node.http = Some(serve_http(&frontend, config).await?);
            report.frontend = Some(frontend);
        }
        node.report = Arc::new(report);
        Ok(node)
    }

    fn announcement(&self, config: &Config, admin: SocketAddr) -> Announcement {
        let entrance = match (&self.http, &self.link) {
            (Some(http), None) => Entrance::Frontend(http.address),
            (Some(http), Some(_)) => Entrance::SingleNode(http.address),
            (None, Some(link)) => Entrance::Backend(link.address),
            (None, None) => unreachable!("every mode has an entrance"),
        };
        Announcement::new(config.name.clone(), entrance, admin)
    }

    /// Visitors first, so that their last requests still find everything; then the membership, so
    /// that no writer waits for this node; then the link and the log.
    async fn stop(self, config: &Config) {
        if let Some(http) = self.http {
            http.stop().await;
        }
        if let Some(frontend) = &self.report.frontend {
            frontend.leave().await;
        }
        if let Some(link) = self.link {
            link.stop().await;
        }
        for task in self.tasks {
            task.abort();
        }
        if let Some(backend) = &self.report.backend {
            backend.shut_down().await;
        }
        tracing::info!(node = config.name, "stopped");
    }

    fn look_after(&mut self, backend: &Arc<Backend>) {
        self.tasks.push(tokio::spawn(Arc::clone(backend).look_after()).abort_handle());
    }

    fn sweep(&mut self, frontend: &Arc<FrontEnd>) {
        let cache = Arc::clone(frontend.cache());
        let sweeping = tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                let cache = Arc::clone(&cache);
                let sweep = tokio::task::spawn_blocking(move || cache.sweep(clock::now()));
                if let Err(error) = sweep.await {
                    tracing::error!(%error, "the sweep of the cache failed");
                }
            }
        });
        self.tasks.push(sweeping.abort_handle());
    }
}

impl Served {
    fn start<F>(address: SocketAddr, stop: CancellationToken, serving: F) -> Served
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Served { address, stop, done: tokio::spawn(serving) }
    }

    async fn stop(self) {
        self.stop.cancel();
        let _ = self.done.await;
    }
}

async fn open_backend(
    app: &mut App,
    config: &Config,
    alone: bool,
) -> Result<Arc<Backend>, Problems> {
    let states = Arc::new(std::mem::take(&mut app.states));
    let parts = backend::Parts {
        name: config.name.clone(),
        lease: config.link.lease,
        expected: config.link.expect_frontends.clone(),
        states: Arc::clone(&states),
        controllers: app.controllers.clone(),
        body_limit: config.limits.body,
        alone,
    };
    let opened = Backend::open(&config.log.path, parts).await;
    let (backend, is_new) = opened.map_err(|error| Problem::new(error.to_string()))?;
    if is_new {
        for seed in std::mem::take(&mut app.seeds) {
            let journal = Arc::new(backend::Unawaited(Arc::clone(&backend)));
            let seeded = seed(Arc::clone(&states), journal).await;
            seeded.map_err(|error| problem("write the site's first data", &error))?;
        }
    }
    Ok(backend)
}

fn open_frontend(
    app: &App,
    config: &Config,
    backends: Vec<Connector>,
) -> Result<Arc<FrontEnd>, Problems> {
    let parts::FrontParts { table, templates } = parts::load(config, &app.customise)?;
    let cache = Arc::new(Cache::new(Limits {
        bytes: config.cache.bytes,
        persistent_bytes: config.cache.persistent_bytes,
        groups: config.cache.max_groups,
        patterns: config.cache.max_patterns,
    }));
    let follower = Arc::new(CacheFollower::new(Arc::clone(&cache)));
    let mut options = LinkOptions::new(&config.name, rand::random(), backends);
    options.secret = config.link.secret.as_ref().map(|secret| secret.expose().to_owned());
    options.lease = config.link.lease;
    Ok(FrontEnd::new(Rooms {
        settings: Settings {
            development: config.environment == Environment::Development,
            caching: config.mode != Mode::SingleNode,
            lifetime: config.cache.lifetime,
            largest_entry: config.cache.max_entry,
            deadline: config.link.deadline,
            body_limit: config.limits.body,
            body_timeout: config.limits.body_timeout,
        },
        table,
        templates,
        files: Files::below(&config.docroot.path).ok(),
        cache,
        link: Link::start(options, follower),
        variant: app.variant.clone(),
    }))
}

fn serve_link(
    incoming: Incoming,
    address: SocketAddr,
    backend: &Arc<Backend>,
    config: &Config,
) -> Result<Served, Problems> {
    let options = link::ServerOptions {
        secret: config.link.secret.as_ref().map(|secret| secret.expose().to_owned()),
        lease: config.link.lease,
        drain: config.limits.drain,
        ..link::ServerOptions::default()
    };
    let stop = CancellationToken::new();
    let host = Arc::new(BackendHost(Arc::clone(backend)));
    let serving = link::serve(incoming, host, options, stop.clone().cancelled_owned());
    let serving = serving.map_err(|error| Problem::new(error.to_string()))?;
    Ok(Served::start(address, stop, serving))
}

async fn serve_http(frontend: &Arc<FrontEnd>, config: &Config) -> Result<Served, Problems> {
    let server = http_server("http", config.http.listen, limits(&config.limits)).await?;
    let address = server_address(&server)?;
    let stop = CancellationToken::new();
    let serving = server.run(Arc::new(Visitors(Arc::clone(frontend))), stop.clone());
    Ok(Served::start(address, stop, async {
        let drained = serving.await;
        if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "cut connections that took too long to end");
        }
    }))
}

/// Hands the requests of visitors to the front end.
struct Visitors(Arc<FrontEnd>);

impl Handler for Visitors {
    async fn handle(&self, request: Request<IncomingBody>, peer: Peer) -> Response<Body> {
        self.0.answer(request.map(body), peer.addr.ip()).await
    }
}

/// Hands the requests of operators to the admin room.
struct Operators {
    node: Arc<dyn Node>,
    metrics: Metrics,
}

impl Handler for Operators {
    async fn handle(&self, request: Request<IncomingBody>, _: Peer) -> Response<Body> {
        admin::answer(&*self.node, &self.metrics, request.map(body)).await
    }
}

fn body(incoming: IncomingBody) -> Body {
    if incoming.is_end_stream() { Body::empty() } else { Body::stream(incoming) }
}

fn limits(limits: &config::Limits) -> crate::http::Limits {
    crate::http::Limits {
        header_bytes: usize::try_from(limits.header_bytes).unwrap_or(usize::MAX),
        headers: limits.headers,
        header_timeout: limits.header_timeout,
        idle_timeout: limits.idle_timeout,
        write_timeout: limits.write_timeout,
        connections: limits.connections,
        drain: limits.drain,
    }
}

async fn http_server(
    what: &str,
    address: SocketAddr,
    limits: crate::http::Limits,
) -> Result<Server, Problems> {
    Server::bind(address, limits).await.map_err(|error| cannot_listen(what, address, &error))
}

fn server_address(server: &Server) -> Result<SocketAddr, Problems> {
    server.local_addr().map_err(|error| problem("read the address of a listener", &error))
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, Problems> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(what, address, &error))
}

fn cannot_listen(what: &str, address: SocketAddr, error: &std::io::Error) -> Problems {
    Problem::new(format!("cannot listen on {address} (`listen` in `[{what}]`): {error}")).into()
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Problems> {
    listener.local_addr().map_err(|error| problem("read the address of a listener", &error))
}

fn problem(what: &str, error: &dyn std::fmt::Display) -> Problems {
    Problem::new(format!("cannot {what}: {error}")).into()
}
