use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::clock::Moment;
use crate::log::Position;

/// The number of soft invalidations of a group that are distinguished.
const KEPT: usize = 8;

/// The soft invalidations of a group, in the order of their positions.
#[derive(Debug, Default)]
pub(super) struct Softenings(Mutex<VecDeque<(Position, Moment)>>);

impl Softenings {
    /// Records that the record at `position` made the group stale at `at`. When there are too many
    /// to distinguish, the two oldest are merged so that no content becomes stale later.
    pub(super) fn push(&self, position: Position, at: Moment) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.back().is_some_and(|(last, _)| *last >= position) {
            return;
        }
        if kept.len() == KEPT
            && let Some((_, earliest)) = kept.pop_front()
            && let Some((_, at)) = kept.front_mut()
        {
            *at = earliest;
        }
        kept.push_back((position, at));
    }

    /// Returns since when content from `as_of` is stale, if it is.
    pub(super) fn first_after(&self, as_of: Position) -> Option<Moment> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(position, _)| *position > as_of).map(|(_, at)| *at)
    }

    /// Drops the invalidations up to `position`.
    pub(super) fn forget(&self, position: Position) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| *known > position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_stale_since_the_first_softening_after_its_position() {
        let softenings = Softenings::default();
        for position in 1..=4 {
            softenings.push(Position(position), Moment::from_nanos(position * 10));
        }
        let since = |as_of| softenings.first_after(Position(as_of)).map(Moment::as_nanos);
        assert_eq!([since(0), since(1), since(3), since(4)], [Some(10), Some(20), Some(40), None]);
        softenings.forget(Position(2));
        assert_eq!(since(0), Some(30));
    }

    #[test]
    fn with_too_many_softenings_no_entry_is_stale_later_than_before() {
        let softenings = Softenings::default();
        for position in 1..=20 {
            softenings.push(Position(position), Moment::from_nanos(position * 10));
        }
        for as_of in 0..20 {
            let since = softenings.first_after(Position(as_of)).unwrap().as_nanos();
            assert!(since <= (as_of + 1) * 10, "{as_of}: {since}");
        }
        assert_eq!(softenings.first_after(Position(0)).unwrap().as_nanos(), 10);
        assert_eq!(softenings.first_after(Position(19)).unwrap().as_nanos(), 200);
    }
}
