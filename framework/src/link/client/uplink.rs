use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};

use crate::clock::{self, Moment};
use crate::link::UP_LIMIT;
use crate::link::feed::{Holdings, Open, Up};
use crate::link::frame::{self, FrameError};
use crate::log::Position;

/// The front end's messages in the feed. The transport fetches each message when it can send it, so
/// nothing queues up: of two acknowledgements or reports only the later is sent, and the stamp of a
/// renewal is read when the renewal is sent.
#[derive(Debug)]
pub(super) struct Uplink(Arc<Shared>);

/// The transport's end of the uplink.
#[derive(Debug)]
pub(super) struct UplinkBody(Arc<Shared>);

#[derive(Debug)]
struct Shared(Mutex<Pending>);

#[derive(Debug)]
struct Pending {
    open: Option<Bytes>,
    ack: Option<Position>,
    holdings: Option<Holdings>,
    renew: bool,
    leave: bool,
    closed: bool,
    /// The stamp of the last renewal that was sent.
    stamp: Moment,
    /// How long the last answer to a renewal took, until that is reported.
    answer_took: Option<Duration>,
    waker: Option<Waker>,
}

impl Uplink {
    /// Creates an uplink whose first message is `open`.
    pub(super) fn new(open: Open) -> Result<(Uplink, UplinkBody), FrameError> {
        let pending = Pending {
            open: Some(frame::encode(&Up::Open(open), UP_LIMIT)?),
            ack: None,
            holdings: None,
            renew: false,
            leave: false,
            closed: false,
            stamp: Moment::EARLIEST,
            answer_took: None,
            waker: None,
        };
        let shared = Arc::new(Shared(Mutex::new(pending)));
        Ok((Uplink(shared.clone()), UplinkBody(shared)))
    }

    pub(super) fn acknowledge(&self, position: Position) {
        self.0.change(|pending| pending.ack = Some(position));
    }

    pub(super) fn report(&self, holdings: Holdings) {
        self.0.change(|pending| pending.holdings = Some(holdings));
    }

    pub(super) fn renew(&self) {
        self.0.change(|pending| pending.renew = true);
    }

    /// Announces that the front end leaves. No renewal is sent after this.
    pub(super) fn leave(&self) {
        self.0.change(|pending| pending.leave = true);
    }

    /// Records the answer to the renewal with this stamp. Returns whether that renewal, or a later
    /// one, was sent.
    pub(super) fn answered(&self, stamp: Moment) -> bool {
        let mut pending = self.0.pending();
        pending.answer_took = Some(clock::now().since(stamp));
        stamp <= pending.stamp
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.0.change(|pending| pending.closed = true);
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Pending)) {
        let waker = {
            let mut pending = self.pending();
            change(&mut pending);
            pending.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Pending {
    /// Returns the next message. Missing contents of a record are reported before the record is
    /// acknowledged, and both before a lease is requested.
    fn next(&mut self) -> Option<Up> {
        if let Some(holdings) = self.holdings.take() {
            return Some(Up::Holdings(holdings));
        }
        if let Some(position) = self.ack.take() {
            return Some(Up::Ack { position });
        }
        if std::mem::take(&mut self.leave) {
            self.renew = false;
            return Some(Up::Leave);
        }
        if std::mem::take(&mut self.renew) {
            self.stamp = clock::now();
            let answer_took = self.answer_took.take();
            return Some(Up::Renew { stamp: self.stamp.as_nanos(), answer_took });
        }
        None
    }
}

impl HttpBody for UplinkBody {
    type Data = Bytes;
    type Error = FrameError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FrameError>>> {
        let mut pending = self.0.pending();
        if pending.closed {
            return Poll::Ready(None);
        }
        if let Some(open) = pending.open.take() {
            return Poll::Ready(Some(Ok(Frame::data(open))));
        }
        match pending.next() {
            Some(message) => {
                let frame = frame::encode(&message, UP_LIMIT).map(Frame::data);
                Poll::Ready(Some(frame))
            }
            None => {
                pending.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Pending {
        Pending {
            open: None,
            ack: None,
            holdings: None,
            renew: false,
            leave: false,
            closed: false,
            stamp: Moment::EARLIEST,
            answer_took: None,
            waker: None,
        }
    }

    #[test]
    fn the_stamp_of_a_renewal_is_read_when_it_leaves() {
        let mut pending = pending();
        pending.renew = true;
        let before = clock::now();
        pending.answer_took = Some(Duration::from_millis(3));
        let Some(Up::Renew { stamp, answer_took }) = pending.next() else { panic!("no renewal") };
        assert_eq!(answer_took, Some(Duration::from_millis(3)));
        assert_eq!(pending.answer_took, None, "it is reported once");
        assert!(stamp >= before.as_nanos());
        assert_eq!(pending.stamp.as_nanos(), stamp);
        assert_eq!(pending.next(), None);
    }

    #[test]
    fn a_front_end_that_leaves_reports_its_holdings_and_asks_for_no_lease() {
        let mut pending = pending();
        pending.renew = true;
        pending.leave = true;
        pending.ack = Some(Position(7));
        pending.holdings = Some(Holdings::default());
        assert_eq!(pending.next(), Some(Up::Holdings(Holdings::default())));
        assert_eq!(pending.next(), Some(Up::Ack { position: Position(7) }));
        assert_eq!(pending.next(), Some(Up::Leave));
        assert_eq!(pending.next(), None);
    }
}
