use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::backoff::Backoff;
use super::session::{self, GREETING_TIMEOUT, SessionProblem};
use super::slot::{Slot, within};
use super::uplink::Uplink;
use super::{FAREWELL, Shared};
use crate::clock::Moment;
use crate::link::connector::Purpose;
use crate::link::feed::{Down, FeedRecord, Followed, SnapshotPiece, Welcome};
use crate::link::frame::Frames;
use crate::link::{DOWN_LIMIT, Follower};
use crate::log::Position;

/// How long a back end may take to admit a front end: it must write to its log.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(30);
/// The shortest lease that is accepted; a shorter one counts as this.
const SHORTEST_LEASE: Duration = Duration::from_millis(4);
/// The shortest silence after which a feed is given up: a busy machine must not lose it.
const SHORTEST_SILENCE: Duration = Duration::from_secs(1);

/// Follows the feed of one back end at a time, until the front end leaves.
pub(super) async fn follow<F: Follower>(
    shared: Arc<Shared>,
    follower: Arc<F>,
    leaving: CancellationToken,
) {
    let mut backoff = Backoff::new();
    let mut failures = 0;
    for slot in shared.slots.iter().cycle() {
        if leaving.is_cancelled() {
            break;
        }
        if shared.is_foreign(slot, &*follower) {
            failures += 1;
        } else {
            let mut answered = false;
            let following = shared.follow_one(slot, &*follower, &leaving, &mut answered);
            let end = AssertUnwindSafe(following).catch_unwind().await;
            shared.set_followed(slot, None);
            shared.lease_withheld.store(false, Ordering::Relaxed);
            match end.unwrap_or(Err(SessionProblem::Panicked)) {
                Ok(()) => break,
                Err(problem) => slot.failed(&problem),
            }
            if answered {
                backoff.reset();
                failures = 0;
            } else {
                failures += 1;
            }
        }
        if failures > 0 && failures % shared.slots.len() == 0 {
            tokio::select! {
                () = backoff.wait() => {}
                () = leaving.cancelled() => {}
            }
        }
    }
    shared.left.send_replace(true);
}

impl Shared {
    /// Returns whether following this back end would drop the cache while another back end still
    /// has the log that was followed so far.
    fn is_foreign(&self, slot: &Slot, follower: &impl Follower) -> bool {
        let Some(log) = follower.followed().map(|followed| followed.log.id) else { return false };
        let log_of = |slot: &Slot| slot.caller().map(|caller| caller.greeting.log);
        let Some(other) = log_of(slot).filter(|other| *other != log) else { return false };
        let foreign = self.slots.iter().any(|slot| log_of(slot) == Some(log));
        if foreign {
            slot.failed(&SessionProblem::Feed(format!(
                "its log is {other}, but another back end has log {log}, which is followed"
            )));
        }
        foreign
    }

    /// Follows one back end until the feed ends, or until the front end has left it.
    async fn follow_one<F: Follower>(
        &self,
        slot: &Slot,
        follower: &F,
        leaving: &CancellationToken,
        answered: &mut bool,
    ) -> Result<(), SessionProblem> {
        let opening = Feed::open(self, slot, follower);
        let (mut feed, welcome, resumed, snapshot) = tokio::select! {
            opened = opening => opened?,
            () = leaving.cancelled() => return Ok(()),
        };
        let _cut = OnCut(follower);
        follower.welcomed(&welcome, resumed, &snapshot);
        drop(snapshot);
        tracing::info!(
            "following back end {} ({}), log {} from position {}{}",
            welcome.backend,
            slot.connector,
            welcome.log.id,
            welcome.start,
            if welcome.resumed { "" } else { " with an empty cache" },
        );
        self.set_followed(slot, Some(welcome.log.id));
        feed.uplink.report(follower.holdings().borrow().clone());
        // A writer may be waiting for the acknowledgement of records that were applied before the
        // feed was cut.
        feed.uplink.acknowledge(welcome.start);
        let lease = welcome.lease.max(SHORTEST_LEASE);
        feed.run(self, follower, lease, leaving, answered).await
    }
}

/// Informs the follower of the end of the feed, whatever its cause.
struct OnCut<'a, F: Follower>(&'a F);

impl<F: Follower> Drop for OnCut<'_, F> {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// A feed to which a back end has admitted this front end.
struct Feed {
    frames: Frames,
    uplink: Uplink,
    position: Position,
    _connection: AbortOnDropHandle<()>,
}

