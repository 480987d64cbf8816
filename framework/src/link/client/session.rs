use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode, Uri};
use http_body::Body as HttpBody;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio_util::task::AbortOnDropHandle;

use super::LinkOptions;
use crate::body::BoxError;
use crate::link::connector::Purpose;
use crate::link::keep_alive::{KeepAlive, PING_TIMEOUT, ping_interval};
use crate::link::multiplex::PIECE;
use crate::link::{CONNECTION_WINDOW, Connector, HEADER_LIMIT, STREAM_WINDOW, STREAMS, path};
use crate::problem::with_causes;

/// How long a connection may take to be established, and then the first answer.
pub(super) const GREETING_TIMEOUT: Duration = Duration::from_secs(1);
/// The number of bytes of an error's explanation that are read.
const EXPLANATION_LIMIT: usize = 4096;

/// Why a connection to a back end cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionProblem {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("does not answer")]
    Silent,
    #[error("broke the connection: {0}")]
    Broken(String),
    #[error(
        "does not accept this front end's secret; `secret` in `[link]` of project.toml must be \
         the same on both sides"
    )]
    Secret,
    #[error("does not speak version {ours} of the link: {theirs}")]
    Version { ours: u32, theirs: String },
    #[error("answered with status {status}: {message}")]
    Status { status: StatusCode, message: String },
    #[error("refused this front end: {0}")]
    Refused(String),
    #[error("broke the rules of the feed: {0}")]
    Feed(String),
    #[error("closed the feed because it stops")]
    Goodbye,
    #[error("was silent for longer than a lease")]
    Lost,
    #[error("could not be followed: this front end panicked while it applied the feed")]
    Panicked,
}

impl From<hyper::Error> for SessionProblem {
    fn from(error: hyper::Error) -> SessionProblem {
        SessionProblem::Broken(with_causes(&error))
    }
}

/// Opens a connection. Returns its sender of requests, and the task that drives it.
pub(super) async fn connect<B>(
    connector: &Connector,
    purpose: Purpose,
    options: &LinkOptions,
) -> Result<(SendRequest<B>, AbortOnDropHandle<()>), SessionProblem>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let connecting = async {
        let stream = connector.connect(purpose).await.map_err(SessionProblem::Connect)?;
        let stream = KeepAlive::new(stream, options.lease);
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(PIECE as u32)
            .max_send_buf_size(STREAM_WINDOW as usize)
            .max_header_list_size(HEADER_LIMIT)
            .keep_alive_interval(ping_interval(options.lease))
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            // Front ends reset streams with data in flight when visitors leave. That is no abuse,
            // and these counters run for as long as the connection lives.
            .max_concurrent_reset_streams(STREAMS as usize)
            .max_local_error_reset_streams(None)
            .handshake(TokioIo::new(stream))
            .await?;
        Ok((sender, connection))
    };
    let (sender, connection) = tokio::time::timeout(GREETING_TIMEOUT, connecting)
        .await
        .unwrap_or(Err(SessionProblem::Silent))?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a connection of the link ended: {}", with_causes(&error));
        }
    });
    Ok((sender, AbortOnDropHandle::new(task)))
}

/// Returns the URI of an action of the link.
pub(super) fn uri(options: &LinkOptions, action: &str) -> Uri {
    // HTTP/2 requires an authority; the server ignores it.
    let uri = format!("http://headwater{}", path(options.version, action));
    uri.parse().expect("a number and a word make a path")
}

/// Builds a request of the link.
pub(super) fn request<B>(options: &LinkOptions, uri: Uri, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    if let Some(secret) = &options.secret
        && let Ok(mut value) = http::HeaderValue::try_from(format!("Bearer {secret}"))
    {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    request
}

/// Returns the body of a positive answer, or the problem.
pub(super) async fn accepted(
    options: &LinkOptions,
    response: Response<Incoming>,
) -> Result<Incoming, SessionProblem> {
    let status = response.status();
    if status == StatusCode::OK {
        return Ok(response.into_body());
    }
    let message = explanation(response).await;
    Err(match status {
        StatusCode::UNAUTHORIZED => SessionProblem::Secret,
        StatusCode::BAD_REQUEST => {
            SessionProblem::Version { ours: options.version, theirs: message }
        }
        status => SessionProblem::Status { status, message },
    })
}

/// Returns the explanation in a back end's refusal.
pub(super) async fn explanation(response: Response<Incoming>) -> String {
    let body = Limited::new(response.into_body(), EXPLANATION_LIMIT).collect();
    match tokio::time::timeout(GREETING_TIMEOUT, body).await {
        Ok(Ok(body)) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Ok(Err(_)) | Err(_) => "no explanation".to_owned(),
    }
}
