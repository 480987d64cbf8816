use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body as HttpBody, Frame};
use hyper::body::Incoming;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{FAREWELL, Server};
use crate::body::{Body, BodyError};
use crate::clock::Moment;
use crate::link::feed::{Down, Open, SnapshotPiece, Up, Welcome};
use crate::link::frame::{self, Frames};
use crate::link::{BackEndRefusal, DOWN_LIMIT, Departure, Grant, Host, MemberId, UP_LIMIT};
use crate::log::Position;

/// How long a front end may take to introduce itself.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// The approximate number of bytes of records in one message. For a front end that does not read,
/// two messages are kept here, besides the bytes in its window.
const BATCH: usize = 64 * 1024;
/// A feed ends if its front end asks for no lease during two lease times, but not sooner than after
/// this.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(2);

/// Starts a front end's feed.
pub(super) fn answer<H: Host>(server: Arc<Server<H>>, up: Incoming) -> Response<Body> {
    let (down, messages) = mpsc::channel(1);
    let down = Downlink(down);
    let feed = {
        let server = server.clone();
        async move {
            let up = Frames::new(up, UP_LIMIT);
            if let Err(end) = serve(&*server.host, &server.goodbye, up, &down).await {
                tracing::info!("a feed was closed: {end}");
            }
        }
    };
    server.feeds.spawn(feed);
    Response::new(Body::stream(Messages(messages)))
}

/// Why a feed ended before its time.
#[derive(Debug, thiserror::Error)]
enum FeedEnd {
    #[error("the feed did not begin with an introduction")]
    Stranger,
    #[error("front end {0} was not admitted: {1}")]
    Refused(String, BackEndRefusal),
    #[error("front end {0} is gone: {1}")]
    Gone(String, String),
    #[error("front end {0} cannot be served: {1}")]
    Host(String, BackEndRefusal),
}

/// Serves one feed to its end.
async fn serve<H: Host>(
    host: &H,
    goodbye: &CancellationToken,
    mut up: Frames,
    down: &Downlink,
) -> Result<(), FeedEnd> {
    let open = match tokio::time::timeout(OPEN_TIMEOUT, up.next()).await {
        Ok(Ok(Some(Up::Open(open)))) => open,
        Ok(_) | Err(_) => return Err(FeedEnd::Stranger),
    };
    let name = open.name.clone();
    let member = match FollowingMember::admit(host, open).await {
        Ok((member, welcome, snapshot)) => {
            tracing::info!("front end {name} follows from position {}", welcome.start);
            member.welcome(welcome, snapshot, down).await.map_err(|gone| gone.of(&name))?;
            member
        }
        Err(refusal) => {
            let message = refusal.message.clone();
            let _ = down.send(&Down::Refused { message }).await;
            return Err(FeedEnd::Refused(name, refusal));
        }
    };
    let ended = tokio::select! {
        ended = member.listen(&mut up) => ended,
        ended = member.speak(down) => ended,
        () = goodbye.cancelled() => Ok(()),
        () = down.closed() => Err(FeedProblem::gone("it closed the connection")),
    };
    match ended {
        Ok(()) => {
            // The host records the departure before the front end receives the goodbye.
            drop(member);
            let farewell = down.send(&Down::Goodbye);
            let _ = tokio::time::timeout(FAREWELL, farewell).await;
            tracing::info!("the feed of front end {name} has ended");
            Ok(())
        }
        Err(problem) => Err(problem.of(&name)),
    }
}

/// Why a feed ends, without the front end's name.
#[derive(Debug)]
enum FeedProblem {
    Gone(String),
    Host(BackEndRefusal),
}

impl FeedProblem {
    fn gone(reason: impl ToString) -> FeedProblem {
        FeedProblem::Gone(reason.to_string())
    }

    fn of(self, name: &str) -> FeedEnd {
        match self {
            FeedProblem::Gone(reason) => FeedEnd::Gone(name.to_owned(), reason),
            FeedProblem::Host(refusal) => FeedEnd::Host(name.to_owned(), refusal),
        }
    }
}

/// A front end that was admitted. Dropping it reports its departure to the host.
struct FollowingMember<'a, H: Host> {
    host: &'a H,
    id: MemberId,
    start: Position,
    /// How long it may be silent.
    patience: Duration,
    /// The position up to which records have been sent.
    sent: AtomicU64,
    /// The renewal that must be answered next.
    renewal: watch::Sender<Option<Renewal>>,
    /// Whether it has announced that it leaves.
    has_said_goodbye: AtomicBool,
}

/// The answer to a renewal, which follows the records up to `through`.
#[derive(Debug, Clone, Copy)]
struct Renewal {
    through: Position,
    stamp: u64,
    is_given: bool,
}

impl<'a, H: Host> FollowingMember<'a, H> {
    async fn admit(
        host: &'a H,
        open: Open,
    ) -> Result<(FollowingMember<'a, H>, Welcome, Vec<SnapshotPiece>), BackEndRefusal> {
        let admission = host.admit(open).await?;
        let member = FollowingMember {
            host,
            id: admission.member,
            start: admission.start,
            patience: admission.lease.saturating_mul(2).max(SHORTEST_PATIENCE),
            sent: AtomicU64::new(admission.start.0),
            renewal: watch::Sender::new(None),
            has_said_goodbye: AtomicBool::new(false),
        };
        let welcome = Welcome {
            log: admission.log,
            fingerprint: admission.fingerprint,
            lease: admission.lease,
            backend: admission.backend,
            start: admission.start,
            resumed: admission.resumed,
            openings: admission.openings,
            snapshot: u32::try_from(admission.snapshot.len()).map_err(|_| BackEndRefusal {
                message: "the snapshot has too many pieces".to_owned(),
            })?,
        };
        Ok((member, welcome, admission.snapshot))
    }

