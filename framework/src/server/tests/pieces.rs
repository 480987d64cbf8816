//! Bodies of several pieces, and the number of writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::within;
use crate::body::Body;
use crate::server::Limits;
use crate::server::connection::Rules;
use crate::server::exchange::{Exchange, TimedBody};
use crate::server::socket::{RequestHeads, Socket};
use crate::server::timers::Timers;

/// A stream that notes the address of each slice that is written.
struct Observed {
    stream: DuplexStream,
    writes: Arc<Mutex<Vec<Vec<usize>>>>,
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Observed {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let places = slices.iter().map(|slice| slice.as_ptr().addr()).collect();
        self.writes.lock().unwrap().push(places);
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        Pin::new(&mut self.stream).poll_write(context, &all)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[tokio::test]
async fn pieces_are_written_together_and_without_copies() {
    let pieces: Vec<Bytes> = (0..9).map(|piece| vec![b'0' + piece; 2000].into()).collect();
    let (server, mut client) = tokio::io::duplex(1 << 20);
    let writes = Arc::new(Mutex::new(Vec::new()));
    let observed = Observed { stream: server, writes: writes.clone() };
    let timers = Timers::new();
    let socket = Socket::new(observed, Bytes::new(), timers.clone(), RequestHeads::Noted);
    let body = pieces.clone();
    let service = service_fn(move |_: Request<Incoming>| {
        let exchange = Exchange::begin(timers.clone(), false);
        let body = TimedBody::new(Body::pieces(body.clone()), exchange);
        async { Ok::<_, std::convert::Infallible>(Response::new(body)) }
    });
    let rules = Rules::new(Limits::default());
    let connection = rules.http1.serve_connection(TokioIo::new(socket), service);
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let (served, read) =
        within(async { tokio::join!(connection, client.read_to_end(&mut answer)) }).await;
    served.unwrap();
    read.unwrap();

    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("\r\ncontent-length: 18000\r\n"), "{answer}");
    assert!(answer.ends_with(std::str::from_utf8(&pieces.concat()).unwrap()));
    let writes = writes.lock().unwrap();
    assert_eq!(writes.len(), 1, "one write takes the head and all pieces");
    let lie: Vec<usize> = pieces.iter().map(|piece| piece.as_ptr().addr()).collect();
    assert_eq!(writes[0][1..], lie, "no piece is copied");
}
