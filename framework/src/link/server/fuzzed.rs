//! The entry point of the fuzz target of multiplexed calls at the back end.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::permits::Permits;
use super::{Server, ServerOptions, multiplex};
use crate::body::{Body, BodyError};
use crate::clock::Moment;
use crate::link::multiplex::{Queue, ServerMessage};
use crate::link::{
    Admission, Answer, AnswerContent, BackEndRefusal, Call, Departure, FeedBatch, FileLookup,
    FoundFiles, Grant, Greeting, Holdings, Host, MemberId, Open,
};
use crate::log::{ContentId, Epoch, LogEpoch, LogId, Position};

/// The result of serving a stream of multiplexed calls.
#[derive(Debug)]
pub struct ServedCalls {
    /// The bytes that were sent to the front end.
    pub said: Vec<u8>,
    /// The answers that were fetched with the tickets in it: an encoded answer, preceded by its
    /// length, and its body.
    pub fetched: Vec<(u64, Bytes, Bytes)>,
    /// Why the stream was not read to its end.
    pub error: Option<String>,
    /// The number of permits that are available in the end.
    pub permits: usize,
}

/// Answers the calls of `stream` with their own targets. An answer to a method other than `GET` is held.
pub async fn serve_calls<S: HttpBody<Data = Bytes, Error = hyper::Error> + Unpin>(
    stream: S,
    permits: usize,
) -> ServedCalls {
    let server = Arc::new(Server {
        host: Arc::new(Echo),
        options: ServerOptions::default(),
        calls: TaskTracker::new(),
        feeds: TaskTracker::new(),
        held: Arc::default(),
        draining: CancellationToken::new(),
        goodbye: CancellationToken::new(),
    });
    let available = Arc::new(Semaphore::new(permits));
    let open = Permits::new(available.clone());
    let queue = Queue::default();
    let mut unsent = queue.body();
    let serving = multiplex::serve_all(&server, stream, &queue, &open);
    let reading = async {
        let (mut said, mut fetched) = (Vec::new(), Vec::new());
        while let Some(Ok(frame)) = unsent.frame().await {
            let piece = frame.into_data().expect("a queue has no trailers");
            said.extend_from_slice(&piece);
            let mut rest = &piece[..];
            while let Some((length, after)) = rest.split_first_chunk() {
                let (message, after) = after.split_at(u32::from_be_bytes(*length) as usize);
                rest = after;
                let message = postcard::take_from_bytes(&message[size_of::<u32>()..]);
                if let Ok((ServerMessage::Held(ticket), _)) = message {
                    let Some(((answer, body), tokens)) = server.held.take(ticket) else { continue };
                    let body = body.collect(u64::MAX).await.expect("it does not break");
                    fetched.push((ticket, answer, body));
                    drop(tokens);
                }
            }
        }
        (said, fetched)
    };
    let (served, (said, fetched)) = tokio::join!(serving, reading);
    let error = served.err().map(|error| error.to_string());
    let permits = available.available_permits();
    ServedCalls { said, fetched, error, permits }
}

/// A back end whose answers are the targets that it was asked for.
struct Echo;

impl Host for Echo {
    async fn call(&self, call: Call, _: Body) -> (Answer, Body) {
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            content: AnswerContent::Body,
            groups: Vec::new(),
            recorded: Some(Vec::new()),
            widened: None,
            cache: None,
            has_session: false,
            flash: None,
            session: None,
            log: LogEpoch { id: LogId(1), epoch: Epoch(1) },
            as_of: call.applied,
        };
        let target = Bytes::from(call.uri);
        let body = match &*call.method {
            "GET" => Body::from(target),
            _ => Body::stream(StreamBody::new(stream::iter([Ok::<_, BodyError>(Frame::data(
                target,
            ))]))),
        };
        (answer, body)
    }

    fn greeting(&self) -> Greeting {
        unreachable!("{NO_CALL}")
    }

    async fn admit(&self, _: Open) -> Result<Admission, BackEndRefusal> {
        unreachable!("{NO_CALL}")
    }

    fn committed(&self) -> Position {
        unreachable!("{NO_CALL}")
    }

    async fn wait_beyond(&self, _: Position) {
        unreachable!("{NO_CALL}")
    }

    async fn records(
        &self,
        _: Position,
        _: Position,
        _: usize,
    ) -> Result<FeedBatch, BackEndRefusal> {
        unreachable!("{NO_CALL}")
    }

    fn acknowledge(&self, _: MemberId, _: Position) {
        unreachable!("{NO_CALL}")
    }

    fn grant(&self, _: MemberId, _: Moment, _: Option<std::time::Duration>) -> Grant {
        unreachable!("{NO_CALL}")
    }

    fn report(&self, _: MemberId, _: Holdings) {
        unreachable!("{NO_CALL}")
    }

    async fn lookup(&self, _: FileLookup) -> Result<FoundFiles, BackEndRefusal> {
        unreachable!("{NO_CALL}")
    }

    async fn content(&self, _: ContentId, _: u64) -> Result<Option<Body>, BackEndRefusal> {
        unreachable!("{NO_CALL}")
    }

    fn leave(&self, _: MemberId, _: Departure) {
        unreachable!("{NO_CALL}")
    }
}

const NO_CALL: &str = "only calls are multiplexed";
