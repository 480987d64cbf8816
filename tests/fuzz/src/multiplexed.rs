//! A back end's messages about multiplexed calls, compared with an independent parser.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use headwater::internals::link::fuzzed::{CallOutcome, MultiplexedCalls, frame, multiplexed};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Deserialize;

const CALLS: [&[u8]; 4] = [b"first", b"second", b"", b"fourth"];
const LATER: &[u8] = b"later";

/// The longest message, in bytes.
const LIMIT: usize = 68 * 1024;

/// `data` is the size of a piece in one byte, flags for the dropped calls and for the end of the stream in another, and
/// the bytes of the back end.
pub fn run(data: &[u8]) {
    let [size, flags, said @ ..] = data else { return };
    let is_dropped = |index: usize| flags >> index & 1 == 1;
    let ends = flags >> CALLS.len() & 1 == 1;
    let calls = multiplexed(pieces(said, *size, ends), &CALLS, is_dropped, LATER);
    assert_eq!(calls, expected(said, ends, is_dropped));
}

fn pieces(
    said: &[u8],
    size: u8,
    ends: bool,
) -> impl http_body::Body<Data = Bytes, Error = hyper::Error> + Unpin {
    let pieces = said.chunks(usize::from(size) + 1).map(Bytes::copy_from_slice);
    let pieces = pieces.map(|piece| Ok(Frame::data(piece))).collect::<Vec<_>>();
    let rest = if ends { stream::empty().left_stream() } else { stream::pending().right_stream() };
    StreamBody::new(stream::iter(pieces).chain(rest))
}

/// A message of the back end in version 6 of the link.
#[derive(Debug, Deserialize)]
enum Message {
    Answered,
    Held(u64),
    Refused(u16, String),
    Goodbye,
}

fn expected(said: &[u8], ends: bool, is_dropped: impl Fn(usize) -> bool) -> MultiplexedCalls {
    let kept: Vec<usize> = (0..CALLS.len()).filter(|index| !is_dropped(*index)).collect();
    let mut answers = BTreeMap::new();
    let mut is_leaving = false;
    let mut rest = said;
    let has_ended = loop {
        match message(&mut rest) {
            Err(Malformed) => break true,
            Ok(None) => break ends,
            Ok(Some((_, Message::Goodbye, _))) => is_leaving = true,
            Ok(Some((number, message, rest))) => {
                answers.entry(number).or_insert_with(|| outcome(message, rest));
            }
        }
    };
    let is_open = !has_ended && !is_leaving;
    let answer = |index: usize| answers.get(&(index as u32 + 1));
    let outcomes = kept.iter().map(|index| match answer(*index) {
        None if has_ended => Some(Err("the stream of the calls has ended".to_owned())),
        answer => answer.cloned(),
    });

    let message =
        |index: usize, call: &[u8]| frame(&[&(index as u32 + 1).to_be_bytes()[..], call].concat());
    let mut sent: Vec<_> = CALLS.iter().enumerate().map(|(at, call)| message(at, call)).collect();
    sent.extend((0..CALLS.len()).filter(|at| is_dropped(*at)).map(|at| message(at, b"")));
    if is_open {
        sent.extend([message(CALLS.len(), LATER), message(CALLS.len(), b"")]);
        // Calls without a complete answer are cancelled.
        let has_permit =
            |index: &usize| matches!(answer(*index), None | Some(Ok(CallOutcome::Held(_))));
        sent.extend(kept.iter().copied().filter(has_permit).map(|at| message(at, b"")));
    }
    MultiplexedCalls { outcomes: outcomes.collect(), is_open, is_leaving, sent: sent.concat() }
}

struct Malformed;

/// The number of a call, a message about it, and the rest of the bytes.
type Numbered<'a> = (u32, Message, &'a [u8]);

/// Parses the next message; returns `None` when it is incomplete.
fn message<'a>(rest: &mut &'a [u8]) -> Result<Option<Numbered<'a>>, Malformed> {
    let Some((length, after)) = rest.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if length > LIMIT {
        return Err(Malformed);
    }
    let Some((message, after)) = after.split_at_checked(length) else { return Ok(None) };
    *rest = after;
    let (number, message) = message.split_first_chunk().ok_or(Malformed)?;
    let (message, after) = postcard::take_from_bytes(message).map_err(|_| Malformed)?;
    Ok(Some((u32::from_be_bytes(*number), message, after)))
}

fn outcome(message: Message, rest: &[u8]) -> Result<CallOutcome, String> {
    match message {
        Message::Held(ticket) => Ok(CallOutcome::Held(ticket)),
        Message::Refused(status, message) => Ok(CallOutcome::Refused(status, message)),
        Message::Answered | Message::Goodbye => {
            let whole = rest.split_first_chunk().and_then(|(length, rest)| {
                rest.split_at_checked(u32::from_be_bytes(*length) as usize)
            });
            let (answer, body) = whole.ok_or("an answer is torn")?;
            Ok(CallOutcome::Answered(answer.to_vec(), body.to_vec()))
        }
    }
}
