use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::clock::Moment;
use crate::link::*;
use crate::log::Position;

/// A front end that records the messages of its feed.
pub(super) struct Reader {
    pub(super) state: watch::Sender<State>,
    /// The holdings that it reports.
    pub(super) holdings: watch::Sender<Holdings>,
    /// Runs at each renewal, with the recorded state.
    pub(super) on_renewal: Mutex<Option<OnRenewal>>,
    /// Runs before records are applied.
    pub(super) on_apply: Mutex<Option<Box<dyn FnMut() + Send>>>,
}

type OnRenewal = Box<dyn FnMut(Moment, &State) + Send>;

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) followed: Option<Followed>,
    pub(super) welcomes: Vec<Welcome>,
    pub(super) snapshot: Vec<SnapshotPiece>,
    pub(super) records: Vec<FeedRecord>,
    pub(super) renewals: usize,
    pub(super) cuts: usize,
}

impl State {
    pub(super) fn position(&self) -> Position {
        self.followed.map_or(Position::START, |followed| followed.applied)
    }
}

impl Reader {
    pub(super) fn new() -> Arc<Reader> {
        Arc::new(Reader {
            state: watch::Sender::default(),
            holdings: watch::Sender::default(),
            on_renewal: Mutex::default(),
            on_apply: Mutex::default(),
        })
    }
}

impl Follower for Reader {
    fn followed(&self) -> Option<Followed> {
        self.state.borrow().followed
    }

    fn welcomed(&self, welcome: &Welcome, _: Option<Followed>, snapshot: &[SnapshotPiece]) {
        self.state.send_modify(|state| {
            if !welcome.resumed {
                state.records.clear();
            }
            let (applied, seen) = (welcome.start, welcome.start);
            state.followed = Some(Followed {
                log: welcome.log,
                fingerprint: welcome.fingerprint,
                applied,
                seen,
            });
            state.welcomes.push(welcome.clone());
            state.snapshot = snapshot.to_vec();
        });
    }

    fn apply(&self, records: &[FeedRecord], through: Position) {
        // Some of the hooks panic.
        let mut hook = self.on_apply.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hook) = &mut *hook {
            hook();
        }
        drop(hook);
        self.state.send_modify(|state| {
            state.records.extend_from_slice(records);
            if let Some(followed) = &mut state.followed {
                assert!(followed.applied < through, "positions grow");
                (followed.applied, followed.seen) = (through, through);
            }
        });
    }

    fn holdings(&self) -> watch::Receiver<Holdings> {
        self.holdings.subscribe()
    }

    fn renewed(&self, stamp: Moment) {
        if let Some(hook) = &mut *self.on_renewal.lock().unwrap() {
            hook(stamp, &self.state.borrow());
        }
        self.state.send_modify(|state| state.renewals += 1);
    }

    fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}
