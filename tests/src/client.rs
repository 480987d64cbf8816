use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::until::PATIENCE;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

/// A visitor of one node, over HTTP/1.1. It follows no redirects and keeps no cookies.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    timeout: Duration,
    /// Idle connections; `None` when each request opens its own.
    kept: Option<Mutex<Vec<SendRequest<AnyBody>>>>,
}

/// An answer with its complete body.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub enum Failed {
    /// It did not arrive in time.
    Timeout,
    /// The connection could not be made, or broke.
    Connection(BoxError),
}

impl Client {
    /// Creates a visitor that opens a new connection for each request and waits up to [`PATIENCE`]
    /// for an answer.
    pub fn new(address: SocketAddr) -> Client {
        Client { address, timeout: PATIENCE, kept: None }
    }

    /// Sets the longest time to wait for a complete answer.
    pub fn timeout(self, timeout: Duration) -> Client {
        Client { timeout, ..self }
    }

    /// Keeps connections open for later requests.
    pub fn keep_alive(self) -> Client {
        Client { kept: Some(Mutex::default()), ..self }
    }

    /// Returns the address of the node.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests a page.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, target: &str) -> Result<Response, Failed> {
        self.send(request(Method::GET, target, Bytes::new())).await
    }

    /// Posts a body without a type.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(&self, target: &str, body: impl Into<Bytes>) -> Result<Response, Failed> {
        self.send(request(Method::POST, target, body.into())).await
    }

    /// Posts the fields of a form, already encoded.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post_form(&self, target: &str, form: &str) -> Result<Response, Failed> {
        let mut request = request(Method::POST, target, Bytes::from(form.to_owned()));
        let form = http::HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(http::header::CONTENT_TYPE, form);
        self.send(request).await
    }

    /// Sends a request and reads the complete answer, both within the timeout. Adds a missing
    /// `host`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response, Failed>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let exchange = async {
            let (response, connection) = self.head(request).await?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(Failed::connection)?.to_bytes();
            self.keep(connection);
            Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| Failed::Timeout)?
    }

    /// Sends a request and waits for the head of the answer within the timeout. The caller reads
    /// the body.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn open<B>(&self, request: Request<B>) -> Result<http::Response<Incoming>, Failed>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let head = tokio::time::timeout(self.timeout, self.head(request)).await;
        Ok(head.map_err(|_| Failed::Timeout)??.0)
    }

    async fn head<B>(
        &self,
        request: Request<B>,
    ) -> Result<(http::Response<Incoming>, SendRequest<AnyBody>), Failed>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        if !request.headers().contains_key(http::header::HOST) {
            let host = http::HeaderValue::try_from(self.address.to_string());
            let host = host.expect("an address is a header's value");
            request.headers_mut().insert(http::header::HOST, host);
        }
        let mut connection = self.connection().await?;
        let response = connection.send_request(request).await.map_err(Failed::connection)?;
        Ok((response, connection))
    }

    async fn connection(&self) -> Result<SendRequest<AnyBody>, Failed> {
        while let Some(mut kept) = self.kept.as_ref().and_then(|kept| lock(kept).pop()) {
            if kept.ready().await.is_ok() {
                return Ok(kept);
            }
        }
        let stream = TcpStream::connect(self.address).await.map_err(Failed::connection)?;
        stream.set_nodelay(true).map_err(Failed::connection)?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(Failed::connection)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn keep(&self, connection: SendRequest<AnyBody>) {
        if let Some(kept) = &self.kept
            && !connection.is_closed()
        {
            lock(kept).push(connection);
        }
    }
}

/// Builds a request with a complete body.
fn request(method: Method, target: &str, body: Bytes) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(target).body(Full::new(body));
    request.expect("the target of a test's request is sound")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Response {
    /// Returns the body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// Returns the value of a header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the answer's `Cache-Status`.
    pub fn cache_status(&self) -> &str {
        self.header("cache-status")
    }

    /// Returns whether the answer was served from the cache.
    pub fn is_hit(&self) -> bool {
        self.cache_status().split(';').any(|part| part.trim() == "hit")
    }
}

impl Failed {
    fn connection(error: impl Into<BoxError>) -> Failed {
        Failed::Connection(error.into())
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::Timeout => f.write_str("no answer in time"),
            Failed::Connection(error) => write!(f, "the connection failed: {error}"),
        }
    }
}

impl std::error::Error for Failed {}
