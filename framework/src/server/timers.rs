//! Measures the waits of a connection.
//!
//! No event reads a clock or sets a timer. The connection has one timer that ticks a few times
//! within the shortest of its limits. Each event is stored with the number of the current tick, and
//! each tick compares these numbers with the limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::limits::Limits;

/// The limits, in ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// The time between two ticks.
    pub(super) tick: Duration,
    head: u64,
    idle: u64,
    write: u64,
}

impl Timeouts {
    pub(super) fn new(limits: &Limits) -> Timeouts {
        let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.write_timeout);
        let tick = (shortest / 4).clamp(Duration::from_millis(1), Duration::from_secs(5));
        let ticks = |limit: Duration| {
            u64::try_from(limit.as_nanos().div_ceil(tick.as_nanos())).unwrap_or(u64::MAX)
        };
        Timeouts {
            tick,
            head: ticks(limits.header_timeout),
            idle: ticks(limits.idle_timeout),
            write: ticks(limits.write_timeout),
        }
    }
}

/// The result of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No limit is exceeded.
    Fine,
    /// The connection has been without a request for too long.
    Idle,
    /// The head of a request has been arriving for too long.
    SlowHead,
    /// The client has read none of the data that wait for it for too long.
    Stalled,
}

/// The timers of one connection. Ticks are counted from 1; 0 means "not now".
#[derive(Debug)]
pub(super) struct Timers {
    tick: AtomicU64,
    /// The number of requests whose response is not yet written or abandoned.
    exchanges: AtomicUsize,
    /// The number of those that wait for the handler and not for the client.
    handled: AtomicUsize,
    /// The last tick with an exchange.
    busy: AtomicU64,
    /// The last tick in which the client received a significant number of bytes.
    taken: AtomicU64,
    /// The tick in which the head of the next request began to arrive.
    head: AtomicU64,
    /// The tick since which the socket has not accepted bytes.
    blocked: AtomicU64,
    /// Whether the last request has a body, which may be incomplete.
    body: AtomicBool,
    /// Whether the server wants to end the connection.
    closing: AtomicBool,
}

impl Timers {
    pub(super) fn new() -> Arc<Timers> {
        Arc::new(Timers {
            tick: AtomicU64::new(1),
            exchanges: AtomicUsize::new(0),
            handled: AtomicUsize::new(0),
            busy: AtomicU64::new(1),
            taken: AtomicU64::new(0),
            head: AtomicU64::new(0),
            blocked: AtomicU64::new(0),
            body: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        })
    }

    /// Notes that bytes have arrived while no request was in progress: they belong to the head of
    /// the next one.
    pub(super) fn head_arrives(&self) {
        if self.exchanges.load(Ordering::Relaxed) == 0 && self.head.load(Ordering::Relaxed) == 0 {
            self.note(&self.head);
        }
    }

    /// Notes that the head of a request is complete and waits for the handler.
    pub(super) fn exchange_begins(&self, has_body: bool) {
        self.body.store(has_body, Ordering::Relaxed);
        self.handler_begins();
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.head.store(0, Ordering::Relaxed);
    }