    async fn welcome(
        &self,
        welcome: Welcome,
        snapshot: Vec<SnapshotPiece>,
        down: &Downlink,
    ) -> Result<(), FeedProblem> {
        down.send(&Down::Welcome(welcome)).await?;
        for piece in snapshot {
            down.send(&Down::Snapshot { piece }).await?;
        }
        Ok(())
    }

    /// Reads the front end's messages, until it leaves.
    async fn listen(&self, up: &mut Frames) -> Result<(), FeedProblem> {
        loop {
            let received = tokio::time::timeout(self.patience, up.next()).await;
            let received =
                received.map_err(|_| FeedProblem::gone("it no longer asks for a lease"))?;
            match received.map_err(FeedProblem::gone)? {
                Some(Up::Ack { position }) => {
                    if position.0 > self.sent.load(Ordering::Relaxed) {
                        return Err(FeedProblem::gone(
                            "it acknowledged a record that was not sent",
                        ));
                    }
                    self.host.acknowledge(self.id, position);
                }
                Some(Up::Holdings(holdings)) => {
                    self.host.report(self.id, holdings);
                }
                Some(Up::Renew { stamp, answer_took }) => {
                    // The grant comes before the position: the argument in the module documentation
                    // relies on it.
                    let grant = self.host.grant(self.id, Moment::from_nanos(stamp), answer_took);
                    if grant == Grant::Unknown {
                        return Err(FeedProblem::gone("it follows another feed now"));
                    }
                    let is_given = grant == Grant::Given;
                    let through = self.host.committed();
                    self.renewal.send_replace(Some(Renewal { through, stamp, is_given }));
                }
                Some(Up::Leave) => {
                    self.has_said_goodbye.store(true, Ordering::Relaxed);
                    return Ok(());
                }
                Some(Up::Open(_)) => return Err(FeedProblem::gone("it introduced itself twice")),
                None => return Err(FeedProblem::gone("it closed the feed")),
            }
        }
    }

    /// Sends the records, and answers renewals after them.
    async fn speak(&self, down: &Downlink) -> Result<(), FeedProblem> {
        let mut renewals = self.renewal.subscribe();
        let mut sent = self.start;
        loop {
            let renewal = match renewals.has_changed() {
                Ok(true) => *renewals.borrow_and_update(),
                Ok(false) | Err(_) => None,
            };
            let through = renewal.map_or_else(|| self.host.committed(), |it| it.through);
            while sent < through {
                sent = self.send_records(sent, through, down).await?;
            }
            if let Some(Renewal { stamp, is_given, .. }) = renewal {
                let answer = match is_given {
                    true => Down::Renewed { stamp },
                    false => Down::Withheld { stamp },
                };
                down.send(&answer).await?;
                continue;
            }
            tokio::select! {
                () = self.host.wait_beyond(sent) => {}
                _ = renewals.changed() => renewals.mark_changed(),
            }
        }
    }

    /// Sends the next run of the log, and returns its last position.
    async fn send_records(
        &self,
        after: Position,
        through: Position,
        down: &Downlink,
    ) -> Result<Position, FeedProblem> {
        let batch = self.host.records(after, through, BATCH).await.map_err(FeedProblem::Host)?;
        if batch.through <= after {
            let message = format!("the log has nothing after position {after}");
            return Err(FeedProblem::Host(BackEndRefusal { message }));
        }
        // Stored before sending: the acknowledgement may arrive at once.
        self.sent.store(batch.through.0, Ordering::Relaxed);
        let reached = batch.through;
        down.send(&Down::Records { records: batch.records, through: reached }).await?;
        Ok(reached)
    }
}

impl<H: Host> Drop for FollowingMember<'_, H> {
    fn drop(&mut self) {
        let departure = match self.has_said_goodbye.load(Ordering::Relaxed) {
            true => Departure::Goodbye,
            false => Departure::Cut,
        };
        self.host.leave(self.id, departure);
    }
}

/// The channel of messages to the front end.
struct Downlink(mpsc::Sender<Bytes>);

impl Downlink {
    /// Waits until the transport has room for another message.
    async fn send(&self, message: &Down) -> Result<(), FeedProblem> {
        let message = frame::encode(message, DOWN_LIMIT).map_err(|error| {
            FeedProblem::Host(BackEndRefusal {
                message: format!("a message cannot be sent: {error}"),
            })
        })?;
        self.0.send(message).await.map_err(|_| FeedProblem::gone("it closed the connection"))
    }

    /// Waits until the front end has disconnected.
    async fn closed(&self) {
        self.0.closed().await;
    }
}

/// The messages that the transport reads.
struct Messages(mpsc::Receiver<Bytes>);

impl HttpBody for Messages {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.poll_recv(context).map(|message| message.map(|bytes| Ok(Frame::data(bytes))))
    }
}