impl Feed {
    async fn open<F: Follower>(
        shared: &Shared,
        slot: &Slot,
        follower: &F,
    ) -> Result<(Feed, Welcome, Option<Followed>, Vec<SnapshotPiece>), SessionProblem> {
        let options = &shared.options;
        let (mut sender, connection) =
            session::connect(&slot.connector, Purpose::Feed, options).await?;
        let open = shared.open(follower);
        let followed = open.followed;
        let (uplink, body) =
            Uplink::new(open).map_err(|error| SessionProblem::Feed(error.to_string()))?;
        let begin = async {
            let request = session::request(options, session::uri(options, "feed"), body);
            let response = sender.send_request(request).await?;
            session::accepted(options, response).await
        };
        let down = within(GREETING_TIMEOUT, begin).await?;
        let mut frames = Frames::new(down, DOWN_LIMIT);
        let welcome = match within(ADMISSION_TIMEOUT, next(&mut frames)).await? {
            Down::Welcome(welcome) => welcome,
            Down::Refused { message } => return Err(SessionProblem::Refused(message)),
            Down::Goodbye => return Err(SessionProblem::Goodbye),
            Down::Snapshot { .. }
            | Down::Records { .. }
            | Down::Renewed { .. }
            | Down::Withheld { .. } => {
                return Err(SessionProblem::Feed("it began without a welcome".to_owned()));
            }
        };
        let continues = |followed: &Followed| {
            followed.log.id == welcome.log.id
                && followed.fingerprint == welcome.fingerprint
                && followed.applied == welcome.start
        };
        let resumed = followed.filter(|followed| welcome.resumed && continues(followed));
        if welcome.resumed && resumed.is_none() {
            return Err(SessionProblem::Feed(
                "it resumed at a position that this front end does not have".to_owned(),
            ));
        }
        let mut snapshot = Vec::new();
        for _ in 0..welcome.snapshot {
            match within(ADMISSION_TIMEOUT, next(&mut frames)).await? {
                Down::Snapshot { piece } => snapshot.push(piece),
                _ => return Err(SessionProblem::Feed("its snapshot is not whole".to_owned())),
            }
        }
        let position = welcome.start;
        let feed = Feed { frames, uplink, position, _connection: connection };
        Ok((feed, welcome, resumed, snapshot))
    }

    /// Applies messages in the order of their arrival, and asks for a lease four times in each
    /// lease time.
    async fn run<F: Follower>(
        &mut self,
        shared: &Shared,
        follower: &F,
        lease: Duration,
        leaving: &CancellationToken,
        answered: &mut bool,
    ) -> Result<(), SessionProblem> {
        let patience = lease.max(SHORTEST_SILENCE);
        let mut silence = std::pin::pin!(tokio::time::sleep(patience));
        let mut farewell = false;
        let mut holdings = follower.holdings();
        // The holdings may have changed since the first report.
        holdings.mark_changed();
        let mut renewals = tokio::time::interval(lease / 4);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let message = tokio::select! {
                // Leases are requested however much there is to read, and arrived messages are read
                // before the back end counts as silent.
                biased;
                _ = renewals.tick(), if !farewell => {
                    self.uplink.renew();
                    continue;
                }
                Ok(()) = holdings.changed() => {
                    self.uplink.report(holdings.borrow_and_update().clone());
                    continue;
                }
                () = leaving.cancelled(), if !farewell => {
                    farewell = true;
                    self.uplink.leave();
                    silence.as_mut().reset(Instant::now() + FAREWELL);
                    continue;
                }
                message = next(&mut self.frames) => message,
                () = silence.as_mut() => Err(SessionProblem::Lost),
            };
            match message {
                Ok(Down::Goodbye) | Err(_) if farewell => return Ok(()),
                Ok(Down::Goodbye) => return Err(SessionProblem::Goodbye),
                Ok(Down::Records { records, through }) => {
                    self.check(&records, through)?;
                    follower.apply(&records, through);
                    if holdings.has_changed().unwrap_or(false) {
                        self.uplink.report(holdings.borrow_and_update().clone());
                    }
                    self.position = through;
                    self.uplink.acknowledge(through);
                }
                // The lease was given up; this answers an earlier renewal.
                Ok(Down::Renewed { .. } | Down::Withheld { .. }) if farewell => continue,
                Ok(Down::Renewed { stamp }) => {
                    let stamp = self.answered(stamp)?;
                    follower.renewed(stamp);
                    shared.lease_withheld.store(false, Ordering::Relaxed);
                    *answered = true;
                }
                Ok(Down::Withheld { stamp }) => {
                    self.answered(stamp)?;
                    shared.lease_withheld.store(true, Ordering::Relaxed);
                    *answered = true;
                }
                Ok(Down::Welcome(_) | Down::Snapshot { .. } | Down::Refused { .. }) => {
                    return Err(SessionProblem::Feed("it began twice".to_owned()));
                }
                Err(problem) => return Err(problem),
            }
            if !farewell {
                silence.as_mut().reset(Instant::now() + patience);
            }
        }
    }

    /// Returns the stamp of an answered renewal.
    fn answered(&self, stamp: u64) -> Result<Moment, SessionProblem> {
        let stamp = Moment::from_nanos(stamp);
        match self.uplink.answered(stamp) {
            true => Ok(stamp),
            false => {
                Err(SessionProblem::Feed("it answered a renewal that was not sent".to_owned()))
            }
        }
    }

    /// Checks that the run continues from the present position, in order.
    fn check(&self, records: &[FeedRecord], through: Position) -> Result<(), SessionProblem> {
        let mut last = self.position;
        for record in records {
            if record.position <= last {
                return Err(disorder(record.position, last));
            }
            last = record.position;
        }
        if through < last || through <= self.position {
            return Err(disorder(through, last));
        }
        Ok(())
    }
}

fn disorder(position: Position, last: Position) -> SessionProblem {
    SessionProblem::Feed(format!("position {position} came after position {last}"))
}

async fn next(frames: &mut Frames) -> Result<Down, SessionProblem> {
    match frames.next().await {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(SessionProblem::Broken("the feed ended".to_owned())),
        Err(error) => Err(SessionProblem::Broken(error.to_string())),
    }
}
