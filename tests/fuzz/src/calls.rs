//! Multiplexed calls as a back end reads them: each is answered once unless it is cancelled, and all permits are
//! released.

use std::collections::BTreeMap;

use headwater::internals::link::fuzzed::serve_calls;
use headwater::internals::link::{Answer, Call};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::runtime::{Builder, Runtime};

use super::in_pieces;

/// The longest message, in bytes.
const LIMIT: usize = 20 * 1024;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("it is one");
}

/// `data` is the size of a piece in one byte, the number of permits in another, and the bytes of a front end.
pub fn run(data: &[u8]) {
    let [size, permits, sent @ ..] = data else { return };
    let permits = usize::from(*permits % 8);
    let stream = in_pieces(sent, usize::from(*size) + 1).map_err(|never| match never {});
    let served = RUNTIME.with(|runtime| runtime.block_on(serve_calls(stream, permits)));
    let (asked, is_whole) = asked(sent);
    assert_eq!(served.error.is_none(), is_whole);
    assert_eq!(served.permits, permits, "all come back");

    let mut answered: BTreeMap<u32, usize> = BTreeMap::new();
    let mut tickets = served.fetched.iter();
    let mut said = &served.said[..];
    while let Some((number, message)) = message(&mut said).expect("it is well-formed") {
        *answered.entry(number).or_default() += 1;
        let calls = asked.get(&number).expect("it was asked");
        let (message, rest) = postcard::take_from_bytes(message).expect("it is a message");
        let (answer, body) = match message {
            Message::Answered => whole(rest),
            Message::Held(ticket) => {
                // The answer to a cancelled call is discarded.
                let fetched = tickets.clone().next().filter(|fetched| fetched.0 == ticket);
                let Some((_, answer, body)) = fetched else {
                    assert!(calls.is_doubtful(), "it is held");
                    continue;
                };
                tickets.next();
                (whole(answer).0, &body[..])
            }
            Message::Refused(status, _) => {
                let all = asked.values().map(|calls| calls.calls.len()).sum::<usize>();
                assert!(status == 503 && all > permits, "there was a permit");
                continue;
            }
            Message::Goodbye => unreachable!("the back end goes on"),
        };
        let is_answer = |call: &Call| call.applied == answer.as_of && call.uri.as_bytes() == body;
        assert!(answer.status == 200 && calls.calls.iter().any(is_answer), "it is its own answer");
    }
    assert_eq!(tickets.next(), None);
    for (number, calls) in &asked {
        let answered = answered.get(number).copied().unwrap_or_default();
        assert!(answered <= calls.calls.len(), "an answer more than calls");
        assert!(calls.is_doubtful() || answered == calls.calls.len(), "a call without an answer");
    }
}

/// The calls and cancellations sent under one number.
#[derive(Default)]
struct Asked {
    calls: Vec<Call>,
    is_cancelled: bool,
}

impl Asked {
    /// Whether a call may remain unanswered. Another call with the same number takes the permit of the previous one.
    fn is_doubtful(&self) -> bool {
        self.is_cancelled || self.calls.len() > 1
    }
}

/// A message of the back end in version 6 of the link.
#[derive(Debug, Deserialize)]
enum Message {
    Answered,
    Held(u64),
    Refused(u16, #[expect(dead_code, reason = "any message will do")] String),
    Goodbye,
}

/// Parses the calls before the stream ends or is malformed, and returns whether it is well-formed.
fn asked(sent: &[u8]) -> (BTreeMap<u32, Asked>, bool) {
    let mut asked = BTreeMap::<u32, Asked>::new();
    let mut rest = sent;
    loop {
        let Ok(Some((number, message))) = message(&mut rest) else {
            return (asked, rest.is_empty());
        };
        if message.is_empty() {
            asked.entry(number).or_default().is_cancelled = true;
        } else if let Ok(call) = postcard::from_bytes(message) {
            asked.entry(number).or_default().calls.push(call);
        } else {
            return (asked, false);
        }
    }
}

#[derive(Debug)]
struct Malformed;

/// Parses the next message and the number of its call.
fn message<'a>(rest: &mut &'a [u8]) -> Result<Option<(u32, &'a [u8])>, Malformed> {
    let Some((length, after)) = rest.split_first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    let whole = after.split_at_checked(length).filter(|_| length <= LIMIT);
    let (message, after) = whole.ok_or(Malformed)?;
    let (number, message) = message.split_first_chunk().ok_or(Malformed)?;
    *rest = after;
    Ok(Some((u32::from_be_bytes(*number), message)))
}

/// Parses an answer after its length, and returns the rest.
fn whole(bytes: &[u8]) -> (Answer, &[u8]) {
    let (length, rest) = bytes.split_first_chunk().expect("it has a length");
    let (answer, body) = rest.split_at(u32::from_be_bytes(*length) as usize);
    (postcard::from_bytes(answer).expect("it is an answer"), body)
}
