//! What `dev` puts around a front end: a script in each page that swaps changed templates and styles into it and
//! shows the compiler's errors, what the script listens to, and how long each response took.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::unfold;
use http::header::{self, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio_util::sync::CancellationToken;

use super::layers::Wrap;
use crate::body::{Body, BodyError, text};
use crate::frontend::{self, FrontEnd};
use crate::raw::RawService;
use crate::shown::shown;

const SCRIPT: &str = include_str!("live.js");

const SCRIPT_PATH: &str = "/.headwater/live.js";

const EVENTS_PATH: &str = "/.headwater/live";

/// It stands at the end of each page. A script of its own address is let be by every policy that lets the site's be.
const TAG: &str = "\n<script src=\"/.headwater/live.js\" defer></script>\n";

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_millis(150);

/// After how many looks without a change the connection is tried.
const QUIET: usize = 100;

struct Live {
    frontend: Arc<FrontEnd>,
    /// The file with what the compiler says.
    problems: PathBuf,
    /// Open pages listen for as long as the program runs, and are not to be waited for when it ends.
    stopping: CancellationToken,
}

/// Puts it around `frontend`, until the node is `stopping`.
pub(super) fn layer(
    frontend: Arc<FrontEnd>,
    problems: PathBuf,
    stopping: CancellationToken,
) -> Wrap {
    let live = Arc::new(Live { frontend, problems, stopping });
    Arc::new(move |inner| {
        let live = Arc::clone(&live);
        RawService::from_fn(move |request| answer(Arc::clone(&live), inner.clone(), request))
    })
}

async fn answer(live: Arc<Live>, inner: RawService, mut request: Request<Body>) -> Response<Body> {
    match request.uri().path() {
        SCRIPT_PATH => of_type("text/javascript; charset=utf-8", SCRIPT.into()),
        EVENTS_PATH => of_type("text/event-stream", events(live)),
        _ => {
            let start = Instant::now();
            let asked = format!("{} {}", request.method(), request.uri());
            frontend::ask_for_all(&mut request);
            let response = inner.answer(request).await;
            let mut response = frontend::with_end(response, Bytes::from_static(TAG.as_bytes()));
            let took = start.elapsed().as_secs_f64() * 1000.0;
            let cache = cache_status(&response);
            tracing::info!(
                "{} {} in {took:.1} ms, {cache}",
                shown(&asked),
                response.status().as_u16()
            );
            timed(&mut response, took, &cache);
            response
        }
    }
}

fn of_type(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = text(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What the cache did, in its own words.
fn cache_status(response: &Response<Body>) -> String {
    let cache = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
    cache
        .and_then(|cache| cache.split_once("; "))
        .map_or_else(String::new, |(_, did)| did.to_owned())
}

/// Says in `Server-Timing` how long the response took, in milliseconds, and what the cache did.
fn timed(response: &mut Response<Body>, took: f64, cache: &str) {
    let mut timing = format!("total;dur={took:.1}");
    if !cache.is_empty() {
        timing += &format!(", cache;desc=\"{}\"", cache.replace(['"', '\\'], ""));
    }
    if let Ok(timing) = HeaderValue::try_from(timing) {
        response.headers_mut().insert(HeaderName::from_static("server-timing"), timing);
    }
}

/// What the site is made of, again and again when that has changed.
fn events(live: Arc<Live>) -> Body {
    let changes = unfold((live, None), |(live, last): (Arc<Live>, Option<String>)| async move {
        for _ in 0..QUIET {
            let now = live.state();
            if last.as_ref() != Some(&now) {
                let event = Frame::data(Bytes::from(format!("data: {now}\n\n")));
                return Some((Ok::<_, BodyError>(event), (live, Some(now))));
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = live.stopping.cancelled() => return None,
            }
        }
        Some((Ok(Frame::data(Bytes::from_static(b":\n\n"))), (live, last)))
    });
    Body::stream(StreamBody::new(changes))
}

impl Live {
    fn state(&self) -> String {
        let problems = std::fs::read(&self.problems).unwrap_or_default();
        let state = serde_json::json!({
            "program": std::process::id(),
            "edition": self.frontend.edition(),
            "problems": String::from_utf8_lossy(&problems),
        });
        state.to_string()
    }
}
