use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::{oneshot, watch};

use super::LinkOptions;
use super::session::{self, Problem};
use crate::body::Body;
use crate::link::bundle::{LONGEST, MOST_UNSENT, OVERHEAD, PLACES, Queue, Told, numbered};
use crate::link::frame::{FrameError, Frames};
use crate::link::wire::Wire;

/// The stream that short calls of a connection share.
#[derive(Debug)]
pub(super) struct Bundle {
    calls: Arc<Mutex<Calls>>,
    queue: Queue,
}

#[derive(Debug, Default)]
struct Calls {
    /// Whether no more may be asked.
    closed: bool,
    /// Whether the back end takes leave.
    leaving: bool,
    last: u32,
    /// How many have a place at the back end, or may have one.
    open: usize,
    /// Who waits for which.
    waiting: HashMap<u32, oneshot::Sender<(Told, Bytes)>>,
}

/// The answer to a call that is waited for.
pub(super) struct Answering {
    calls: Arc<Mutex<Calls>>,
    queue: Queue,
    number: u32,
    told: oneshot::Receiver<(Told, Bytes)>,
    /// Whether the answer is, or was, to be fetched.
    is_parked: bool,
}

/// What a back end says of a call.
pub(super) enum Reply {
    /// The encoded answer, and its body.
    Answered(Bytes, Body),
    /// It is to be fetched with this ticket.
    Parked(u64),
    Refused(u16, String),
}

impl Bundle {
    /// Opens the stream. Tells `changed` when the back end takes leave.
    pub(super) async fn open(
        options: &LinkOptions,
        sender: &mut SendRequest<Wire>,
        changed: watch::Sender<()>,
    ) -> Result<Bundle, Problem> {
        let queue = Queue::default();
        let body = Wire::new(Bytes::new(), Body::stream(queue.body()));
        let uri = session::uri(options, "calls");
        let response = sender.send_request(session::request(options, uri, body)).await?;
        let stream = session::accepted(options, response).await?;
        let calls = Arc::<Mutex<Calls>>::default();
        // It ends with the stream. Who drops the bundle may still have answers to come.
        tokio::spawn(read(stream, calls.clone(), queue.clone(), changed));
        Ok(Bundle { calls, queue })
    }

    /// Whether the back end takes leave: then it is to be asked nothing more.
    pub(super) fn is_leaving(&self) -> bool {
        lock(&self.calls).leaving
    }

    /// Asks. `None` if no more may be asked here, or not at the moment.
    pub(super) fn ask(&self, call: &[u8]) -> Option<Answering> {
        let (sender, told) = oneshot::channel();
        let mut calls = lock(&self.calls);
        if calls.closed || calls.open >= PLACES || self.queue.unsent() > MOST_UNSENT {
            return None;
        }
        // It is long since one that is waiting had this number, but not for ever.
        let number = calls.last.wrapping_add(1).max(1);
        calls.last = number;
        if calls.waiting.contains_key(&number) {
            return None;
        }
        calls.waiting.insert(number, sender);
        calls.open += 1;
        // Before it can be closed.
        self.queue.say(number, &[call], None);
        drop(calls);
        Some(Answering {
            calls: self.calls.clone(),
            queue: self.queue.clone(),
            number,
            told,
            is_parked: false,
        })
    }
}

impl Answering {
    /// What the back end says.
    ///
    /// # Errors
    /// A sentence, when it says nothing any more, or nothing that can be understood.
    pub(super) async fn reply(&mut self) -> Result<Reply, String> {
        let told = (&mut self.told).await;
        let (told, mut rest) = told.map_err(|_| "the stream of the calls has ended".to_owned())?;
        match told {
            Told::Answered => {
                let answer =
                    rest.try_get_u32().ok().filter(|length| *length as usize <= rest.len());
                let length = answer.ok_or("an answer is torn")?;
                let answer = rest.split_to(length as usize);
                // A visitor may take long over it, and what it was cut from holds other answers too.
                let body = Body::from(Bytes::copy_from_slice(&rest));
                Ok(Reply::Answered(answer, body))
            }
            Told::Parked(ticket) => {
                self.is_parked = true;
                Ok(Reply::Parked(ticket))
            }
            Told::Refused(status, message) => Ok(Reply::Refused(status, message)),
            Told::Goodbye => Err("a call was answered with a goodbye".to_owned()),
        }
    }
}

/// Who does not wait any more says so, unless there is nothing left to wait for. An answer that is
/// fetched must have been by then.
impl Drop for Answering {
    fn drop(&mut self) {
        let mut calls = lock(&self.calls);
        calls.open -= 1;
        let is_awaited = calls.waiting.remove(&self.number).is_some();
        let mut is_parked = || matches!(self.told.try_recv(), Ok((Told::Parked(_), _)));
        if is_awaited || self.is_parked || is_parked() {
            // Before another call can ask for its place.
            self.queue.say(self.number, &[], None);
        }
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Reads to the end of the stream.
async fn read(
    stream: Incoming,
    calls: Arc<Mutex<Calls>>,
    queue: Queue,
    changed: watch::Sender<()>,
) {
    let mut frames = Frames::new(stream, LONGEST + OVERHEAD);
    if let Err(error) = read_all(&mut frames, &calls, &queue, &changed).await {
        tracing::debug!("the stream of the calls broke: {error}");
    }
    let mut calls = lock(&calls);
    calls.closed = true;
    calls.waiting.clear();
    queue.close();
}

async fn read_all(
    frames: &mut Frames,
    calls: &Mutex<Calls>,
    queue: &Queue,
    changed: &watch::Sender<()>,
) -> Result<(), FrameError> {
    while let Some(message) = frames.message().await? {
        let (number, said) = numbered(message).ok_or(FrameError::Torn)?;
        let (told, rest) =
            postcard::take_from_bytes::<Told>(&said).map_err(FrameError::Malformed)?;
        let rest = said.slice_ref(rest);
        if told == Told::Goodbye {
            {
                let mut calls = lock(calls);
                (calls.closed, calls.leaving) = (true, true);
                queue.close();
            }
            changed.send_replace(());
            continue;
        }
        // Who has stopped waiting needs no answer, and has said so.
        if let Some(waiting) = lock(calls).waiting.remove(&number) {
            let _ = waiting.send((told, rest));
        }
    }
    Ok(())
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}
