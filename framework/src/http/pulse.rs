//! Who keeps whom waiting on a connection.
//!
//! Nothing here looks at a clock or sets a timer for a request. The connection has one timer that
//! beats a few times within the shortest of its limits; what happens is noted with the number of
//! the current beat, and each beat decides by these numbers.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::UPGRADE;
use http::{Method, Request};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::limits::Limits;
use crate::body::{Body, BodyError};

/// What the limits are in beats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The time between two beats.
    pub(super) beat: Duration,
    head: u64,
    idle: u64,
    write: u64,
}

impl Patience {
    pub(super) fn new(limits: &Limits) -> Patience {
        let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.write_timeout);
        let beat = (shortest / 4).clamp(Duration::from_millis(1), Duration::from_secs(5));
        let beats = |limit: Duration| {
            u64::try_from(limit.as_nanos().div_ceil(beat.as_nanos())).unwrap_or(u64::MAX)
        };
        Patience {
            beat,
            head: beats(limits.header_timeout),
            idle: beats(limits.idle_timeout),
            write: beats(limits.write_timeout),
        }
    }
}

/// What a beat decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody waits for too long.
    Fine,
    /// There was no request for too long.
    Idle,
    /// The head of a request does not come to its end.
    SlowHead,
    /// The client does not take what is there for it.
    Stalled,
}

/// What is noted about one connection. Beats are counted from 1; 0 stands for "not now".
#[derive(Debug)]
pub(super) struct Pulse {
    beat: AtomicU64,
    /// Requests whose response is not yet handed over.
    exchanges: AtomicUsize,
    /// Those among them that wait for this node and not for the client.
    ours: AtomicUsize,
    /// The last time when there was an exchange.
    busy: AtomicU64,
    /// The last time when the client took something worth mentioning.
    taken: AtomicU64,
    /// Since when the head of the next request has been arriving.
    head: AtomicU64,
    /// Since when the socket has been taking nothing.
    blocked: AtomicU64,
    /// Whether the last request has a body, of which not all may have come.
    body: AtomicBool,
    /// Whether this node wants to end the connection.
    closing: AtomicBool,
}

impl Pulse {
    pub(super) fn new() -> Arc<Pulse> {
        Arc::new(Pulse {
            beat: AtomicU64::new(1),
            exchanges: AtomicUsize::new(0),
            ours: AtomicUsize::new(0),
            busy: AtomicU64::new(1),
            taken: AtomicU64::new(0),
            head: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            body: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        })
    }

    /// Bytes came while none was being answered: the head of a request begins or goes on.
    pub(super) fn head_arrives(&self) {
        if self.exchanges.load(Ordering::Relaxed) == 0 && self.head.load(Ordering::Relaxed) == 0 {
            self.note(&self.head);
        }
    }

    /// Whether there is a request, of which all has come, that waits for this node.
    pub(super) fn waits_for_us(&self) -> bool {
        self.ours.load(Ordering::Relaxed) > 0 && !self.body.load(Ordering::Relaxed)
    }

    /// How many responses wait for the client.
    pub(super) fn waiting_for_client(&self) -> usize {
        let ours = self.ours.load(Ordering::Acquire);
        self.exchanges.load(Ordering::Acquire).saturating_sub(ours)
    }

    /// The client took something.
    pub(super) fn taken(&self) {
        self.note(&self.taken);
    }

