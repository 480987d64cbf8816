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
//! **What is charged.** A front end that has not acknowledged a record is charged for the time since
//! a majority of the *other* lease holders had acknowledged it. It is charged only when that
//! majority was prompt (`awaited`) and the time is longer than [`History::patience`]. Time during which
//! several writers wait is charged once. So a slow disk, a slow back end or a loaded machine, which
//! delay the acknowledgements of most, charge none; a front end that holds the only lease has no
//! others and is never charged.
//!
//! **Conviction.** The sum drains by one [`SHARE`]th of the time that passes. When it exceeds half a
//! lease, the front end is convicted. What drains is never charged to a conviction, and one silence
//! lasts a lease at most, because then no writer waits for it any more. So before its conviction a
//! front end costs at most one and a half leases and a `SHARE`th of the time.
//!
//! **Release.** While it is convicted its renewals are judged, but for the first of a feed: each says
//! how long the answer took that came since the one before, and its stamp says how long the front end has not
//! asked. No answer since then is a late one. The answer to a renewal comes behind
//! the records, so it takes at least as long as an acknowledgement does; that is why renewals can be judged
//! in place of acknowledgements, also when nothing is written. A convicted front end is released when
//! its renewals have been punctual for one lease, twice that after the second conviction, and so on up
//! to 2 to the power of [`LONGEST`]. A feed that is cut, a late renewal or a charge starts that time
//! anew. A front end whose every answer takes longer than a quarter of a lease is therefore never
//! released, and one whose renewals are punctual is released after `2^LONGEST` leases at the latest.
//!
//! **What relapses cost.** A release leaves a quarter of a lease of the sum, so the next silence of
//! more than a quarter of a lease is a conviction, with twice the time until release. A conviction is forgiven when
//! `SHARE` times that time has passed without a charge. So a front end cannot cost more than about one lease
//! in every `SHARE` leases without going up, and one that goes on going up costs one lease in
//! `2^LONGEST`.
//!
//! **Who keeps a cache.** Only a quarter of the members that follow the log, one of few, may be on
//! probation at a time: the costliest of the convicted. The others get leases as if nothing
//! had happened, and go on being charged and judged. A convicted member that becomes less costly than
//! another one gets its lease with its next renewal, a quarter of a lease later. A member without
//! another one is never on probation. There is one exception that takes no cache away: a convicted
//! front end whose last answer took as long as a lease gets none, because that lease would be over
//! when it arrives.
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
/// A shorter wait is never charged: a busy machine needs it now and then.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(20);

/// What front ends have cost writers lately, and which are convicted.
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
    /// Up to when waits have been charged.
    charged: Moment,
    /// How many convictions are not forgiven.
    convictions: u32,
    /// From when on the last of them is being forgiven.
    forgiving: Moment,
    conviction: Option<Conviction>,
}

/// A conviction that is not over.
#[derive(Debug, Clone, Copy, Default)]
struct Conviction {
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

    /// The longest wait for a front end that is no silence.
    pub(super) fn patience(&self) -> Duration {
        (self.lease / 8).max(SHORTEST_PATIENCE)
    }

    /// A writer has waited for the front end up to `now`, since most others acknowledged at `from`.
    pub(super) fn charge(&mut self, name: &str, from: Moment, now: Moment) {
        if now.since(from) <= self.patience() {
            return;
        }
        let lease = self.lease;
        let history = self.history(name, now);
        history.drain(now);
        history.cost += now.since(from.max(history.charged));
        history.charged = history.charged.max(now);
        history.forgiving = history.forgiving.max(now);
        match &mut history.conviction {
            Some(conviction) => conviction.punctual = None,
            None if history.cost > lease / 2 => {
                history.conviction = Some(Conviction::default());
                history.convictions = (history.convictions + 1).min(LONGEST + 1);
            }
            None => {}
        }
    }

    /// The front end asks for a lease.
    pub(super) fn asked(&mut self, name: &str, asking: Asking, now: Moment) {
        let lease = self.lease;
        let Some(history) = self.names.get_mut(name) else { return };
        let sentence = history.sentence(lease);
        let Some(conviction) = &mut history.conviction else { return };
        history.forgiving = now;
        let Some(gap) = asking.gap else { return };
        if let Some(took) = asking.answer_took {
            conviction.is_distant = took >= lease;
        }
        if gap > lease / 2 || asking.answer_took.is_none_or(|took| took > lease / 4) {
            conviction.punctual = None;
        } else if now.since(*conviction.punctual.get_or_insert(now)) >= sentence {
            history.conviction = None;
            history.drain(now);
            history.cost = history.cost.min(lease / 4);
        }
    }

    /// The front end's feed was cut.
    pub(super) fn cut(&mut self, name: &str) {
        if let Some(conviction) = self.names.get_mut(name).and_then(|it| it.conviction.as_mut()) {
            *conviction = Conviction::default();
        }
    }

    /// Whether the front end gets no lease, while those of these names follow the log.
    pub(super) fn withholds<'a>(
        &self,
        name: &str,
        following: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        let Some(conviction) = self.conviction(name) else { return false };
        let mut following: Vec<&str> = following.into_iter().collect();
        following.sort_unstable();
        following.dedup();
        let places = match following.len() {
            0 | 1 => return false,
            members => (members / 4).max(1),
        };
        following.retain(|name| self.conviction(name).is_some());
        following.sort_by_key(|name| Reverse(self.names[*name].cost));
        conviction.is_distant || following.iter().take(places).any(|costly| *costly == name)
    }

    /// How long the front end has to be punctual, and for how long writers waited for it.
    pub(super) fn sentence(&self, name: &str) -> Option<(Duration, Duration)> {
        let history = self.names.get(name)?;
        Some((history.sentence(self.lease), history.cost))
    }

    /// Forgives and forgets what is long over.
    pub(super) fn forgive(&mut self, now: Moment) {
        let lease = self.lease;
        self.names.retain(|_, history| {
            history.drain(now);
            while history.convictions > 0 {
                let over = history.forgiving.after(history.sentence(lease) * SHARE);
                if over > now {
                    return true;
                }
                history.forgiving = over;
                history.convictions -= 1;
            }
            // One that is convicted and has not been heard of for so long will not come back.
            !history.cost.is_zero() && history.conviction.is_none()
        });
    }

    fn conviction(&self, name: &str) -> Option<&Conviction> {
        self.names.get(name)?.conviction.as_ref()
    }

    fn history(&mut self, name: &str, now: Moment) -> &mut History {
        if !self.names.contains_key(name) {
            if self.names.len() >= NAMES {
                let oldest = self.names.iter().min_by_key(|(_, history)| history.forgiving);
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
            charged: Moment::EARLIEST,
            convictions: 0,
            forgiving: now,
            conviction: None,
        }
    }

    fn drain(&mut self, now: Moment) {
        self.cost = self.cost.saturating_sub(now.since(self.drained) / SHARE);
        self.drained = self.drained.max(now);
    }

    /// How long its renewals have to be punctual until it is released.
    fn sentence(&self, lease: Duration) -> Duration {
        lease * (1 << self.convictions.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
