//! The layer that `dev` adds to a front end. It adds a script to each page, which applies changed templates and
//! styles and shows the compiler's errors. It also serves the script and its events, and reports the duration of each
//! response.

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

/// Added to the end of each page. A policy that allows the site's own scripts allows this one, because it has an
/// address of its own.
const TAG: &str = "\n<script src=\"/.headwater/live.js\" defer></script>\n";

/// The interval between checks for changes.
const LOOK: Duration = Duration::from_millis(150);

/// The number of checks without a change after which a comment is sent, to detect a closed connection.
const QUIET: usize = 100;

struct Live {
    frontend: Arc<FrontEnd>,
    /// The file with the compiler's errors.
    problems: PathBuf,
    /// Open pages listen for as long as the program runs, so shutdown must not wait for them.
    stopping: CancellationToken,
}

/// Returns the layer for `frontend`, which works until the node is `stopping`.
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
            frontend::ask_for_whole_page(&mut request);
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

/// Returns the action of the cache, as in `Cache-Status`.
fn cache_status(response: &Response<Body>) -> String {
    let cache = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
    cache
        .and_then(|cache| cache.split_once("; "))
        .map_or_else(String::new, |(_, did)| did.to_owned())
}

/// Adds `Server-Timing` with the duration of the response in milliseconds and the action of the cache.
fn timed(response: &mut Response<Body>, took: f64, cache: &str) {
    let mut timing = format!("total;dur={took:.1}");
    if !cache.is_empty() {
        timing += &format!(", cache;desc=\"{}\"", cache.replace(['"', '\\'], ""));
    }
    if let Ok(timing) = HeaderValue::try_from(timing) {
        response.headers_mut().insert(HeaderName::from_static("server-timing"), timing);
    }
}

/// Returns a stream of events with the program, the edition and the problems, one after each change.
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
            "edition": self.frontend.edition_number(),
            "problems": String::from_utf8_lossy(&problems),
        });
        state.to_string()
    }
}
