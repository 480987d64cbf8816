use super::Issue;
use crate::log::{Epoch, LogId, Position};

/// The openings of a log, as the back end has listed them for a front end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Openings {
    log: Option<LogId>,
    /// The epoch of each opening with the log's last position at that time; the current opening is the last.
    starts: Vec<(Epoch, Position)>,
}

impl Openings {
    /// Creates the list of a log's openings, the oldest first.
    pub(crate) fn of(log: LogId, starts: Vec<(Epoch, Position)>) -> Openings {
        Openings { log: Some(log), starts }
    }

    /// Returns whether the log contains all records before the issue of a session unchanged. `log/epoch.rs` has the
    /// argument. A session of the current opening is always included.
    pub(crate) fn include(&self, issue: &Issue) -> bool {
        if self.log != Some(issue.log.id) {
            return false;
        }
        let at = self.starts.iter().position(|(epoch, _)| *epoch == issue.log.epoch);
        at.is_some_and(|at| self.starts[at + 1..].iter().all(|(_, after)| issue.position <= *after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogEpoch;

    #[test]
    fn a_session_is_accepted_if_the_log_contains_the_records_before_it() {
        let starts = vec![(Epoch(1), Position(0)), (Epoch(2), Position(50))];
        let openings = Openings::of(LogId(9), starts);
        let include = |log, epoch, position| {
            let log = LogEpoch { id: LogId(log), epoch: Epoch(epoch) };
            openings.include(&Issue { log, position: Position(position), time: 0 })
        };
        assert!(include(9, 1, 50) && include(9, 2, 70));
        assert!(!include(9, 1, 51), "the log was restored when it ended with 50");
        assert!(!include(9, 3, 1) && !include(8, 1, 1));
    }
}
