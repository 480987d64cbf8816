//! The entry points of the link's fuzz targets: its frames, its messages and its multiplexed calls.

use bytes::Bytes;
use http_body::Body;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use super::client::fuzzed::{CallOutcome, MultiplexedCalls, multiplexed};
use super::feed::{Down, Up};
use super::files::{Fetch, Fetched};
use super::frame::{FrameError, Frames};
pub use super::server::fuzzed::{ServedCalls, serve_calls};
use super::{Answer, Call, FileLookup, FoundFiles, Greeting};

/// Reads a stream of messages to its end. Returns the messages, and the error that ended it early.
pub async fn read_all<S>(stream: S, limit: usize) -> (Vec<Bytes>, Option<String>)
where
    S: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let mut frames = Frames::new(stream, limit);
    let mut messages = Vec::new();
    loop {
        match frames.message().await {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, None),
            Err(error) => return (messages, Some(FrameError::to_string(&error))),
        }
    }
}

/// Returns the message, preceded by its length.
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), message].concat()
}

/// For each kind of message that `bytes` can be decoded as, returns the message encoded again.
pub fn encoded_again(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let kinds = [
        again::<Up>,
        again::<Down>,
        again::<Call>,
        again::<Answer>,
        again::<Greeting>,
        again::<FileLookup>,
        again::<FoundFiles>,
        again::<Fetch>,
        again::<Fetched>,
    ];
    kinds.into_iter().enumerate().filter_map(|(kind, again)| Some((kind, again(bytes)?)))
}

fn again<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Vec<u8>> {
    let message: T = postcard::from_bytes(bytes).ok()?;
    Some(postcard::to_stdvec(&message).expect("what was decoded has a form in postcard"))
}