    /// The socket took nothing.
    pub(super) fn blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.note(&self.blocked);
        }
    }

    /// The socket took something.
    pub(super) fn unblocked(&self) {
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.blocked.store(0, Ordering::Relaxed);
        }
    }

    /// This node wants to end the connection. A client that has its answers sends nothing more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if self.exchanges.load(Ordering::Acquire) == 0 {
            self.body.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether the client may be in the middle of a request.
    pub(super) fn may_go_on(&self) -> bool {
        self.body.load(Ordering::Relaxed) || self.head.load(Ordering::Relaxed) != 0
    }

    /// What comes is no request any more, and its sender is not idle.
    pub(super) fn lingers(&self) {
        self.head.store(0, Ordering::Relaxed);
        self.note(&self.busy);
    }

    /// Counts a beat and decides. In a crowd a connection is idle as soon as that can be said.
    pub(super) fn beat(&self, patience: &Patience, crowded: bool) -> Verdict {
        let now = self.beat.fetch_add(1, Ordering::Relaxed) + 1;
        // The beat that an event falls into has partly passed already, hence more than, not equal.
        let longer_than = |since: u64, patience: u64| now.saturating_sub(since) > patience;
        let exchanges = self.exchanges.load(Ordering::Acquire);
        let taken = self.taken.load(Ordering::Relaxed);
        let blocked = self.blocked.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed);
        if blocked != 0 && longer_than(blocked, patience.write) {
            Verdict::Stalled
        } else if exchanges > 0 {
            // Whatever else this node is at work on.
            let stalled = self.waiting_for_client() > 0 && longer_than(taken, patience.write);
            if stalled { Verdict::Stalled } else { Verdict::Fine }
        } else if head != 0 && blocked == 0 {
            // Otherwise it waits for the client to take the response before it.
            let slow = longer_than(head.max(taken), patience.head);
            if slow { Verdict::SlowHead } else { Verdict::Fine }
        } else {
            let limit = if crowded { patience.idle.min(1) } else { patience.idle };
            let idle = longer_than(self.busy.load(Ordering::Relaxed).max(taken), limit);
            if idle { Verdict::Idle } else { Verdict::Fine }
        }
    }

    fn note(&self, event: &AtomicU64) {
        event.store(self.beat.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Whether something comes after the head of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestBody {
    None,
    Some,
}

impl RequestBody {
    pub(super) fn of<B: HttpBody>(request: &Request<B>) -> RequestBody {
        let is_last =
            request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE);
        if request.body().is_end_stream() && !is_last {
            RequestBody::None
        } else {
            RequestBody::Some
        }
    }
}

/// A request and its response, until the response is handed over or given up.
#[derive(Debug)]
pub(super) struct Exchange {
    pulse: Arc<Pulse>,
    ours: bool,
}

impl Exchange {
    /// The head of a request is there, which may have a body; now it waits for this node.
    pub(super) fn begin(pulse: Arc<Pulse>, body: RequestBody) -> Exchange {
        pulse.body.store(body == RequestBody::Some, Ordering::Relaxed);
        pulse.ours.fetch_add(1, Ordering::Relaxed);
        pulse.exchanges.fetch_add(1, Ordering::Relaxed);
        pulse.head.store(0, Ordering::Relaxed);
        Exchange { pulse, ours: true }
    }

    fn waits_for_us(&mut self) {
        if !self.ours {
            self.ours = true;
            self.pulse.ours.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The response is on its way to the client. The time for the client to take it begins here, if
    /// no other response waits: that one more does says nothing of whether the client takes those,
    /// and a client could send and reset requests for as long as it wants to hold them.
    pub(super) fn waits_for_client(&mut self) {
        if self.ours {
            if self.pulse.waiting_for_client() == 0 {
                self.pulse.taken();
            }
            self.ours = false;
            self.pulse.ours.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.pulse.note(&self.pulse.busy);
        if self.ours {
            self.pulse.ours.fetch_sub(1, Ordering::Release);
        }
        self.pulse.exchanges.fetch_sub(1, Ordering::Release);
    }
}

/// A response's body that tells its exchange whether it waits for its source or for the client:
/// it is asked for the next piece when the client can take more.
pub(super) struct Told {
    body: Body,
    exchange: Exchange,
}

impl Told {
    pub(super) fn new(body: Body, exchange: Exchange) -> Told {
        Told { body, exchange }
    }
}

impl HttpBody for Told {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            self.exchange.waits_for_us();
        }
        let frame = ready!(polled);
        self.exchange.waits_for_client();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience::new(&Limits {
            header_timeout: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(8),
            ..Limits::default()
        })
    }

    /// The verdicts of the next beats, until one is not `Fine`.
    fn beats_until_bad(pulse: &Pulse) -> (usize, Verdict) {
        let verdicts = (1..1000).map(|beat| (beat, pulse.beat(&patience(), false)));
        verdicts.into_iter().find(|(_, verdict)| *verdict != Verdict::Fine).unwrap()
    }

    #[test]
    fn a_connection_without_requests_is_idle_after_the_idle_timeout() {
        assert_eq!(beats_until_bad(&Pulse::new()), (21, Verdict::Idle));
    }

    #[test]
    fn in_a_crowd_a_connection_without_requests_is_soon_idle() {
        let pulse = Pulse::new();
        assert_eq!(pulse.beat(&patience(), true), Verdict::Fine);
        assert_eq!(pulse.beat(&patience(), true), Verdict::Idle);
        let pulse = Pulse::new();
        let _exchange = Exchange::begin(pulse.clone(), RequestBody::None);
        assert!((0..1000).all(|_| pulse.beat(&patience(), true) == Verdict::Fine));
    }

    #[test]
    fn a_head_that_does_not_end_is_slow_after_the_header_timeout() {
        let pulse = Pulse::new();
        pulse.head_arrives();
        assert_eq!(pulse.beat(&patience(), false), Verdict::Fine);
        pulse.head_arrives();
        assert_eq!(beats_until_bad(&pulse), (4, Verdict::SlowHead));
    }

    #[test]
    fn a_request_that_waits_for_this_node_may_take_long() {
        let pulse = Pulse::new();
        let exchange = Exchange::begin(pulse.clone(), RequestBody::None);
        assert!((0..1000).all(|_| pulse.beat(&patience(), false) == Verdict::Fine));
        drop(exchange);
        assert_eq!(beats_until_bad(&pulse), (21, Verdict::Idle));
    }

    #[test]
    fn a_client_that_takes_nothing_is_stalled_after_the_write_timeout() {
        let pulse = Pulse::new();
        let mut exchange = Exchange::begin(pulse.clone(), RequestBody::None);
        exchange.waits_for_client();
        assert_eq!(beats_until_bad(&pulse), (9, Verdict::Stalled));
        exchange.waits_for_us();
        assert!((0..1000).all(|_| pulse.beat(&patience(), false) == Verdict::Fine));
        let other = Exchange::begin(pulse.clone(), RequestBody::None);
        exchange.waits_for_client();
        assert_eq!(
            beats_until_bad(&pulse),
            (9, Verdict::Stalled),
            "though one waits for this node"
        );
        drop((exchange, other));
        pulse.blocked();
        assert_eq!(beats_until_bad(&pulse), (9, Verdict::Stalled));
    }

    #[test]
    fn further_responses_give_a_client_no_more_time_for_those_that_wait() {
        let pulse = Pulse::new();
        let mut exchange = Exchange::begin(pulse.clone(), RequestBody::None);
        exchange.waits_for_client();
        for _ in 0..8 {
            let mut further = Exchange::begin(pulse.clone(), RequestBody::None);
            further.waits_for_client();
            assert_eq!(pulse.beat(&patience(), false), Verdict::Fine);
        }
        assert_eq!(pulse.beat(&patience(), false), Verdict::Stalled);
    }

    #[test]
    fn a_client_that_takes_a_little_at_a_time_is_not_stalled() {
        let pulse = Pulse::new();
        let mut exchange = Exchange::begin(pulse.clone(), RequestBody::None);
        exchange.waits_for_client();
        for _ in 0..100 {
            pulse.blocked();
            assert!((0..5).all(|_| pulse.beat(&patience(), false) == Verdict::Fine));
            pulse.unblocked();
            pulse.taken();
        }
    }
}
