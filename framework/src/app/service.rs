use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

use super::App;
use super::layers::Layered;
use super::running_node::{RunningNode, Watching};
use crate::body::{Body, BoxError};
use crate::config::{Config, DEFAULT_FILE, Mode, environment};
use crate::frontend::Audit;
use crate::http::host::{self, HostError};
use crate::problem::{Problem, Problems};
use crate::server::{Refusal, finish};

/// The time limit for a site in this process to become ready.
const PATIENCE: Duration = Duration::from_secs(10);

/// A whole site, or a front end of its cluster, as a service in this process: for tests without sockets, for a server
/// of your own, or below an outer router.
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
/// let request = http::Request::get("/hello").body(Body::empty())?;
/// let response = site.answer(request).await;
/// assert_eq!(response.status(), StatusCode::OK);
/// site.stop().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SiteService {
    pub(super) site: Layered,
    pub(super) node: Arc<RunningNode>,
}

impl App {
    /// Opens the site in `folder`, the folder of its project.toml, if it has one, as a single node without listeners.
    /// Its mode is `single-node` if project.toml sets it, otherwise `single-node-with-cache`. Its files are reloaded
    /// only by [`reload`](SiteService::reload), in development too. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Returns the problems in the site's files or code.
    pub async fn into_service(
        self,
        folder: impl AsRef<std::path::Path>,
    ) -> Result<SiteService, Problems> {
        let mut config = Config::of_folder(folder.as_ref())?;
        if config.mode != Mode::SingleNode {
            config.mode = Mode::SingleNodeWithCache;
        }
        let site = self.open(&config).await?;
        site.wait_until_ready().await?;
        Ok(site)
    }

    /// Opens the site in `folder`, the folder of its project.toml, as a front end of its cluster without listeners:
    /// for a server of your own. `HEADWATER_…` variables apply as for `serve`, except that the mode is always
    /// `frontend`. Its files are reloaded only by [`reload`](SiteService::reload). Must be called within a tokio
    /// runtime.
    ///
    /// It does not wait for a back end: until one answers, [`ready`](SiteService::ready) returns an error, and
    /// requests are answered as by any front end without a back end. The caller adds the extension
    /// [`From`](super::From) to each request. [`stop`](SiteService::stop) makes the front end leave the cluster, so
    /// that no writer waits for it.
    ///
    /// # Errors
    /// Returns the problems in the site's files or code, or a missing project.toml.
    pub async fn into_frontend(
        self,
        folder: impl AsRef<std::path::Path>,
    ) -> Result<SiteService, Problems> {
        let mode = ("HEADWATER_MODE".to_owned(), Mode::Frontend.as_str().to_owned());
        let file = folder.as_ref().join(DEFAULT_FILE);
        let config = Config::load(Some(&file), environment().chain([mode]))?;
        self.open(&config).await
    }

    pub(super) async fn open(mut self, config: &Config) -> Result<SiteService, Problems> {
        self.own_problems().or(())?;
        self.build_resources(config).await?;
        let layers = std::mem::take(&mut self.layers);
        let node = RunningNode::open(&mut self, config, Watching::Nothing).await?;
        let frontend = node.report.frontend.clone();
        let frontend = frontend.ok_or_else(|| Problem::new("a back end is not a service"))?;
        Ok(SiteService { site: Layered::new(frontend, &layers), node: Arc::new(node) })
    }
}

impl SiteService {
    /// Answers a request. Without the extension [`From`](super::From) it counts as local. It need not have a host.
    pub async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let mut response = match host::settle(&mut parts) {
            Ok(()) | Err(HostError::Missing) => {
                self.site.answer(Request::from_parts(parts, body)).await
            }
            Err(error) => Refusal::Host(error).response(),
        };
        finish(response.headers_mut());
        response
    }

    /// Waits until the front end is ready.
    pub(super) async fn wait_until_ready(&self) -> Result<(), Problem> {
        let ready = tokio::time::timeout(PATIENCE, self.site.frontend().when_ready()).await;
        ready.map_err(|_| {
            let why = self.ready().err().unwrap_or_default();
            Problem::new(format!("the site was not ready within {PATIENCE:?}: {why}"))
        })
    }

    /// Returns whether the front end is ready, like `/ready` of a node's admin port.
    ///
    /// # Errors
    /// Returns the reason why it is not ready, for an operator.
    pub fn ready(&self) -> Result<(), String> {
        self.site.frontend().ready()
    }

    /// Reloads the site's templates and routes: all or none. Later requests are answered from the new ones; the
    /// returned number is the edition.
    ///
    /// # Errors
    /// Returns all problems in the files. The previous edition stays in use.
    pub async fn reload(&self) -> Result<u64, Problems> {
        self.node.report.reloader.reload().await
    }

    /// Compares every page in the cache with one that is made now for the same request, and returns the pages that
    /// differ although nothing has invalidated them. In a test, after any steps:
    ///
    /// ```
    /// # use headwater::prelude::*;
    /// # #[controller("hello")]
    /// # async fn hello() -> Reply {
    /// #     text("Hello!")
    /// # }
    /// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir()?;
    /// # let routes = "[[route]]\npath = \"/hello\"\ncontroller = \"hello\"\n";
    /// # std::fs::write(folder.path().join("dispatch.conf"), routes)?;
    /// # let site = App::new().controllers(controllers![hello]).into_service(folder.path()).await?;
    /// site.answer(http::Request::get("/hello").body(Body::empty())?).await;
    /// let audit = site.audit().await;
    /// assert_eq!(audit.checked, 1);
    /// assert!(audit.findings.is_empty(), "{audit}");
    /// # site.stop().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// Routes with `audit = false` are skipped, and so are pages whose author allows them to be old for a time. A
    /// site in the mode `single-node` has no cache, so nothing is compared.
    pub async fn audit(&self) -> Audit {
        self.site.frontend().audit(None).await
    }

    /// Leaves the cluster, or closes the site's log, if this is the last clone of the service.
    pub async fn stop(self) {
        if let Some(node) = Arc::into_inner(self.node) {
            node.close().await;
        }
    }
}

