//! The front end's half of the link.
//!
//! - `slot`: one for each back end: the connection for calls, and the state of the back end.
//! - `session`: one HTTP/2 connection, and the answers that its peer may give.
//! - `call`, `multiplex` and `upload`: forwarding a request, sending many of them over one stream,
//!   and tracking the upload of a request body.
//! - `files`: looking up files of the docroot, and fetching their contents.
//! - `follow` and `uplink`: the feed, and the front end's messages in it.
//! - `backoff`: the time between two attempts.
//!
//! [`Link::start`] spawns a task for each slot, which keeps it connected, and one that follows the
//! feed.

mod backoff;
mod call;
mod files;
mod follow;
#[cfg(feature = "internals")]
pub(super) mod fuzzed;
mod multiplex;
mod session;
mod slot;
mod status;
mod uplink;
mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub(crate) use call::CallError;
pub(crate) use status::LinkStatus;

use slot::Slot;

use super::{Connector, Follower, Open, VERSION};
use crate::budget::Budget;
use crate::claim::Claim;
use crate::log::LogId;

/// The number of bytes of request bodies that are kept in total, so that they can be sent again.
const KEPT_BODIES: u64 = 64 << 20;

/// How long [`Link::leave`] waits for the back end's answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// The options of a front end's link.
#[derive(Debug, Clone)]
pub(crate) struct LinkOptions {
    /// The front end's name.
    pub name: String,
    /// The process: a front end that is started again has another incarnation.
    pub incarnation: u64,
    /// The back ends.
    pub backends: Vec<Connector>,
    /// The secret that the back ends require.
    pub secret: Option<String>,
    /// The configured length of a lease: a connection whose peer is silent for about as long is
    /// closed. The leases themselves have the length that the back end declares.
    pub lease: Duration,
    /// The runtime for the feed, which nothing else should keep busy. By default it is the present
    /// one.
    pub feed: Option<Handle>,
    /// The lock that proves when this process has ended, held as long as the link exists.
    pub(crate) claim: Option<Arc<Claim>>,
    pub(super) version: u32,
}

impl LinkOptions {
    /// Options with no secret and a lease of two seconds.
    pub(crate) fn new(
        name: impl Into<String>,
        incarnation: u64,
        backends: Vec<Connector>,
    ) -> LinkOptions {
        let lease = Duration::from_secs(2);
        LinkOptions {
            name: name.into(),
            incarnation,
            backends,
            secret: None,
            lease,
            feed: None,
            claim: None,
            version: VERSION,
        }
    }
}

/// A front end's link to its back ends. When it is dropped, its connections are closed.
#[derive(Debug)]
pub(crate) struct Link {
    shared: Arc<Shared>,
    leaving: CancellationToken,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

/// The state that the link's tasks and its calls share.
#[derive(Debug)]
struct Shared {
    options: LinkOptions,
    /// The URI of calls.
    calls: Uri,
    slots: Vec<Slot>,
    /// Memory for bodies that may have to be sent again.
    kept_bodies: Budget,
    /// The slot that the next call tries first.
    turn: AtomicUsize,
    /// The log of the feed, while there is one.
    followed: watch::Sender<Option<LogId>>,
    /// Whether the last renewal of this feed was answered without a lease.
    lease_withheld: AtomicBool,
    /// Notified of every change of a slot or the feed.
    changed: watch::Sender<()>,
    /// Whether the feed was left for good.
    left: watch::Sender<bool>,
}

impl Link {
    /// Connects to the back ends, and keeps trying those that do not answer. Must be called
    /// within a tokio runtime.
    pub(crate) fn start<F: Follower>(options: LinkOptions, follower: Arc<F>) -> Link {
        let changed = watch::Sender::new(());
        let slot = |connector: &Connector| Slot::new(connector.clone(), changed.clone());
        let shared = Arc::new(Shared {
            slots: options.backends.iter().map(slot).collect(),
            calls: session::uri(&options, "call"),
            options,
            kept_bodies: Budget::new(KEPT_BODIES),
            turn: AtomicUsize::new(0),
            followed: watch::Sender::new(None),
            lease_withheld: AtomicBool::new(false),
            changed,
            left: watch::Sender::new(false),
        });
        let leaving = CancellationToken::new();
        let mut tasks = Vec::new();
        for index in 0..shared.slots.len() {
            tasks.push(spawn(slot::keep_connected(shared.clone(), index)));
        }
        let feed = shared.options.feed.clone().unwrap_or_else(Handle::current);
        let following = follow::follow(shared.clone(), follower, leaving.clone());
        tasks.push(AbortOnDropHandle::new(feed.spawn(following)));
        Link { shared, leaving, _tasks: tasks }
    }

    /// Returns whether a back end is connected that accepts calls.
    pub(crate) fn is_connected(&self) -> bool {
        self.shared.sessions().next().is_some()
    }

    /// Waits until a back end is connected that accepts calls.
    pub(crate) async fn connected(&self) {
        let mut changes = self.changes();
        while !self.is_connected() {
            changes.changed().await.expect("the sender lives as long as the link");
        }
    }

    /// Returns a receiver that is notified of every change of [`Link::status`], except of the
    /// number of calls.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    /// Leaves the feed for good, and informs the back end that this front end holds no lease, so
    /// that no writer waits for it. Calls are still forwarded. The caller must have stopped serving
    /// from its cache before. Waits for the back end's answer, but not for long.
    pub(crate) async fn leave(&self) {
        self.leaving.cancel();
        let mut left = self.shared.left.subscribe();
        let _ = tokio::time::timeout(FAREWELL, left.wait_for(|left| *left)).await;
    }

    /// Returns the state of the link and its back ends.
    pub(crate) fn status(&self) -> LinkStatus {
        LinkStatus {
            followed: *self.shared.followed.borrow(),
            lease_withheld: self.shared.lease_withheld.load(Ordering::Relaxed),
            backends: self.shared.slots.iter().map(Slot::status).collect(),
        }
    }
}

impl Shared {
    /// Records the log of the feed and its slot, or that there is no feed.
    fn set_followed(&self, slot: &Slot, log: Option<LogId>) {
        self.followed.send_replace(log);
        slot.set_followed(log.is_some());
    }

    /// Returns the front end's introduction.
    fn open(&self, follower: &impl Follower) -> Open {
        Open {
            name: self.options.name.clone(),
            incarnation: self.options.incarnation,
            followed: follower.followed(),
            predecessor: self.options.claim.as_ref().and_then(|claim| claim.predecessor()),
        }
    }

    /// Iterates over the slots whose back ends accept calls, beginning with the next in turn. A
    /// back end with another log than the one that is followed gets none.
    fn sessions(&self) -> impl Iterator<Item = (&Slot, Arc<slot::Caller>)> {
        let followed = *self.followed.borrow();
        let turn = self.turn.load(Ordering::Relaxed);
        (0..self.slots.len()).filter_map(move |step| {
            let slot = &self.slots[turn.wrapping_add(step) % self.slots.len()];
            let caller = slot.caller()?;
            let belongs = followed.is_none_or(|log| log == caller.greeting.log);
            belongs.then_some((slot, caller))
        })
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(task))
}
