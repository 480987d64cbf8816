use std::sync::Arc;
use std::time::Duration;

use super::entry::{Entry, Standing};
use super::key::Key;
use super::ledger::Ledger;
use super::store::Cache;
use super::validity::Verdict;
use crate::clock::Moment;

/// The result of a lookup.
#[derive(Debug)]
pub enum Lookup {
    /// The entry may be served.
    Hit(Arc<Entry>),
    /// The entry may be served while it is made anew.
    Stale {
        /// The entry.
        entry: Arc<Entry>,
        /// How long it has been past its end.
        past_end: Duration,
    },
    /// The content must be made.
    Miss(Miss),
    /// The front end holds no lease, so nothing may be served as valid. The entry is present if it
    /// may be served as stale should the back end fail.
    Fenced(Option<Arc<Entry>>),
}

/// Why there is no hit.
#[derive(Debug)]
pub enum Miss {
    /// There is no such entry.
    Absent,
    /// There is an entry, but a hard record has invalidated it.
    Invalidated,
    /// Its lifetime is over, or a soft record has invalidated it. The entry is present if it may be
    /// served as stale should the back end fail.
    Expired(Option<Arc<Entry>>),
}

impl Cache {
    /// Looks the key up. A reply may have chosen another cache type than its route, so both maps
    /// are searched, that of persistent entries first if the route is `persistent`. `now` must have
    /// been read after the request was.
    pub fn lookup(&self, key: &Key<'_>, persistent: bool, now: Moment) -> Lookup {
        // The lease comes first: checked last, it might be a lease that was granted for another
        // ledger than the one that the entry is checked against.
        let leased = self.lease.holds(now);
        let ledger = self.ledger.load();
        let found = self.entries(persistent).get(key.as_str());
        let found = found.or_else(|| self.entries(!persistent).get(key.as_str()));
        let Some(entry) = found else {
            return if leased { Lookup::Miss(Miss::Absent) } else { Lookup::Fenced(None) };
        };
        let standing = standing(&entry, ledger.as_ref(), now);
        match standing {
            Standing::Fresh if leased => Lookup::Hit(entry),
            Standing::PastEnd(past_end) if leased && past_end < entry.stale_while_revalidate() => {
                Lookup::Stale { entry, past_end }
            }
            Standing::Dead if leased => Lookup::Miss(Miss::Invalidated),
            standing => {
                let stand_in = self.stands_in(&entry, standing, now).then_some(entry);
                match leased {
                    true => Lookup::Miss(Miss::Expired(stand_in)),
                    false => Lookup::Fenced(stand_in),
                }
            }
        }
    }

    /// Returns whether an entry that a request has found at `now` may still be served after the
    /// back end has failed: no hard record has invalidated it meanwhile.
    pub fn may_stand_in(&self, entry: &Entry, now: Moment) -> bool {
        let ledger = self.ledger.load();
        self.stands_in(entry, standing(entry, ledger.as_ref(), now), now)
    }

    fn stands_in(&self, entry: &Entry, standing: Standing, now: Moment) -> bool {
        let window = entry.stale_if_error();
        let past_end = match standing {
            Standing::Fresh => Duration::ZERO,
            Standing::PastEnd(past_end) => past_end,
            Standing::Dead => return false,
        };
        past_end < window && self.lease.ended(now) < window
    }

    /// Returns whether no record, hard or soft, has invalidated the entry up to now.
    pub fn is_valid(&self, entry: &Entry) -> bool {
        let ledger = self.ledger.load();
        ledger.as_ref().is_some_and(|ledger| entry.verdict(ledger) == Verdict::Valid)
    }
}

/// Returns the state of the entry. Without a log nothing can be shown valid.
fn standing(entry: &Entry, ledger: Option<&Arc<Ledger>>, now: Moment) -> Standing {
    ledger.map_or(Standing::Dead, |ledger| entry.standing(ledger, now))
}