impl<B> Service<Request<B>> for SiteService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let site = self.clone();
        let request = request.map(Body::arriving);
        Box::pin(async move { Ok(site.answer(request).await) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::Either;
    use std::net::{IpAddr, Ipv4Addr};

    use http::{Method, header};

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    const DISPATCH: &str = r#"
[[route]]
path = "/plain"
template = "plain.html"
cache = "persistent"
[[route]]
path = "/parts"
template = "parts.html"
cache = "persistent"
[[route]]
path = "/part"
template = "part.html"
cache = "persistent"
vary = ["x-shade"]
[[route]]
path = "/holds-uncached"
template = "holds-uncached.html"
cache = "persistent"
[[route]]
path = "/uncached"
template = "part.html"
cache = "no_cache"
[[route]]
path = "/moved"
redirect = "/plain"
[[route]]
path = "/assets/{*file}"
files = "."
"#;

    const TEMPLATES: [(&str, &str); 4] = [
        ("plain.html", "{% for i in range(end=500) %}a line of text, {% endfor %}"),
        ("part.html", "<b>the part</b>"),
        ("parts.html", r#"<p>{{ part(url="/part") }}, {{ part(url="/plain") }}</p>"#),
        ("holds-uncached.html", r#"<p>{{ part(url="/uncached") }}</p>"#),
    ];

    async fn site() -> (tempfile::TempDir, SiteService) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("dispatch.conf"), DISPATCH).unwrap();
        std::fs::create_dir(folder.path().join("docroot")).unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        for (name, text) in TEMPLATES {
            std::fs::write(folder.path().join("templates").join(name), text).unwrap();
        }
        let variant = |visitor: &crate::frontend::Visitor<'_>| match visitor.header("x-own") {
            Some(_) => crate::frontend::Variant::no(),
            None => crate::frontend::Variant::yes(),
        };
        let site = App::new().variant(variant).into_service(folder.path()).await.unwrap();
        (folder, site)
    }

    fn request(method: &Method, path: &str, headers: &[(&'static str, &str)]) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    fn is_at_once(site: &SiteService, request: Request<Body>) -> bool {
        matches!(site.site.frontend().answer(request, PEER, None), Either::Left(_))
    }

    #[tokio::test]
    async fn a_hit_is_answered_at_once_in_every_form() {
        let (_folder, site) = site().await;
        let plain = site.answer(request(&Method::GET, "/plain", &[])).await;
        let tag = plain.headers()[header::ETAG].to_str().unwrap().to_owned();
        for shade in ["", "dark"] {
            site.answer(request(&Method::GET, "/parts", &[("x-shade", shade)])).await;
        }
        let conditions: [&[(&str, &str)]; 7] = [
            &[],
            &[("accept-encoding", "gzip, br;q=0.5")],
            &[("if-none-match", &tag)],
            &[("if-match", "\"other\"")],
            &[("range", "bytes=2-9")],
            &[("range", "bytes=999999-")],
            &[("if-modified-since", "Fri, 31 Dec 2100 23:59:59 GMT")],
        ];
        let hits = site.site.frontend().counts().hits;
        let mut asked = 0;
        for path in ["/plain", "/%70lain", "/part", "/parts"] {
            for shade in ["", "dark"] {
                for method in [Method::GET, Method::HEAD] {
                    for condition in conditions {
                        let headers = [condition, &[("x-shade", shade)]].concat();
                        let request = request(&method, path, &headers);
                        assert!(is_at_once(&site, request), "{method} {path} {headers:?}");
                        // A page with two parts counts as three hits.
                        asked += if path == "/parts" { 3 } else { 1 };
                    }
                }
            }
        }
        assert_eq!(site.site.frontend().counts().hits, hits + asked);
        site.stop().await;
    }

    #[tokio::test]
    async fn a_miss_is_not_answered_at_once() {
        let (_folder, site) = site().await;
        site.answer(request(&Method::GET, "/plain", &[])).await;
        site.answer(request(&Method::GET, "/holds-uncached", &[])).await;
        let misses = site.site.frontend().counts().misses;
        for (method, path, headers) in [
            (Method::GET, "/part", &[][..]),
            (Method::GET, "/parts", &[]),
            (Method::GET, "/holds-uncached", &[]),
            (Method::GET, "/uncached", &[]),
            (Method::GET, "/assets/a.css", &[]),
            (Method::GET, "/plain", &[("x-own", "1")]),
        ] {
            let request = request(&method, path, headers);
            assert!(!is_at_once(&site, request), "{method} {path}");
        }
        // Misses `/part` and `/parts`; their parts are requested once the page is made.
        assert_eq!(site.site.frontend().counts().misses, misses + 2);
        site.site.frontend().leave().await;
        assert!(!is_at_once(&site, request(&Method::GET, "/plain", &[])), "without a lease");
        site.stop().await;
    }
}
