//! axum + Tera + moka, as an experienced user would write it in an afternoon: pages are rendered
//! once, cached with their tag and in gzip, and filled by one request at a time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use moka::sync::Cache;
use tera::{Context, Tera};
use tokio::net::TcpListener;

use super::process::{self, Process};
use super::{Contestant, Kind, Runs};
use crate::Result;
use crate::content::{self, LONGEST, ROWS, STATIC};

/// The running server.
#[derive(Debug)]
pub(crate) struct Axum {
    process: Process,
    address: SocketAddr,
}

impl Axum {
    pub(crate) fn start() -> Result<Axum> {
        let (process, line) = Process::start(|again| again.arg("axum"))?;
        Ok(Axum { process, address: line.parse()? })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

impl Runs for Axum {
    fn contestant(&self) -> Contestant {
        Contestant {
            kind: Kind::Axum,
            http1: self.address,
            http2: Some(self.address),
            processes: vec![self.pid()],
            kept_in: None,
            is_hit: |_| true,
        }
    }
}

/// Runs the server in this process.
pub(crate) fn serve() -> Result {
    process::end_with_parent()?;
    let site = Arc::new(Site::new()?);
    let routes = Router::new()
        .route("/page/{bytes}", get(page))
        .route("/mix/{set}/{bytes}/{number}", get(mix))
        .route("/rows", get(rows))
        .route("/static", get(questions))
        .with_state(site);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        process::announce(listener.local_addr()?)?;
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Without this option answers would be delayed but correct.
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, routes).await?)
    })
}

struct Site {
    pages: Cache<String, Arc<Page>>,
    templates: Tera,
}

/// A cached page.
struct Page {
    plain: Bytes,
    plain_tag: HeaderValue,
    zipped: Bytes,
    zipped_tag: HeaderValue,
}

impl Site {
    fn new() -> Result<Site> {
        let pages = Cache::builder()
            .max_capacity(4 << 30)
            .weigher(|url: &String, page: &Arc<Page>| {
                u32::try_from(url.len() + page.plain.len() + page.zipped.len()).unwrap_or(u32::MAX)
            })
            .time_to_live(Duration::from_secs(600))
            .build();
        let mut templates = Tera::new();
        templates.add_raw_templates([("rows.html", ROWS), ("static.html", STATIC)])?;
        Ok(Site { pages, templates })
    }

    /// Returns the page at this URL, from the cache or newly made and cached.
    fn cached(&self, uri: &Uri, headers: &HeaderMap, make: impl FnOnce() -> String) -> Response {
        let page = match self.pages.get(uri.path()) {
            Some(page) => Ok(page),
            None => {
                self.pages.try_get_with(uri.path().to_owned(), || Page::new(make()).map(Arc::new))
            }
        };
        match page {
            Ok(page) => page.respond(headers),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    fn render(&self, template: &str, values: &Context) -> Response {
        match self.templates.render(template, values) {
            Ok(page) => Html(page).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Page {
    fn new(text: String) -> Result<Page> {
        let zipped = content::gzip(text.as_bytes())?;
        Ok(Page {
            plain_tag: content::tag(text.as_bytes()).parse()?,
            zipped_tag: content::tag(&zipped).parse()?,
            plain: text.into(),
            zipped: zipped.into(),
        })
    }

    fn respond(&self, request: &HeaderMap) -> Response {
        let codings = request.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let zipped = codings.is_some_and(|codings| codings.contains("gzip"));
        let (body, tag) = match zipped {
            true => (&self.zipped, &self.zipped_tag),
            false => (&self.plain, &self.plain_tag),
        };
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(ETAG, tag.clone());
        if request.get(IF_NONE_MATCH) == Some(tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        if zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        (headers, body.clone()).into_response()
    }
}

async fn page(
    State(site): State<Arc<Site>>,
    Path(bytes): Path<usize>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    site.cached(&uri, &headers, || content::text(bytes.min(LONGEST), 0))
}

async fn mix(
    State(site): State<Arc<Site>>,
    Path((_, bytes, number)): Path<(String, usize, u64)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    site.cached(&uri, &headers, || content::text(bytes.min(LONGEST), number))
}

async fn rows(State(site): State<Arc<Site>>) -> Response {
    let mut values = Context::new();
    values.insert("title", "Stories");
    values.insert("stories", content::stories());
    site.render("rows.html", &values)
}

async fn questions(State(site): State<Arc<Site>>) -> Response {
    site.render("static.html", &Context::new())
}
