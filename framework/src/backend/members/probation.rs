//! Which front ends get no lease because their silence makes writers wait.
//!
//! Pure: time is an argument. Everything is kept under the front end's configured name, so a front
//! end that is killed and started again does not lose its history.
//!
//! # The argument
//!
//! Without probation a front end that stops again and again costs a writer one lease each time,
//! without end. To withhold a lease never breaks the law: the front end serves uncached. It costs a
//! cache, though, so two things have to be shown: that a bad front end costs little, and that good
//! ones keep their caches.
//!
//! **Waits that count.** The time for which a front end has not acknowledged a record counts
//! against it from the moment when a majority of the *other* leaseholders had acknowledged it. It
//! counts only when that majority was prompt (`awaited`) and the time is longer than
//! [`History::patience`]. Time during which several writers wait counts once. So a slow disk, a
//! slow back end or a loaded machine, which delay the acknowledgements of most, count against none;
//! a front end that holds the only lease has no others, and nothing ever counts against it.
//!
//! **Penalty.** The sum drains by one [`SHARE`]th of the time that passes. When it exceeds half a
//! lease, the front end is penalised. What drains never leads to a penalty, and one silence lasts a
//! lease at most, because then no writer waits for it any more. So before its penalty a front end
//! costs at most one and a half leases and a `SHARE`th of the time.
//!
//! **Release.** While it is penalised its renewals are assessed, except for the first of a feed:
//! each carries the time that the answer took which came since the one before, and its stamp says
//! how long the front end has not asked. Having had no answer since then does not count as a late
//! one. The answer to a renewal comes behind the records, so it takes at least as long as an
//! acknowledgement does; that is why renewals can be assessed in place of acknowledgements, also
//! when nothing is written. A penalised front end is released when its renewals have been punctual
//! for one lease, twice that after the second penalty, and so on up to 2 to the power of
//! [`LONGEST`]. A feed that is cut, a late renewal or a wait that counts starts that time anew. A
//! front end whose every answer takes longer than a quarter of a lease is therefore never released,
//! and one whose renewals are punctual is released after `2^LONGEST` leases at the latest.
//!
//! **What relapses cost.** A release leaves a quarter of a lease of the sum, so the next silence of
//! more than a quarter of a lease is a penalty, with twice the time until release. A penalty
//! expires when `SHARE` times that time has passed without a wait that counts. So a front end
//! cannot cost more than about one lease in every `SHARE` leases without going up, and one that
//! goes on going up costs one lease in `2^LONGEST`.
//!
//! **Which members keep their caches.** Only a quarter of the members that follow the log, one of
//! few, may be on probation at a time: the costliest of the penalised. The others get leases as if
//! nothing had happened, and are counted and assessed as before. A penalised member that becomes
//! less costly than another one gets its lease with its next renewal, a quarter of a lease later. A
//! member without another one is never on probation. There is one exception that takes no cache
//! away: a penalised front end whose last answer took as long as a lease gets none, because that
//! lease would be over when it arrives.
//!
//! At most [`NAMES`] names are kept: the one with the oldest news goes first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;

/// In the long run a front end may cost writers one part in so many of their time.
const SHARE: u32 = 64;
/// How often the time until release is doubled at most.
const LONGEST: u32 = 7;
/// How many names are remembered at most.
const NAMES: usize = 1024;
/// A shorter wait never counts: a busy machine needs it now and then.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(20);

/// What front ends have cost writers lately, and which are penalised.
#[derive(Debug)]
pub(super) struct Probation {
    lease: Duration,
    names: BTreeMap<String, History>,
}

/// What is known of one name.
#[derive(Debug, Clone)]
struct History {
    /// For how long writers waited, less what has drained.
    cost: Duration,
    /// Until when `cost` has drained.
    drained: Moment,
    /// Up to when waits have been counted.
    counted: Moment,
    /// How many penalties have not expired.
    penalties: u32,
    /// From when on the last of them is expiring.
    expiring: Moment,
    penalty: Option<Penalty>,
}

/// A penalty that is not over.
#[derive(Debug, Clone, Copy, Default)]
struct Penalty {
    /// Since when its renewals have been punctual.
    punctual: Option<Moment>,
    /// Whether its last answer took as long as a lease.
    is_distant: bool,
}

/// How a front end has asked for a lease.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asking {
    /// How long after it asked the last time, in the same feed, on its own clock.
    pub(super) gap: Option<Duration>,
    /// How long the answer took that came since then.
    pub(super) answer_took: Option<Duration>,
}

impl Probation {
    /// Nothing is known yet; leases are `lease` long.
    pub(super) fn new(lease: Duration) -> Probation {
        Probation { lease, names: BTreeMap::new() }
    }

    /// The longest wait for a front end that is not silence.
    pub(super) fn patience(&self) -> Duration {
        (self.lease / 8).max(SHORTEST_PATIENCE)
    }

    /// A writer has waited for the front end up to `now`, since most others acknowledged at `from`.
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

    /// The front end asks for a lease.
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

    /// The front end's feed was cut.
    pub(super) fn cut(&mut self, name: &str) {
        if let Some(penalty) = self.names.get_mut(name).and_then(|it| it.penalty.as_mut()) {
            *penalty = Penalty::default();
        }
    }

    /// Whether the front end gets no lease, while those of these names follow the log.
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

    /// How long the front end has to be punctual, and for how long writers waited for it.
    pub(super) fn term(&self, name: &str) -> Option<(Duration, Duration)> {
        let history = self.names.get(name)?;
        Some((history.term(self.lease), history.cost))
    }

    /// Forgives and forgets what is long over.
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
            // A penalised one that has not connected for so long will not come back.
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

    /// How long its renewals have to be punctual until it is released.
    fn term(&self, lease: Duration) -> Duration {
        lease * (1 << self.penalties.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
