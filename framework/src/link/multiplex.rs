//! Multiplexed calls: calls that share one stream.
//!
//! A stream of HTTP/2 for each call costs more than everything else in a short call: its headers,
//! its scheduling among the others, a task on either side, a `write` for each answer. So calls that
//! change nothing (`GET` and `HEAD`, without a body) share one stream,
//! `POST /headwater/{version}/calls`, that is open as long as the connection:
//!
//! ```text
//! up   = length (u32), call number (u32), Call; nothing after the number cancels the call
//! down = length (u32), call number (u32), ServerMessage; after `Answered`: length (u32), Answer, body
//! ```
//!
//! Lengths and numbers are big endian. Messages that are ready at the same time are sent in one
//! piece.
//!
//! *No call waits for another.* A front end has no more than [`MAX_CALLS`] calls open on the
//! stream, and sends further ones over streams of their own. The back end counts them too: a call
//! holds a permit until its answer was sent or its front end has cancelled it. Both sides send
//! answers and cancellations in one order, so a front end that observes the limit always finds a
//! free permit, and the back end never stops reading; a call beyond the limit is refused. The queue
//! for the transport is bounded by the permits, and on the front end by [`MAX_UNSENT`].
//!
//! *An interrupted call may have run.* It is sent again to another back end, which is why only
//! calls that change nothing are multiplexed.
//!
//! No answer may block the others for long either. An answer whose body is incomplete, or that is
//! longer than [`MAX_ANSWER`], is [`Held`](ServerMessage::Held): the front end fetches it over a
//! stream of its own, `POST /headwater/{version}/held`. Calls with a body have a stream of their
//! own from the start.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame};
use serde::{Deserialize, Serialize};

use crate::body::BodyError;

/// The number of multiplexed calls of a connection that may be open at a time.
pub(super) const MAX_CALLS: usize = 1024;
/// The number of bytes that a front end may have queued for the transport before it uses other
/// streams.
pub(super) const MAX_UNSENT: usize = 1024 * 1024;
/// The longest multiplexed answer, with its body, in bytes.
pub(super) const MAX_ANSWER: usize = 64 * 1024;
/// The longest multiplexed call, in bytes.
pub(super) const MAX_CALL: usize = 16 * 1024;
/// The allowance for the rest of a message, in bytes.
pub(super) const OVERHEAD: usize = 4096;
/// The approximate number of bytes sent in one piece.
pub(super) const PIECE: usize = 64 * 1024;

/// A message of the back end about a call.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ServerMessage {
    /// The answer follows.
    Answered,
    /// The answer is held, and can be fetched with this ticket.
    Held(u64),
    /// There is no answer: a status of the link, and a message.
    Refused(u16, String),
    /// Concerns no call: no further calls are accepted.
    Goodbye,
}

/// Messages that wait for the transport. A value can be kept with each message until the transport
/// has accepted it.
#[derive(Debug)]
pub(super) struct Queue<K = ()>(Arc<Mutex<Waiting<K>>>);

#[derive(Debug)]
struct Waiting<K> {
    /// Pieces that are full.
    full: VecDeque<Piece<K>>,
    /// The last piece.
    bytes: BytesMut,
    /// The values that are kept with the last piece.
    kept: Vec<K>,
    closed: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Piece<K> {
    bytes: Bytes,
    _kept: Vec<K>,
}

/// The transport's end of the queue.
#[derive(Debug)]
pub(super) struct QueueBody<K>(Queue<K>);

impl<K> Queue<K> {
    pub(super) fn body(&self) -> QueueBody<K> {
        QueueBody(self.clone())
    }

    /// Returns how many bytes the transport has not accepted yet.
    pub(super) fn unsent(&self) -> usize {
        let waiting = self.waiting();
        let full = waiting.full.iter().map(|piece| piece.bytes.len());
        full.sum::<usize>() + waiting.bytes.len()
    }

