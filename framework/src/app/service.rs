use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::App;
use super::rooms::{Rooms, Watching};
use crate::body::Body;
use crate::config::{Config, Mode};
use crate::frontend::FrontEnd;
use crate::problem::{Problem, Problems};

/// How long a site in this process may take until its front end holds a lease.
const PATIENCE: Duration = Duration::from_secs(10);

/// A whole site as a service in this process: for tests without sockets, for layers around it, or
/// for an outer router that gives it a part of its paths.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("hello")]
/// async fn hello() -> Reply {
///     text("Hello!")
/// }
///
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// let folder = tempfile::tempdir()?;
/// let routes = "[[route]]\npath = \"/hello\"\ncontroller = \"hello\"\n";
/// std::fs::write(folder.path().join("dispatch.conf"), routes)?;
/// let site = App::new().controllers(controllers![hello]).into_service(folder.path()).await?;
/// let request = http::Request::get("/hello").body(headwater::body::Body::empty())?;
/// let response = site.answer(request).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// site.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SiteService {
    frontend: Arc<FrontEnd>,
    rooms: Arc<Rooms>,
}

impl App {
    /// Opens the site in `folder`, where its project.toml is or might be, as a single node that
    /// listens to nothing. Its mode is `single-node` if project.toml says so, otherwise
    /// `single-node-with-cache`. Its files are loaded anew only by
    /// [`reload`](SiteService::reload), in development too. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// What is wrong with the site's files or code.
    pub async fn into_service(
        self,
        folder: impl AsRef<std::path::Path>,
    ) -> Result<SiteService, Problems> {
        self.own_problems().or(())?;
        let mut config = Config::of_folder(folder.as_ref())?;
        if config.mode != Mode::SingleNode {
            config.mode = Mode::SingleNodeWithCache;
        }
        let rooms = Rooms::open(self, &config, Watching::Nothing).await?;
        let frontend = rooms.report.frontend.clone();
        let frontend = frontend.ok_or_else(|| Problem::new("a single node has a front end"))?;
        let ready = tokio::time::timeout(PATIENCE, frontend.when_ready()).await;
        ready.map_err(|_| {
            let why = frontend.ready().err().unwrap_or_default();
            Problem::new(format!("the site was not ready within {PATIENCE:?}: {why}"))
        })?;
        Ok(SiteService { frontend, rooms: Arc::new(rooms) })
    }
}

impl SiteService {
    /// Answers a request, as if it came from this machine.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        self.frontend.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// Loads the site's templates and routes anew: all or none. Requests that come afterwards are
    /// answered from them; the number says how often they were loaded.
    ///
    /// # Errors
    /// Everything that is wrong with them. What was loaded before is served on.
    pub async fn reload(&self) -> Result<u64, Problems> {
        let reloader = self.rooms.report.reloader.as_ref();
        reloader.ok_or_else(|| Problem::new("a single node has a front end"))?.reload().await
    }

    /// Closes the site's log, when this is the last of the service's clones.
    pub async fn stop(self) {
        if let Some(rooms) = Arc::into_inner(self.rooms) {
            rooms.close().await;
        }
    }
}

impl<B> Service<Request<B>> for SiteService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let site = self.clone();
        let request = request
            .map(|body| if body.is_end_stream() { Body::empty() } else { Body::stream(body) });
        Box::pin(async move { Ok(site.answer(request).await) })
    }
}
