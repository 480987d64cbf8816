use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde::Deserialize;

use super::{Guard, Metrics, Node};
use crate::body::{Body, text};
use crate::checkpoint::ReplacedRecords;
use crate::log::{Invalidation, Position};
use crate::problem::Problem;

/// The maximum size of a request body, in bytes.
const LIMIT: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invalidate {
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
    #[serde(default)]
    soft: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    #[serde(default)]
    records: ReplacedRecords,
}

/// Answers a request to the admin port.
pub(crate) async fn answer(
    node: &dyn Node,
    metrics: &Metrics,
    guard: &Guard,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    if let Some(refusal) = guard.refusal(&parts) {
        return refusal;
    }
    let reads = matches!(parts.method, Method::GET | Method::HEAD);
    match parts.uri.path() {
        "/health" if reads => text(StatusCode::OK, "ok\n"),
        "/ready" if reads => match node.ready() {
            Ok(()) => text(StatusCode::OK, "ready\n"),
            Err(reason) => {
                let may_know = guard.is_operator(&parts);
                let said = if may_know { reason + "\n" } else { "not ready\n".to_owned() };
                text(StatusCode::SERVICE_UNAVAILABLE, said)
            }
        },
        "/metrics" if reads => {
            node.publish();
            let Some(figures) = metrics.render() else {
                let message = "this program was built without headwater's feature `prometheus`";
                return problem(StatusCode::NOT_FOUND, message);
            };
            let mut response = text(StatusCode::OK, figures);
            let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, format);
            response
        }
        "/status" if reads => json(StatusCode::OK, &node.status()),
        "/invalidate" if parts.method == Method::POST => {
            invalidate(node, &parts.headers, body).await
        }
        "/log" if reads => log(node, parts.uri.query().unwrap_or_default()).await,
        "/checkpoint" if parts.method == Method::POST => {
            checkpoint(node, &parts.headers, body).await
        }
        "/reload" | "/audit" if parts.method == Method::POST && !is_json(&parts.headers) => {
            let message = "send the request as `content-type: application/json`; it needs no body";
            problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
        }
        "/reload" if parts.method == Method::POST => reload(node).await,
        "/audit" if parts.method == Method::POST => audit(node).await,
        "/health" | "/ready" | "/metrics" | "/status" | "/log" => not_allowed("GET, HEAD"),
        "/invalidate" | "/checkpoint" | "/reload" | "/audit" => not_allowed("POST"),
        _ => problem(
            StatusCode::NOT_FOUND,
            "the admin port has /health, /ready, /metrics, /status, /reload, on back ends /invalidate, \
             /checkpoint and /log, and on front ends /audit",
        ),
    }
}

/// Returns whether the request declares a JSON body. A page in a browser can send this type to
/// another site only after a CORS preflight.
fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json")
}

async fn reload(node: &dyn Node) -> Response<Body> {
    match node.reload().await {
        Ok(number) => json(StatusCode::OK, &serde_json::json!({ "edition": number })),
        Err(problems) => {
            let problems: Vec<String> = problems.sorted().iter().map(Problem::to_string).collect();
            let said = serde_json::json!({
                "error": "the files have problems; the previous edition stays in use",
                "problems": problems,
            });
            json(StatusCode::CONFLICT, &said)
        }
    }
}

async fn audit(node: &dyn Node) -> Response<Body> {
    match node.audit() {
        Some(auditing) => json(StatusCode::OK, &auditing.await),
        None => {
            let message = "this node is a back end and has no cache: ask the front ends";
            problem(StatusCode::NOT_FOUND, message)
        }
    }
}

async fn checkpoint(node: &dyn Node, headers: &HeaderMap, body: Body) -> Response<Body> {
    if !is_json(headers) {
        let message = "send the request as `content-type: application/json`";
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let body = match body.collect(LIMIT).await {
        Ok(body) => body,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let body: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let Checkpoint { records } = match serde_json::from_slice(body) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            let message =
                format!("expected {{\"records\": \"keep\"}}, or `archive` or `drop`: {error}");
            return problem(StatusCode::BAD_REQUEST, &message);
        }
    };
    let Some(making) = node.checkpoint(records) else { return no_backend() };
    match making.await {
        Ok(made) => json(StatusCode::OK, &made),
        Err(message) => problem(StatusCode::INTERNAL_SERVER_ERROR, &message),
    }
}

async fn log(node: &dyn Node, query: &str) -> Response<Body> {
    let (mut after, mut follow) = (None, false);
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match (&*key, value.parse(), value.parse()) {
            ("after", Ok(position), _) => after = Some(Position(position)),
            ("follow", _, Ok(yes)) => follow = yes,
            _ => {
                let message =
                    "expected `after`, which is a position, and `follow`, which is true or false";
                return problem(StatusCode::BAD_REQUEST, message);
            }
        }
    }
    let Some(reading) = node.log(after, follow) else { return no_backend() };
    match reading.await {
        Ok(lines) => {
            let mut response = text(StatusCode::OK, lines);
            let media_type = HeaderValue::from_static("application/x-ndjson");
            response.headers_mut().insert(header::CONTENT_TYPE, media_type);
            response
        }
        Err(message) => problem(StatusCode::INTERNAL_SERVER_ERROR, &message),
    }
}

fn no_backend() -> Response<Body> {
    problem(StatusCode::NOT_FOUND, "this node is a front end: ask the admin port of a back end")
}

async fn invalidate(node: &dyn Node, headers: &HeaderMap, body: Body) -> Response<Body> {
    if !is_json(headers) {
        let message = "send the invalidation as `content-type: application/json`";
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let body = match body.collect(LIMIT).await {
        Ok(body) => body,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Invalidate { groups, patterns, soft } = match serde_json::from_slice(&body) {
        Ok(invalidate) => invalidate,
        Err(error) => {
            let message = format!(
                "expected {{\"groups\": […], \"patterns\": […], \"soft\": false}}: {error}"
            );
            return problem(StatusCode::BAD_REQUEST, &message);
        }
    };
    if groups.iter().any(String::is_empty) {
        return problem(StatusCode::BAD_REQUEST, "a group's name is not empty");
    }
    let invalidation = Invalidation { groups, patterns, ..Invalidation::new() };
    let invalidation = if soft { invalidation.soft() } else { invalidation };
    if invalidation.is_empty() {
        return problem(StatusCode::BAD_REQUEST, "name a group or a pattern to invalidate");
    }
    if let Err((pattern, reason)) = invalidation.check() {
        let message = format!("the pattern `{pattern}` is refused: {reason}");
        return problem(StatusCode::BAD_REQUEST, &message);
    }
    let Some(invalidating) = node.invalidate(invalidation) else {
        return no_backend();
    };
    match invalidating.await {
        Ok(receipt) => json(StatusCode::OK, &receipt),
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(json) => {
            let mut response = text(status, json);
            let media_type = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, media_type);
            response
        }
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

pub(super) fn problem(status: StatusCode, message: &str) -> Response<Body> {
    json(status, &serde_json::json!({ "error": message }))
}

fn not_allowed(allow: &'static str) -> Response<Body> {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, &format!("use {allow}"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}