    /// Sends a message about a call: all of `parts`, one after the other.
    pub(super) fn send(&self, number: u32, parts: &[&[u8]], keep: Option<K>) {
        self.change(|waiting| {
            if waiting.closed {
                return;
            }
            let length = parts.iter().map(|part| part.len()).sum::<usize>() + size_of::<u32>();
            let space = length + size_of::<u32>();
            if waiting.bytes.capacity() - waiting.bytes.len() < space {
                let full = waiting.take();
                waiting.full.extend(full);
                waiting.bytes = BytesMut::with_capacity(space.max(PIECE));
            }
            // The length fits: no message is longer than the limits above.
            waiting.bytes.put_u32(length as u32);
            waiting.bytes.put_u32(number);
            parts.iter().for_each(|part| waiting.bytes.extend_from_slice(part));
            waiting.kept.extend(keep);
        });
    }

    /// Closes the queue: no further message is sent.
    pub(super) fn close(&self) {
        self.change(|waiting| waiting.closed = true);
    }

    fn change(&self, change: impl FnOnce(&mut Waiting<K>)) {
        let waker = {
            let mut waiting = self.waiting();
            change(&mut waiting);
            waiting.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Queue<K> {
        Queue(self.0.clone())
    }
}

impl<K> Default for Queue<K> {
    fn default() -> Queue<K> {
        Queue(Arc::default())
    }
}

impl<K> Default for Waiting<K> {
    fn default() -> Waiting<K> {
        let (full, kept) = (VecDeque::new(), Vec::new());
        Waiting { full, bytes: BytesMut::new(), kept, closed: false, waker: None }
    }
}

impl<K> Waiting<K> {
    /// Takes the last piece, if it is not empty.
    fn take(&mut self) -> Option<Piece<K>> {
        let _kept = mem::take(&mut self.kept);
        let bytes = self.bytes.split().freeze();
        (!bytes.is_empty()).then_some(Piece { bytes, _kept })
    }
}

impl<K> HttpBody for QueueBody<K> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut waiting = self.0.waiting();
        let piece = waiting.full.pop_front();
        if let Some(Piece { bytes, .. }) = piece.or_else(|| waiting.take()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if waiting.closed {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<K> Drop for QueueBody<K> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        *waiting = Waiting { closed: true, ..Waiting::default() };
    }
}

/// Splits a message into the number of its call and the rest.
pub(super) fn numbered(mut message: Bytes) -> Option<(u32, Bytes)> {
    let number = u32::from_be_bytes(*message.first_chunk()?);
    Some((number, message.split_off(size_of::<u32>())))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::*;

    fn next(body: &mut QueueBody<()>) -> Option<Option<Bytes>> {
        let frame = body.frame().now_or_never()?;
        Some(frame.map(|frame| frame.unwrap().into_data().unwrap()))
    }

    #[test]
    fn messages_that_wait_together_are_sent_in_one_piece() {
        let queue = Queue::<()>::default();
        let mut body = queue.body();
        assert_eq!(next(&mut body), None);
        queue.send(1, &[b"ab", b"c"], None);
        queue.send(2, &[b"d"], None);
        let sent = next(&mut body).unwrap().unwrap();
        assert_eq!(&sent[..], b"\0\0\0\x07\0\0\0\x01abc\0\0\0\x05\0\0\0\x02d");
        assert_eq!(numbered(sent.slice(4..11)), Some((1, Bytes::from_static(b"abc"))));
        queue.close();
        assert_eq!(next(&mut body), Some(None));
    }

    #[test]
    fn messages_that_fill_several_pieces_are_sent_in_order() {
        let queue = Queue::<()>::default();
        let mut body = queue.body();
        for number in 0..100u8 {
            queue.send(number.into(), &[&[number; 3000]], None);
        }
        queue.close();
        let mut sent = Vec::new();
        while let Some(Some(piece)) = next(&mut body) {
            assert!(piece.len() <= PIECE);
            sent.extend_from_slice(&piece);
        }
        let numbers = sent.chunks_exact(3008).map(|message| (message[7], message[3007]));
        assert!(numbers.eq((0..100).map(|number| (number, number))) && sent.len() == 300_800);
    }

    #[test]
    fn messages_without_a_receiver_take_no_memory() {
        let queue = Queue::<()>::default();
        drop(queue.body());
        queue.send(1, &[&[0; 1000]], None);
        assert!(queue.waiting().bytes.is_empty());
    }
}
