use std::sync::Arc;

use http::header::{ALLOW, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use subtle::ConstantTimeEq;

use super::connection::Peer;
use super::{Server, call, files, member, multiplex};
use crate::body::{Body, text};
use crate::link::frame::{self, FrameError};
use crate::link::{Host, VERSION};

/// The longest greeting, in bytes.
const GREETING_LIMIT: usize = 64 * 1024;

/// Checks a request, and answers it or refuses it.
pub(super) async fn answer<H: Host>(
    server: Arc<Server<H>>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    if !has_secret(server.options.secret.as_deref(), request.headers()) {
        if !peer.refused.is_cancelled() {
            tracing::warn!("a connection to the link was refused: it did not send the secret");
        }
        peer.refused.cancel();
        return refusal(StatusCode::UNAUTHORIZED, "the secret is wrong or missing");
    }
    let path = request.uri().path().strip_prefix("/headwater/");
    let Some((version, action)) = path.and_then(|path| path.split_once('/')) else {
        peer.refused.cancel();
        return refusal(StatusCode::NOT_FOUND, "this is the link of a Headwater back end");
    };
    if version.parse() != Ok(VERSION) {
        peer.refused.cancel();
        let spoken = format!("this back end speaks version {VERSION} of the link");
        return refusal(StatusCode::BAD_REQUEST, spoken);
    }
    peer.trusted.cancel();
    if request.method() != Method::POST {
        let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "the link accepts POST only");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return answer;
    }
    match action {
        "hello" => match frame::encode(&server.host.greeting(), GREETING_LIMIT) {
            Ok(greeting) => Response::new(Body::from(greeting)),
            Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        },
        "call" => call::answer(server, request.into_body()).await,
        "calls" => multiplex::answer(server, &peer, request.into_body()),
        "held" => multiplex::fetch(server, request.into_body()).await,
        "lookup" => files::lookup(&*server.host, request.into_body()).await,
        "content" => files::content(&*server.host, request.into_body()).await,
        "feed" => member::answer(server, request.into_body()),
        _ => refusal(
            StatusCode::NOT_FOUND,
            "the link accepts hello, call, calls, held, feed, lookup and content",
        ),
    }
}

/// Returns whether the headers contain the secret, if one is required. The comparison takes
/// constant time for a given length.
fn has_secret(secret: Option<&str>, headers: &HeaderMap) -> bool {
    let Some(secret) = secret else { return true };
    let sent = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    sent.and_then(|sent| sent.strip_prefix(b"Bearer "))
        .is_some_and(|sent| sent.ct_eq(secret.as_bytes()).into())
}

/// Returns a refusal, with a message for the log of the peer.
pub(super) fn refusal(status: StatusCode, message: impl Into<String>) -> Response<Body> {
    text(status, message.into())
}

/// Returns the answer to a head that cannot be read.
pub(super) fn unreadable(error: &FrameError) -> Response<Body> {
    let status = match error {
        FrameError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        FrameError::Malformed(_) | FrameError::Torn | FrameError::Broken(_) => {
            StatusCode::BAD_REQUEST
        }
    };
    refusal(status, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(authorization))])
    }

    #[test]
    fn only_the_secret_itself_opens_the_gate() {
        assert!(has_secret(None, &HeaderMap::new()));
        assert!(has_secret(Some("river"), &headers("Bearer river")));
        for wrong in ["Bearer rivers", "Bearer rive", "Bearer ", "river", "Basic river"] {
            assert!(!has_secret(Some("river"), &headers(wrong)), "{wrong}");
        }
        assert!(!has_secret(Some("river"), &HeaderMap::new()));
    }
}
