use std::sync::atomic::{AtomicU64, Ordering};

/// Which nodes the script leaves in peace.
pub(crate) struct Calm {
    /// For each front end and then the back end, how often it was disturbed and restored: odd while
    /// it is disturbed.
    turns: Vec<AtomicU64>,
}

/// A node of the trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Frontend(usize),
    Backend,
}

/// How things stood when a request was sent.
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

    /// To be noted before a request is sent to a front end.
    pub(crate) fn before(&self, frontend: usize) -> Before {
        let backend = self.turns.len() - 1;
        let turns = [frontend, backend].map(|index| self.turns[index].load(Ordering::SeqCst));
        Before { frontend, turns }
    }

    /// Whether nothing has disturbed the front end and the back end since.
    pub(crate) fn since(&self, before: Before) -> bool {
        before == self.before(before.frontend) && before.turns.iter().all(|turn| turn % 2 == 0)
    }
}
