//! The origin server of nginx and Varnish: a small server of the same pages, without a cache. Its
//! cost is not counted, because a hit never reaches it.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    VARY,
};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::process::{self, Process};
use crate::Result;
use crate::content::{self, LONGEST};

/// The running server.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    _process: Process,
}

impl Origin {
    pub(super) fn start() -> Result<Origin> {
        let (process, line) = Process::start(|again| again.arg("origin"))?;
        Ok(Origin { address: line.parse()?, _process: process })
    }
}

/// Runs the server in this process.
pub(crate) fn serve() -> Result {
    process::end_with_parent()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        process::announce(listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let service = service_fn(|request| std::future::ready(respond(&request)));
                // Errors of clients that disconnect do not matter.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}

fn respond(request: &Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let zipped = request.headers().get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let zipped = zipped.is_some_and(|codings| codings.contains("gzip"));
    Ok(answer(request.uri().path(), zipped).unwrap_or_else(|| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        response
    }))
}

fn answer(path: &str, zipped: bool) -> Option<Response<Full<Bytes>>> {
    let Page { text, groups, composed } = page(path)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert("xkey", groups.parse().ok()?);
    let mut body = text.into_bytes();
    // A page that is composed of several is compressed, if at all, by the composing server.
    if !composed {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if zipped {
            body = content::gzip(&body).ok()?;
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        headers.insert(ETAG, content::tag(&body).parse().ok()?);
    }
    let mut response = Response::new(Full::from(body));
    *response.headers_mut() = headers;
    Some(response)
}

struct Page {
    text: String,
    /// The page's groups in the format of xkey.
    groups: String,
    composed: bool,
}

fn page(path: &str) -> Option<Page> {
    let plain = |text, groups| Some(Page { text, groups, composed: false });
    let composed = |text| Some(Page { text, groups: "page".to_owned(), composed: true });
    match path.split('/').skip(1).collect::<Vec<_>>()[..] {
        ["page", bytes] => plain(
            content::text(bytes.parse().ok().filter(|bytes| *bytes <= LONGEST)?, 0),
            "page".to_owned(),
        ),
        ["mix", set, bytes, number] => {
            let bytes = bytes.parse().ok().filter(|bytes| *bytes <= LONGEST)?;
            plain(content::text(bytes, number.parse().ok()?), format!("mix:{set}"))
        }
        ["parts", number] => composed(content::part(number.parse().ok()?)),
        ["page-with-esi"] => composed(content::page_with_parts(|number| {
            format!("<esi:include src=\"/parts/{number}\"/>")
        })),
        ["page-with-ssi"] => composed(content::page_with_parts(|number| {
            format!("<!--# include virtual=\"/parts/{number}\" -->")
        })),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_name_their_groups_and_are_gzipped_for_clients_that_accept_it() {
        let plain = answer("/mix/a/2048/7", false).unwrap();
        assert_eq!(plain.headers()["xkey"], "mix:a");
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        assert_eq!(answer("/mix/a/2048/7", true).unwrap().headers()[CONTENT_ENCODING], "gzip");
        assert!(answer("/mix/a/9999999999/7", true).is_none());
        assert!(answer("/", false).is_none());
    }
}
