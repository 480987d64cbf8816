//! The link with small real hosts and followers, over TCP and in memory.

mod again;
mod calls;
mod feeds;
mod files;
mod host;
mod limits;
mod multiplex;
mod raw;
mod reader;
mod relay;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::LinkStatus;
use super::*;
use crate::body::Body;
use crate::log::Position;
use crate::request::RequestScope;

use host::TestHost;
use reader::Reader;

/// Far more time than anything here takes.
const GENEROUS: Duration = Duration::from_secs(30);

/// Returns the result of the future, which must be ready soon.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(GENEROUS, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// Waits until the watched value satisfies the predicate.
async fn until<T: Clone>(what: &str, watched: &watch::Sender<T>, is: impl FnMut(&T) -> bool) -> T {
    soon(what, watched.subscribe().wait_for(is)).await.unwrap().clone()
}

/// A running back end.
struct Backend {
    host: Arc<TestHost>,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Backend {
    fn serve(host: Arc<TestHost>, incoming: Incoming, options: ServerOptions) -> Backend {
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(serve(incoming, host.clone(), options, stopped).unwrap());
        Backend { host, stop, serving }
    }

    async fn on_tcp(host: Arc<TestHost>) -> (Backend, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Backend::serve(host, Incoming::tcp(listener), ServerOptions::default()), address)
    }

    async fn stopped(self) {
        self.stop.cancel();
        soon("the back end stops", self.serving).await.unwrap();
    }
}

fn options(backends: Vec<Connector>) -> LinkOptions {
    LinkOptions::new("f1", 7, backends)
}

fn tcp(address: SocketAddr) -> Connector {
    Connector::tcp(address.to_string())
}

/// A back end and a front end that is connected to it over TCP.
async fn pair() -> (Backend, Link) {
    let (backend, address) = Backend::on_tcp(TestHost::new("b1")).await;
    let link = Link::start(options(vec![tcp(address)]), Reader::new());
    soon("the front end connects", link.connected()).await;
    (backend, link)
}

/// Waits until the link's status satisfies the predicate.
async fn status(what: &str, link: &Link, mut is: impl FnMut(&LinkStatus) -> bool) -> LinkStatus {
    let mut changes = link.changes();
    let waiting = async {
        loop {
            let status = link.status();
            if is(&status) {
                return status;
            }
            changes.changed().await.unwrap();
        }
    };
    soon(what, waiting).await
}

async fn all_connected(link: &Link) {
    status("all connect", link, |it| it.backends.iter().all(|it| it.connected)).await;
}

fn call(controller: &str) -> Call {
    Call {
        controller: controller.to_owned(),
        method: "POST".to_owned(),
        uri: "/stories?page=2".to_owned(),
        params: vec![("slug".to_owned(), "rain".to_owned())],
        headers: vec![("accept".to_owned(), b"text/html".to_vec())],
        scope: RequestScope::Full,
        log: None,
        applied: Position::START,
        request_id: "r1".to_owned(),
        remote: None,
        session: None,
        variant: None,
        lang: None,
        is_encrypted: None,
        body_limit: None,
        deadline: GENEROUS.as_millis() as u64,
        own_url: None,
        has_fragments: false,
        id: None,
        is_again: false,
        rate: None,
    }
}

async fn text(body: Body) -> String {
    let bytes = soon("the body comes", body.collect(1 << 30)).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Has the back end echo a word.
async fn echo(link: &Link, word: &'static str) -> String {
    let (_, body) = soon("the echo", link.call(call("echo"), Body::from(word))).await.unwrap();
    text(body).await
}

/// A body of this many bytes whose length is not announced; counts the bytes that are read from it.
fn flood(total: usize, taken: Arc<watch::Sender<usize>>) -> Body {
    const PIECE: usize = 64 * 1024;
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let stream = futures_util::stream::unfold(total, move |left| {
        let piece = piece.slice(..PIECE.min(left));
        taken.send_modify(|taken| *taken += piece.len());
        std::future::ready((left > 0).then(|| {
            let rest = left - piece.len();
            (Ok::<_, std::io::Error>(http_body::Frame::data(piece)), rest)
        }))
    });
    Body::stream(http_body_util::StreamBody::new(stream))
}
