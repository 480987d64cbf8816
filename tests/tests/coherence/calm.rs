use std::sync::atomic::{AtomicU64, Ordering};

/// The nodes that the script does not disturb at present.
pub(crate) struct Calm {
    /// For each front end and then the back end, the number of disturbances and restorations: odd
    /// while it is disturbed.
    turns: Vec<AtomicU64>,
}

/// A node of the trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Frontend(usize),
    Backend,
}

/// The turns of a front end and of the back end when a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    frontend: usize,
    turns: [u64; 2],
}

impl Calm {
    pub(crate) fn new(frontends: usize) -> Calm {
        Calm { turns: (0..=frontends).map(|_| AtomicU64::new(0)).collect() }
    }

    pub(crate) fn disturb(&self, place: Place) {
        self.turn(place);
    }

    pub(crate) fn restore(&self, place: Place) {
        self.turn(place);
    }

    fn turn(&self, place: Place) {
        let index = match place {
            Place::Frontend(frontend) => frontend,
            Place::Backend => self.turns.len() - 1,
        };
        self.turns[index].fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the state to compare with later. It must be called before a request is sent to the
    /// front end.
    pub(crate) fn before(&self, frontend: usize) -> Before {
        let backend = self.turns.len() - 1;
        let turns = [frontend, backend].map(|index| self.turns[index].load(Ordering::SeqCst));
        Before { frontend, turns }
    }

    /// Returns whether neither the front end nor the back end has been disturbed since `before`.
    pub(crate) fn since(&self, before: Before) -> bool {
        before == self.before(before.frontend) && before.turns.iter().all(|turn| turn % 2 == 0)
    }
}
