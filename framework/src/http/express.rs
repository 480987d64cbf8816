//! Hits on a connection of HTTP/1.1, answered without hyper.
//!
//! A hit is a lookup and a `writev`. What hyper does around it (a state for everything that HTTP/1 can
//! be, a service, a body that is polled) costs about as much as the hit itself, and nearly all
//! requests of a site that is read a lot are hits. So a connection is served here for as long as it
//! asks for nothing else, and hyper gets the rest:
//!
//! ```text
//! bytes → head::read ── plain GET or HEAD ── Handler::answer_at_once ── response → writev
//!            │ anything else                     │ None, or a body that is not at hand
//!            └───────────────────────────────────┴──→ hyper, from the first byte of this head on
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
//! - *Who waits for whom* is noted in the same pulse and judged by the same beats, the stream is
//!   the same [`Socket`], and a response is written to its end before the next request is looked at.
//!
//! Hyper keeps the connection for as long as it is needed: who asks for what is made anew each time
//! is not handed to and fro. With the first hit it gives it back when it rests between two requests ([`Pulse::rests`]): nothing
//! is being answered, all that it has to say has left its buffers, and no request that it was given
//! had a body, so it is in no middle of anything. What it has read of the next head comes back too.
//! Each stay of hyper answers at least one request, so that none is handed to and fro.

mod head;
mod response;

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use self::head::{Head, Heads, put_back};
use self::response::Outgoing;
use super::connection::{Context, End, Served};
use super::limits::Limits;
use super::prepared::AtOnce;
use super::pulse::Pulse;
use super::server::Handler;
use super::socket::Socket;

/// How much is read at a time, in bytes. A longer head goes to hyper.
const PIECE: usize = 8 * 1024;

/// How many responses are written before others have a turn.
const TURN: usize = 16;

/// A connection of which all requests so far were hits.
pub(super) struct Express<S, H> {
    socket: Socket<S>,
    /// What has come and is not yet answered.
    read: BytesMut,
    heads: Heads,
    outgoing: Outgoing,
    context: Arc<Context<H>>,
    pulse: Arc<Pulse>,
    closing: Closing,
    asked: Asked,
}

/// Whether the handler was asked for an answer at once to the request that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    NotYet,
    /// It has none.
    InVain,
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
            outgoing: Outgoing::default(),
            context,
            pulse,
            closing: Closing::NotYet,
            asked: Asked::NotYet,
        }
    }

    /// The stream, in which all is still to be read that was not answered.
    pub(super) fn into_socket(mut self) -> (Socket<S>, Asked) {
        self.socket.put_back(self.read.freeze());
        (self.socket, self.asked)
    }

    fn poll_read(&mut self, task: &mut Task<'_>) -> Poll<io::Result<usize>> {
        self.read.reserve(PIECE);
        tokio_util::io::poll_read_buf(Pin::new(&mut self.socket), task, &mut self.read)
    }

    /// Answers the first request of what was read. `false` if that is for hyper.
    fn answer(&mut self) -> bool {
        let Some(Head { request, bytes }) = self.heads.read(&mut self.read) else { return false };
        let begun = match self.context.respond_at_once(&request) {
            Some(AtOnce::Prepared(prepared)) => {
                self.outgoing.begin_prepared(prepared);
                true
            }
            Some(AtOnce::Response(response)) => self.outgoing.begin(&request.method, response),
            None => {
                self.asked = Asked::InVain;
                false
            }
        };
        if begun {
            self.heads.reuse(request.headers);
            self.pulse.answered();
        } else {
            put_back(bytes, &mut self.read);
        }
        begun
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, H: Handler> Served for Express<S, H> {
    fn poll(&mut self, task: &mut Task<'_>) -> Poll<Result<End, Box<dyn Error + Send + Sync>>> {
        for _ in 0..TURN {
            if self.closing != Closing::Now {
                ready!(self.outgoing.poll_write(&mut self.socket, task))?;
            }
            if self.closing != Closing::NotYet {
                self.closing = Closing::Now;
                ready!(Pin::new(&mut self.socket).poll_shutdown(task))?;
                return Poll::Ready(Ok(End::Closed));
            }
            if self.read.is_empty() && ready!(self.poll_read(task))? == 0 {
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
