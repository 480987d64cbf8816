//! A server of hyper alone: each request receives the same answer, made in advance.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use super::process::{self, Process};
use super::{Contestant, Kind, Runs};
use crate::Result;
use crate::http1::{Answer, Head};

/// The running server.
#[derive(Debug)]
pub(crate) struct Bare {
    process: Process,
    http1: SocketAddr,
    http2: SocketAddr,
    _answer: tempfile::NamedTempFile,
}

impl Bare {
    /// Starts a server whose answers have the same headers and bytes as `model`.
    pub(crate) fn start(model: &Answer) -> Result<Bare> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(&model.bytes)?;
        let (process, line) = Process::start(|again| again.arg("bare").arg(file.path()))?;
        let (http1, http2) = line.split_once(' ').ok_or("bare hyper has one address")?;
        Ok(Bare { process, http1: http1.parse()?, http2: http2.parse()?, _answer: file })
    }
}

impl Runs for Bare {
    fn contestant(&self) -> Contestant {
        Contestant {
            kind: Kind::Bare,
            http1: self.http1,
            http2: Some(self.http2),
            processes: vec![self.process.pid()],
            kept_in: None,
            is_hit: |_| true,
        }
    }
}

/// The answer to every request.
type Prepared = (StatusCode, HeaderMap, Bytes);

/// Runs the server in this process: answers all requests with the content of the file `answer`.
pub(crate) fn serve(answer: Option<OsString>) -> Result {
    process::end_with_parent()?;
    let answer = Arc::new(read(Path::new(&answer.ok_or("name the file with the answer")?))?);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let http1 = TcpListener::bind("127.0.0.1:0").await?;
        let http2 = TcpListener::bind("127.0.0.1:0").await?;
        process::announce(format_args!("{} {}", http1.local_addr()?, http2.local_addr()?))?;
        loop {
            tokio::select! {
                accepted = http1.accept() => {
                    let stream = accepted?.0;
                    stream.set_nodelay(true)?;
                    tokio::spawn(serve_http1(stream, Arc::clone(&answer)));
                }
                accepted = http2.accept() => {
                    let stream = accepted?.0;
                    stream.set_nodelay(true)?;
                    tokio::spawn(serve_http2(stream, Arc::clone(&answer)));
                }
            }
        }
    })
}

async fn serve_http1(stream: TcpStream, answer: Arc<Prepared>) {
    let service = service_fn(|_| std::future::ready(respond(&answer)));
    // Errors of clients that disconnect do not matter.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn serve_http2(stream: TcpStream, answer: Arc<Prepared>) {
    let service = service_fn(|_| std::future::ready(respond(&answer)));
    let server = http2::Builder::new(TokioExecutor::new());
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

fn respond((status, headers, body): &Prepared) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(body.clone()));
    *response.status_mut() = *status;
    *response.headers_mut() = headers.clone();
    Ok(response)
}

/// Reads the status, the headers without those that hyper adds by itself, and the body.
fn read(file: &Path) -> Result<Prepared> {
    let bytes = std::fs::read(file)?;
    let head = Head::parse(&bytes)?.ok_or("the file holds no answer")?;
    let answer = Answer { head, bytes };
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers() {
        let name: HeaderName = name.parse()?;
        if name != DATE && name != CONTENT_LENGTH && name != CONNECTION {
            headers.append(name, HeaderValue::from_str(value)?);
        }
    }
    let status = StatusCode::from_u16(head.status)?;
    Ok((status, headers, Bytes::copy_from_slice(answer.body())))
}
