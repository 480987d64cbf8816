//! Plain requests on a connection of HTTP/1.1, answered without hyper.
//!
//! A hit is a lookup and a `writev`. What hyper does around it (a state for everything that HTTP/1 can
//! be, a service, a body that is polled) costs about as much as the hit itself, and nearly all
//! requests of a site that is read a lot are hits. Those that are not are mostly as plain: a head,
//! and later a page of which all is at hand. So a connection is served here for as long as it
//! asks for nothing else, and hyper gets the rest:
//!
//! ```text
//! bytes → head::read ── plain GET or HEAD ──┬─ Handler::answer_at_once ──┬── response → writev
//!            │                              └─ Handler::handle, waiting ─┤
//!            │ anything else                                             │ a body that is not at hand
//!            └───────────────────────────────────────────────────────────┴──→ hyper, from the first byte
//!                                                         of this head on, with the response if it is made
//! ```
//!
//! # Why this is the same
//!
//! - *Where a request ends* is never in doubt: what is answered here has a whole head without a
//!   body, of HTTP/1.1, in the origin form, with nothing in it that speaks about the connection
//!   itself but `Connection: keep-alive` (see `head`). It is read by the parser that hyper uses. The
//!   first request that is anything else goes to hyper with all bytes from its own first one on.
//! - *Who answers* is the same handler, and what it answers is written as hyper writes it, byte for
//!   byte (see `response`). A test asks for the same things both ways and compares all that comes.
//!   It is asked once: a response that is made and not to be written here goes to hyper together with the
//!   head, and hyper, which reads the same head first, sends it as the response to that.
//! - *Who waits for whom* is noted in the same pulse and judged by the same beats, the stream is
//!   the same [`Socket`], and a response is written to its end before the next request is looked at.
//! - *While the handler is at it* there is the same [`Exchange`](super::pulse::Exchange) in the pulse. A
//!   client that ends its sending gets its answer, as from hyper with `half_close`: TCP does not say
//!   whether it has closed the connection or still reads. A connection that is reset drops the future.
//!   That is looked for until something of the next request comes, and that is kept, one piece of it at
//!   most.
//! - *When the server stops* meanwhile, the response says `Connection: close`. Then it is one for
//!   hyper to write, which closes the connection behind it.
//!
//! Hyper keeps the connection for as long as it is needed: who asks for what is streamed each time,
//! or in a way that is not plain, is not handed to and fro. With the first request and response that
//! could have been read and written here it gives the connection back when it rests between two
//! requests ([`Pulse::rests`]): nothing is being answered, all that it has to say has left its
//! buffers, and no request that it was given had a body, so it is in no middle of anything. What it
//! has read of the next head comes back too. Each stay of hyper answers at least one request.

mod head;
mod response;
mod waiting;

pub(super) use head::is_plain;

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::Response;
use http::header::{self, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite};

use self::head::{Heads, put_back};
use self::response::Outgoing;
use self::waiting::Waiting;
use super::connection::{Context, End, Served};
use super::limits::Limits;
use super::prepared::AtOnce;
use super::pulse::{Exchange, Pulse};
use super::server::Handler;
use super::socket::Socket;
use crate::body::Body;

/// How much is read at a time, in bytes. A head that does not come in one piece goes to hyper.
const PIECE: usize = 8 * 1024;

/// How many steps are taken before others have a turn: one for a response that is there, two for another.
const TURN: usize = 16;

