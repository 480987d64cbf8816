//! Which front ends get no lease because their silence makes writers wait.
//!
//! Pure: time is an argument. All data is kept under the front end's configured name, so a front
//! end that is killed and restarted does not lose its history.
//!
//! # The argument
//!
//! Without probation a front end that stops again and again costs a writer one lease each time,
//! without end. Withholding a lease never breaks the law: the front end serves uncached. It costs a
//! cache, though, so two things must be shown: that a bad front end costs little, and that good
//! ones keep their caches.
//!
//! **Waits that count.** The time for which a front end has not acknowledged a record counts
//! against it from the moment when a majority of the *other* leaseholders had acknowledged it. It
//! counts only if that majority was prompt (`awaited`) and the time is longer than
//! [`Probation::patience`]. Time during which several writers wait counts once. So a slow disk, a
//! slow back end or a loaded machine, which delay the acknowledgements of most, count against none.
//! A front end that holds the only lease has no others, and nothing ever counts against it.
//!
//! **Penalty.** The sum of these times drains by one [`SHARE`]th of the time that passes. When it
//! exceeds half a lease, the front end is penalised. Waiting time that drains never leads to a
//! penalty, and one silence lasts a lease at most, because then no writer waits for the front end
//! any more. So before its penalty a front end costs at most one and a half leases and a `SHARE`th
//! of the time.
//!
//! **Release.** While a front end is penalised, its renewals are assessed, except for the first of
//! a feed. Each renewal carries the time that the answer since the previous one took, and its stamp
//! shows how long the front end has not asked. If no answer has arrived since then, that counts as
//! late.
//!
//! The answer to a renewal is sent after the records, so it takes at least as long as an
//! acknowledgement does; that is why renewals can be assessed in place of acknowledgements, also
//! when nothing is written.
//!
//! A penalised front end is released when its renewals have been punctual for one lease, twice that
//! after the second penalty, and so on up to 2 to the power of [`LONGEST`]. A feed that is cut, a
//! late renewal or a wait that counts restarts that time. So a front end whose every answer takes
//! longer than a quarter of a lease is never released, and one whose renewals are punctual is
//! released after `2^LONGEST` leases at the latest.
//!
//! **The cost of relapses.** A release leaves a quarter of a lease of the sum, so the next silence
//! of more than a quarter of a lease is a penalty, with twice the time until release. A penalty
//! expires when `SHARE` times that time has passed without a wait that counts. So a front end
//! cannot cost more than about one lease in every `SHARE` leases without increasing its time until
//! release, and one that increases it again and again costs one lease in `2^LONGEST`.
//!
//! **Members that keep their caches.** Only a quarter of the members that follow the log, or one if
//! they are few, may be on probation at a time: the costliest of the penalised. The other penalised
//! members get leases as usual, and are counted and assessed as before. A penalised member that
//! becomes less costly than another one gets its lease with its next renewal, a quarter of a lease
//! later. A member without another one is never on probation. There is one exception, which
//! disables no cache: a penalised front end whose last answer took as long as a lease gets none,
//! because that lease would be over on arrival.
//!
//! At most [`NAMES`] names are kept: the one with the oldest news is removed first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;

/// The reciprocal of the share of their time that a front end may cost writers in the long run.
const SHARE: u32 = 64;
/// The greatest number of doublings of the time until release.
const LONGEST: u32 = 7;
/// The greatest number of names that are remembered.
const NAMES: usize = 1024;
/// A shorter wait never counts: a busy machine causes one from time to time.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(20);

/// The recent cost of front ends to writers, and the penalties.
#[derive(Debug)]
pub(super) struct Probation {
    lease: Duration,
    names: BTreeMap<String, History>,
}

/// The history of one name.
#[derive(Debug, Clone)]
struct History {
    /// For how long writers have waited, less the drained part.
    cost: Duration,
    /// The moment up to which `cost` has drained.
    drained: Moment,
    /// The moment up to which waits have been counted.
    counted: Moment,
    /// The number of penalties that have not expired.
    penalties: u32,
    /// The moment from which the expiry of the last of them counts.
    expiring: Moment,
    penalty: Option<Penalty>,
}

/// A penalty in force.
#[derive(Debug, Clone, Copy, Default)]
struct Penalty {
    /// Since when its renewals have been punctual.
    punctual: Option<Moment>,
    /// Whether its last answer took as long as a lease.
    is_distant: bool,
}

/// A front end's request for a lease.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asking {
    /// The time since it asked before, in the same feed, on its own clock.
    pub(super) gap: Option<Duration>,
    /// How long the answer took that arrived since then.
    pub(super) answer_took: Option<Duration>,
}