    /// Notes that a response that waited for the client waits for the handler again.
    pub(super) fn handler_begins(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a response waits for the client. The write timeout starts here, unless another
    /// response is already waiting: an additional response does not show that the client receives
    /// the others, and with a restart a client could hold them for as long as it sends and resets
    /// requests.
    pub(super) fn client_begins(&self) {
        if self.waiting_for_client() == 0 {
            self.taken();
        }
        self.handled.fetch_sub(1, Ordering::Release);
    }

    /// Notes that the response is written or abandoned.
    pub(super) fn exchange_ends(&self, waits_for_handler: bool) {
        self.note(&self.busy);
        if waits_for_handler {
            self.handled.fetch_sub(1, Ordering::Release);
        }
        self.exchanges.fetch_sub(1, Ordering::Release);
    }

    /// Returns whether a request, all of which has arrived, waits for the handler.
    pub(super) fn waits_for_handler(&self) -> bool {
        self.handled.load(Ordering::Relaxed) > 0 && !self.body.load(Ordering::Relaxed)
    }

    /// Returns the number of responses that wait for the client.
    pub(super) fn waiting_for_client(&self) -> usize {
        let handled = self.handled.load(Ordering::Acquire);
        self.exchanges.load(Ordering::Acquire).saturating_sub(handled)
    }

    /// Notes that the client has received bytes.
    pub(super) fn taken(&self) {
        self.note(&self.taken);
    }

    /// Notes that the socket has not accepted bytes.
    pub(super) fn blocked(&self) {
        if self.blocked.load(Ordering::Relaxed) == 0 {
            self.note(&self.blocked);
        }
    }

    /// Notes that the socket has accepted bytes.
    pub(super) fn unblocked(&self) {
        if self.blocked.load(Ordering::Relaxed) != 0 {
            self.blocked.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that the server wants to end the connection. A client that has its responses sends
    /// nothing more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if self.exchanges.load(Ordering::Acquire) == 0 {
            self.body.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Returns whether the client may be in the middle of a request.
    pub(super) fn may_go_on(&self) -> bool {
        self.body.load(Ordering::Relaxed) || self.head.load(Ordering::Relaxed) != 0
    }

    /// Notes that the received bytes no longer belong to a request, and that their sender is not
    /// idle.
    pub(super) fn lingers(&self) {
        self.head.store(0, Ordering::Relaxed);
        self.note(&self.busy);
    }

    /// Counts a tick and compares. If few connections are left (`is_crowded`), a connection is idle
    /// as soon as that can be measured.
    pub(super) fn tick(&self, timeouts: &Timeouts, is_crowded: bool) -> Verdict {
        let now = self.tick.fetch_add(1, Ordering::Relaxed) + 1;
        // The tick of an event had already partly passed, hence more than, not equal.
        let longer_than = |since: u64, timeout: u64| now.saturating_sub(since) > timeout;
        let exchanges = self.exchanges.load(Ordering::Acquire);
        let taken = self.taken.load(Ordering::Relaxed);
        let blocked = self.blocked.load(Ordering::Relaxed);
        let head = self.head.load(Ordering::Relaxed);
        if blocked != 0 && longer_than(blocked, timeouts.write) {
            Verdict::Stalled
        } else if exchanges > 0 {
            // Even while other requests wait for the handler.
            let stalled = self.waiting_for_client() > 0 && longer_than(taken, timeouts.write);
            if stalled { Verdict::Stalled } else { Verdict::Fine }
        } else if head != 0 && blocked == 0 {
            // A head behind a blocked response waits for the client to receive that response.
            let slow = longer_than(head.max(taken), timeouts.head);
            if slow { Verdict::SlowHead } else { Verdict::Fine }
        } else {
            let limit = if is_crowded { timeouts.idle.min(1) } else { timeouts.idle };
            let idle = longer_than(self.busy.load(Ordering::Relaxed).max(taken), limit);
            if idle { Verdict::Idle } else { Verdict::Fine }
        }
    }

    fn note(&self, event: &AtomicU64) {
        event.store(self.tick.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::Exchange;
    use super::*;

    fn timeouts() -> Timeouts {
        Timeouts::new(&Limits {
            header_timeout: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(20),
            write_timeout: Duration::from_secs(8),
            ..Limits::default()
        })
    }

    /// Returns the number of ticks until one is not `Fine`, and its verdict.
    fn ticks_until_bad(timers: &Timers) -> (usize, Verdict) {
        let verdicts = (1..1000).map(|tick| (tick, timers.tick(&timeouts(), false)));
        verdicts.into_iter().find(|(_, verdict)| *verdict != Verdict::Fine).unwrap()
    }

    #[test]
    fn a_connection_without_requests_is_idle_after_the_idle_timeout() {
        assert_eq!(ticks_until_bad(&Timers::new()), (21, Verdict::Idle));
    }

    #[test]
    fn when_few_connections_are_left_one_without_requests_is_soon_idle() {
        let timers = Timers::new();
        assert_eq!(timers.tick(&timeouts(), true), Verdict::Fine);
        assert_eq!(timers.tick(&timeouts(), true), Verdict::Idle);
        let timers = Timers::new();
        let _exchange = Exchange::begin(timers.clone(), false);
        assert!((0..1000).all(|_| timers.tick(&timeouts(), true) == Verdict::Fine));
    }

    #[test]
    fn a_head_that_does_not_end_is_slow_after_the_header_timeout() {
        let timers = Timers::new();
        timers.head_arrives();
        assert_eq!(timers.tick(&timeouts(), false), Verdict::Fine);
        timers.head_arrives();
        assert_eq!(ticks_until_bad(&timers), (4, Verdict::SlowHead));
    }

    #[test]
    fn a_request_that_waits_for_the_handler_may_take_long() {
        let timers = Timers::new();
        let exchange = Exchange::begin(timers.clone(), false);
        assert!((0..1000).all(|_| timers.tick(&timeouts(), false) == Verdict::Fine));
        drop(exchange);
        assert_eq!(ticks_until_bad(&timers), (21, Verdict::Idle));
    }

    #[test]
    fn a_client_that_reads_nothing_is_stalled_after_the_write_timeout() {
        let timers = Timers::new();
        let mut exchange = Exchange::begin(timers.clone(), false);
        exchange.waits_for_client();
        assert_eq!(ticks_until_bad(&timers), (9, Verdict::Stalled));
        exchange.waits_for_handler();
        assert!((0..1000).all(|_| timers.tick(&timeouts(), false) == Verdict::Fine));
        let other = Exchange::begin(timers.clone(), false);
        exchange.waits_for_client();
        assert_eq!(
            ticks_until_bad(&timers),
            (9, Verdict::Stalled),
            "though one waits for the handler"
        );
        drop((exchange, other));
        timers.blocked();
        assert_eq!(ticks_until_bad(&timers), (9, Verdict::Stalled));
    }

    #[test]
    fn further_responses_give_a_client_no_more_time_for_those_that_wait() {
        let timers = Timers::new();
        let mut exchange = Exchange::begin(timers.clone(), false);
        exchange.waits_for_client();
        for _ in 0..8 {
            let mut further = Exchange::begin(timers.clone(), false);
            further.waits_for_client();
            assert_eq!(timers.tick(&timeouts(), false), Verdict::Fine);
        }
        assert_eq!(timers.tick(&timeouts(), false), Verdict::Stalled);
    }

    #[test]
    fn a_client_that_reads_a_little_at_a_time_is_not_stalled() {
        let timers = Timers::new();
        let mut exchange = Exchange::begin(timers.clone(), false);
        exchange.waits_for_client();
        for _ in 0..100 {
            timers.blocked();
            assert!((0..5).all(|_| timers.tick(&timeouts(), false) == Verdict::Fine));
            timers.unblocked();
            timers.taken();
        }
    }
}
