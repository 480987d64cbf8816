use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use hyper::client::conn::http2::SendRequest;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::Shared;
use super::backoff::Backoff;
use super::multiplex::Multiplexer;
use super::session::{self, GREETING_TIMEOUT, SessionProblem};
use super::status::BackendStatus;
use crate::link::connector::Purpose;
use crate::link::frame::Frames;
use crate::link::wire::Wire;
use crate::link::{Connector, Greeting};

/// The longest greeting, in bytes.
const GREETING_LIMIT: usize = 64 * 1024;

/// The connection to one configured back end, and its state.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) connector: Connector,
    caller: ArcSwapOption<Caller>,
    known: ArcSwap<Known>,
    in_flight: AtomicUsize,
    changed: watch::Sender<()>,
}

/// A connection that accepts calls.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) sender: SendRequest<Wire>,
    pub(super) greeting: Greeting,
    /// The stream for short calls.
    pub(super) multiplexer: Arc<Multiplexer>,
}

/// The last known state of a back end.
#[derive(Debug, Clone, Default)]
struct Known {
    greeting: Option<Greeting>,
    last_error: Option<String>,
    followed: bool,
}

/// A call that is waiting for the head of its answer.
#[derive(Debug)]
pub(super) struct InFlight<'a>(&'a Slot);

impl Slot {
    /// Creates a slot without a connection. It notifies `changed` of every change.
    pub(super) fn new(connector: Connector, changed: watch::Sender<()>) -> Slot {
        Slot {
            connector,
            caller: ArcSwapOption::empty(),
            known: ArcSwap::default(),
            in_flight: AtomicUsize::new(0),
            changed,
        }
    }

    /// Returns the connection, if it accepts calls.
    pub(super) fn caller(&self) -> Option<Arc<Caller>> {
        self.any_caller()
            .filter(|caller| !caller.sender.is_closed() && !caller.multiplexer.is_leaving())
    }

    /// Returns the connection for calls, even if it accepts no more of them.
    pub(super) fn any_caller(&self) -> Option<Arc<Caller>> {
        self.caller.load_full()
    }

    /// Counts a call until the guard is dropped.
    pub(super) fn in_flight(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Records whether the feed is received from this back end.
    pub(super) fn set_followed(&self, followed: bool) {
        self.change(|known| {
            known.followed = followed;
            if followed {
                known.last_error = None;
            }
        });
    }

    /// Records a problem. It is logged unless it equals the last one.
    pub(super) fn failed(&self, problem: &SessionProblem) {
        let problem = problem.to_string();
        if self.known.load().last_error.as_ref() != Some(&problem) {
            tracing::warn!("the back end {} {problem}", self.connector);
            self.change(|known| known.last_error = Some(problem.clone()));
        }
    }

    fn connected(&self, caller: Caller) {
        let Greeting { backend, log } = &caller.greeting;
        tracing::info!("connected to back end {backend} ({}), log {log}", self.connector);
        let greeting = caller.greeting.clone();
        self.caller.store(Some(Arc::new(caller)));
        self.change(|known| {
            known.greeting = Some(greeting.clone());
            known.last_error = None;
        });
    }

    fn disconnected(&self) {
        self.caller.store(None);
        self.changed.send_replace(());
    }

    fn change(&self, change: impl Fn(&mut Known)) {
        self.known.rcu(|known| {
            let mut known = Known::clone(known);
            change(&mut known);
            known
        });
        self.changed.send_replace(());
    }

    pub(super) fn status(&self) -> BackendStatus {
        let known = Known::clone(&self.known.load());
        BackendStatus {
            address: self.connector.to_string(),
            connected: self.caller().is_some(),
            followed: known.followed,
            log: known.greeting.as_ref().map(|greeting| greeting.log),
            name: known.greeting.map(|greeting| greeting.backend),
            last_error: known.last_error,
            calls_in_flight: self.in_flight.load(Ordering::Relaxed),
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Keeps a slot connected for calls, for as long as the link lives.
pub(super) async fn keep_connected(shared: Arc<Shared>, index: usize) {
    let slot = &shared.slots[index];
    let mut backoff = Backoff::new();
    loop {
        match greet(&shared, slot).await {
            Ok((caller, mut connection)) => {
                backoff.reset();
                slot.connected(caller);
                let _ = (&mut connection).await;
                slot.disconnected();
                let connector = &slot.connector;
                match *shared.left.borrow() {
                    // After the front end has left, the end of a connection is expected.
                    true => tracing::debug!("the connection to the back end {connector} has ended"),
                    false => tracing::warn!("the connection to the back end {connector} has ended"),
                }
            }
            Err(problem) if *shared.left.borrow() => tracing::debug!("{problem}"),
            Err(problem) => slot.failed(&problem),
        }
        backoff.wait().await;
    }
}

/// Connects, and asks the back end for its name and log. A connection on which the back end has not
/// answered accepts no calls: they would wait for their deadlines.
async fn greet(
    shared: &Shared,
    slot: &Slot,
) -> Result<(Caller, AbortOnDropHandle<()>), SessionProblem> {
    let options = &shared.options;
    let connecting = session::connect::<Wire>(&slot.connector, Purpose::Calls, options);
    let (mut sender, connection) = connecting.await?;
    let greeting = async {
        let request = session::request(options, session::uri(options, "hello"), Wire::empty());
        let response = sender.send_request(request).await?;
        let answer = session::accepted(options, response).await?;
        match Frames::new(answer, GREETING_LIMIT).next::<Greeting>().await {
            Ok(Some(greeting)) => Ok(greeting),
            Ok(None) => Err(SessionProblem::Silent),
            Err(error) => Err(SessionProblem::Broken(error.to_string())),
        }
    };
    let greeting = within(GREETING_TIMEOUT, greeting).await?;
    let multiplexer =
        within(GREETING_TIMEOUT, Multiplexer::open(options, &mut sender, slot.changed.clone()))
            .await?;
    Ok((Caller { sender, greeting, multiplexer: Arc::new(multiplexer) }, connection))
}

/// Returns the result of the future, unless it takes longer than `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, SessionProblem>>,
) -> Result<T, SessionProblem> {
    tokio::time::timeout(limit, future).await.unwrap_or(Err(SessionProblem::Silent))
}