impl Probation {
    /// Creates an empty history; leases are `lease` long.
    pub(super) fn new(lease: Duration) -> Probation {
        Probation { lease, names: BTreeMap::new() }
    }

    /// Returns the longest wait for a front end that does not count as silence.
    pub(super) fn patience(&self) -> Duration {
        (self.lease / 8).max(SHORTEST_PATIENCE)
    }

    /// Counts that a writer has waited for the front end up to `now`, since most others
    /// acknowledged at `from`.
    pub(super) fn count(&mut self, name: &str, from: Moment, now: Moment) {
        if now.since(from) <= self.patience() {
            return;
        }
        let lease = self.lease;
        let history = self.history(name, now);
        history.drain(now);
        history.cost += now.since(from.max(history.counted));
        history.counted = history.counted.max(now);
        history.expiring = history.expiring.max(now);
        match &mut history.penalty {
            Some(penalty) => penalty.punctual = None,
            None if history.cost > lease / 2 => {
                history.penalty = Some(Penalty::default());
                history.penalties = (history.penalties + 1).min(LONGEST + 1);
            }
            None => {}
        }
    }

    /// Assesses a front end's request for a lease.
    pub(super) fn asked(&mut self, name: &str, asking: Asking, now: Moment) {
        let lease = self.lease;
        let Some(history) = self.names.get_mut(name) else { return };
        let term = history.term(lease);
        let Some(penalty) = &mut history.penalty else { return };
        history.expiring = now;
        let Some(gap) = asking.gap else { return };
        if let Some(took) = asking.answer_took {
            penalty.is_distant = took >= lease;
        }
        if gap > lease / 2 || asking.answer_took.is_none_or(|took| took > lease / 4) {
            penalty.punctual = None;
        } else if now.since(*penalty.punctual.get_or_insert(now)) >= term {
            history.penalty = None;
            history.drain(now);
            history.cost = history.cost.min(lease / 4);
        }
    }

    /// Records that the front end's feed was cut.
    pub(super) fn cut(&mut self, name: &str) {
        if let Some(penalty) = self.names.get_mut(name).and_then(|it| it.penalty.as_mut()) {
            *penalty = Penalty::default();
        }
    }

    /// Returns whether the front end gets no lease, while the front ends of these names follow the
    /// log.
    pub(super) fn withholds<'a>(
        &self,
        name: &str,
        following: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        let Some(penalty) = self.penalty(name) else { return false };
        let mut following: Vec<&str> = following.into_iter().collect();
        following.sort_unstable();
        following.dedup();
        let places = match following.len() {
            0 | 1 => return false,
            members => (members / 4).max(1),
        };
        following.retain(|name| self.penalty(name).is_some());
        following.sort_by_key(|name| Reverse(self.names[*name].cost));
        penalty.is_distant || following.iter().take(places).any(|costly| *costly == name)
    }

    /// Returns how long the front end must be punctual, and for how long writers have waited for
    /// it.
    pub(super) fn term(&self, name: &str) -> Option<(Duration, Duration)> {
        let history = self.names.get(name)?;
        Some((history.term(self.lease), history.cost))
    }

    /// Removes expired penalties, and names without any.
    pub(super) fn expire(&mut self, now: Moment) {
        let lease = self.lease;
        self.names.retain(|_, history| {
            history.drain(now);
            while history.penalties > 0 {
                let over = history.expiring.after(history.term(lease) * SHARE);
                if over > now {
                    return true;
                }
                history.expiring = over;
                history.penalties -= 1;
            }
            // A penalised front end that has not connected for so long is not expected to return.
            !history.cost.is_zero() && history.penalty.is_none()
        });
    }

    fn penalty(&self, name: &str) -> Option<&Penalty> {
        self.names.get(name)?.penalty.as_ref()
    }

    fn history(&mut self, name: &str, now: Moment) -> &mut History {
        if !self.names.contains_key(name) {
            if self.names.len() >= NAMES {
                let oldest = self.names.iter().min_by_key(|(_, history)| history.expiring);
                if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                    self.names.remove(&oldest);
                }
            }
            self.names.insert(name.to_owned(), History::new(now));
        }
        self.names.get_mut(name).expect("it was just put in")
    }
}

impl History {
    fn new(now: Moment) -> History {
        History {
            cost: Duration::ZERO,
            drained: now,
            counted: Moment::EARLIEST,
            penalties: 0,
            expiring: now,
            penalty: None,
        }
    }

    fn drain(&mut self, now: Moment) {
        self.cost = self.cost.saturating_sub(now.since(self.drained) / SHARE);
        self.drained = self.drained.max(now);
    }

    /// Returns how long its renewals must be punctual until it is released.
    fn term(&self, lease: Duration) -> Duration {
        lease * (1 << self.penalties.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
