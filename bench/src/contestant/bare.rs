//! A server with nothing but hyper: each request gets the same answer, made in advance.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::process::{Signal, set_parent_process_death_signal};
use tokio::net::TcpListener;

use super::process::Process;
use super::{Contestant, PAGE};
use crate::Result;
use crate::http1::{Answer, Connection, Head};

/// The running server.
#[derive(Debug)]
pub(crate) struct Bare {
    process: Process,
    address: SocketAddr,
    _answer: tempfile::NamedTempFile,
}

impl Bare {
    /// Starts a server that answers as `model` does: with the same headers and the same bytes.
    pub(crate) fn start(model: SocketAddr) -> Result<Bare> {
        let answer = Connection::open(model)?.get(PAGE)?;
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(&answer.bytes)?;
        let (process, line) = Process::start(|again| again.arg("bare").arg(file.path()))?;
        Ok(Bare { process, address: line.parse()?, _answer: file })
    }

    pub(crate) fn contestant(&self) -> Contestant {
        Contestant { name: "bare hyper", address: self.address, pid: self.process.pid() }
    }
}

/// Runs the server in this process: answers all requests with what is in the file `answer`.
pub(crate) fn serve(answer: Option<OsString>) -> Result {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let answer = Arc::new(read(Path::new(&answer.ok_or("name the file with the answer")?))?);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let service = service_fn(|_| std::future::ready(respond(&answer)));
                // A client that breaks off is not this server's concern.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

fn respond((headers, body): &(HeaderMap, Bytes)) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::new(body.clone()));
    *response.headers_mut() = headers.clone();
    Ok(response)
}

/// The headers, without those that hyper adds by itself, and the body.
fn read(file: &Path) -> Result<(HeaderMap, Bytes)> {
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
    Ok((headers, Bytes::copy_from_slice(answer.body())))
}