/// A connection of which all requests so far were plain.
pub(super) struct Express<S, H> {
    socket: Socket<S>,
    /// What has come and is not yet answered.
    read: BytesMut,
    heads: Heads,
    /// The request that the handler is at.
    waiting: Option<Waiting>,
    outgoing: Outgoing,
    /// That of the response that is going out, if it was waited for.
    exchange: Option<Exchange>,
    /// The response to the first request of what was read, if it is one for hyper to write.
    for_hyper: Option<Response<Body>>,
    context: Arc<Context<H>>,
    pulse: Arc<Pulse>,
    closing: Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    NotYet,
    /// When the response is out.
    Soon,
    Now,
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> Express<S, H> {
    /// Serves a stream.
    pub(super) fn new(
        socket: Socket<S>,
        context: Arc<Context<H>>,
        pulse: Arc<Pulse>,
        limits: &Limits,
    ) -> Express<S, H> {
        Express {
            socket,
            read: BytesMut::new(),
            heads: Heads::new(limits.header_bytes, limits.headers),
            waiting: None,
            outgoing: Outgoing::default(),
            exchange: None,
            for_hyper: None,
            context,
            pulse,
            closing: Closing::NotYet,
        }
    }

    /// The stream, in which all is still to be read that was not answered, and the response to the
    /// first request of that, if it is made already.
    pub(super) fn into_socket(mut self) -> (Socket<S>, Option<Response<Body>>) {
        self.socket.put_back(self.read.freeze());
        (self.socket, self.for_hyper)
    }

    /// Reads into room for so many bytes at least.
    fn poll_read(&mut self, room: usize, task: &mut Task<'_>) -> Poll<io::Result<usize>> {
        self.read.reserve(room);
        tokio_util::io::poll_read_buf(Pin::new(&mut self.socket), task, &mut self.read)
    }

    /// Looks whether the connection was reset, as long as nothing of the next request is here.
    ///
    /// # Errors
    /// That it was.
    fn look_for_end(&mut self, task: &mut Task<'_>) -> io::Result<()> {
        if !self.read.is_empty() {
            return Ok(());
        }
        // As much as there is room for: the head that waits is in the same memory.
        // The end of what the client sends is met again when the response is out.
        let _ = self.poll_read(1, task)?;
        Ok(())
    }

    /// Answers the first request of what was read, now or later. `false` if that is for hyper.
    fn answer(&mut self) -> bool {
        let Some(mut head) = self.heads.read(&mut self.read) else { return false };
        let response = match self.context.respond_at_once(&mut head.request) {
            Some(AtOnce::Prepared(prepared)) => {
                self.outgoing.begin_prepared(prepared);
                Ok(())
            }
            Some(AtOnce::Response(response)) => self.outgoing.begin(&head.request.method, response),
            None => {
                self.waiting = Some(Waiting::begin(&self.context, &self.pulse, head));
                return true;
            }
        };
        match response {
            Ok(()) => {
                self.heads.reuse(head.request.headers);
                self.pulse.answered();
                true
            }
            Err(response) => self.leave_to_hyper(head.bytes, response),
        }
    }

    /// Answers the request that waited. `false` if that is for hyper.
    fn answer_late(&mut self, waiting: Waiting, mut response: Response<Body>) -> bool {
        let Waiting { method, head, mut exchange, .. } = waiting;
        if self.closing != Closing::NotYet {
            response.headers_mut().append(header::CONNECTION, HeaderValue::from_static("close"));
        }
        match self.outgoing.begin(&method, response) {
            Ok(()) => {
                exchange.waits_for_client();
                self.exchange = Some(exchange);
                true
            }
            Err(response) => self.leave_to_hyper(head, response),
        }
    }

    fn leave_to_hyper(&mut self, head: Bytes, response: Response<Body>) -> bool {
        put_back(head, &mut self.read);
        self.for_hyper = Some(response);
        false
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> Served for Express<S, H> {
    fn poll(&mut self, task: &mut Task<'_>) -> Poll<Result<End, Box<dyn Error + Send + Sync>>> {
        for _ in 0..TURN {
            if self.closing != Closing::Now {
                ready!(self.outgoing.poll_write(&mut self.socket, task))?;
                self.exchange = None;
            }
            if let Some(mut waiting) = self.waiting.take() {
                self.look_for_end(task)?;
                let Poll::Ready(response) = waiting.poll(task) else {
                    self.waiting = Some(waiting);
                    return Poll::Pending;
                };
                if !self.answer_late(waiting, response) {
                    return Poll::Ready(Ok(End::GoesOn));
                }
                continue;
            }
            if self.closing != Closing::NotYet {
                self.closing = Closing::Now;
                ready!(Pin::new(&mut self.socket).poll_shutdown(task))?;
                return Poll::Ready(Ok(End::Closed));
            }
            if self.read.is_empty() && ready!(self.poll_read(PIECE, task))? == 0 {
                self.closing = Closing::Soon;
            } else if !self.answer() {
                return Poll::Ready(Ok(End::GoesOn));
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }

    fn close(&mut self) {
        if self.closing == Closing::NotYet {
            self.closing = Closing::Soon;
        }
    }
}
