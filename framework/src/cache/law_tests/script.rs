//! Random scripts against a model that remembers everything.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The length of the leases here, in seconds.
const LEASE: u64 = 12;

/// A step of a script.
#[derive(Debug, Clone)]
enum Step {
    /// A fill begins.
    Begin,
    /// Stores a page that was begun so many `Begin`s ago.
    Fill {
        begun: usize,
        page: u8,
        groups: Vec<u8>,
        fragments: Vec<u8>,
        times: Times,
    },
    /// A record.
    Invalidate {
        hard: Named,
        soft: Named,
    },
    Read {
        page: u8,
        persistent: bool,
    },
    Wait {
        seconds: u64,
    },
    Renew,
    Sweep,
    /// The site's files have changed.
    Forget,
    /// A cut and a new log.
    Follow,
}

/// The groups, pages and fragments that a record invalidates.
#[derive(Debug, Clone, Default)]
struct Named {
    groups: Vec<u8>,
    pages: Vec<u8>,
    fragments: Vec<u8>,
}

/// The parts of a page's freshness, in seconds.
#[derive(Debug, Clone, Copy)]
struct Times {
    lifetime: Option<u64>,
    while_revalidate: u64,
    if_error: u64,
    persistent: bool,
}

impl Times {
    fn freshness(self) -> Freshness {
        Freshness {
            lifetime: self.lifetime.map(Duration::from_secs),
            stale_while_revalidate: Duration::from_secs(self.while_revalidate),
            stale_if_error: Duration::from_secs(self.if_error),
            persistent: self.persistent,
            timed: false,
        }
    }
}

fn named() -> impl Strategy<Value = Named> {
    (vec(0u8..4, 0..3), vec(0u8..3, 0..2), vec(0u8..4, 0..2))
        .prop_map(|(groups, pages, fragments)| Named { groups, pages, fragments })
}

fn times() -> impl Strategy<Value = Times> {
    let lifetime = prop_oneof![1 => Just(None), 1 => (1u64..12).prop_map(Some)];
    let window = || prop_oneof![1 => Just(0u64), 2 => 1u64..16];
    (lifetime, window(), window(), any::<bool>()).prop_map(
        |(lifetime, while_revalidate, if_error, persistent)| Times {
            lifetime,
            while_revalidate,
            if_error,
            persistent,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let nothing = Just(Named::default());
    let none = Just(Named::default());
    prop_oneof![
        3 => Just(Step::Begin),
        8 => (0usize..4, 0u8..3, vec(0u8..4, 0..3), vec(0u8..4, 0..3), times()).prop_map(
            |(begun, page, groups, fragments, times)| Step::Fill { begun, page, groups, fragments, times }
        ),
        2 => (named(), nothing).prop_map(|(hard, soft)| Step::Invalidate { hard, soft }),
        3 => (none, named()).prop_map(|(hard, soft)| Step::Invalidate { hard, soft }),
        1 => (named(), named()).prop_map(|(hard, soft)| Step::Invalidate { hard, soft }),
        12 => (0u8..3, any::<bool>()).prop_map(|(page, persistent)| Step::Read { page, persistent }),
        4 => (1u64..5).prop_map(|seconds| Step::Wait { seconds }),
        4 => Just(Step::Renew),
        1 => Just(Step::Sweep),
        1 => Just(Step::Forget),
        1 => Just(Step::Follow),
    ]
}

/// A fill that has begun.
#[derive(Debug, Clone, Copy)]
struct Begun {
    generation: Generation,
    origin: LogOrigin,
    era: u64,
    second: u64,
}

#[derive(Debug)]
struct Stored {
    begun: Begun,
    groups: Vec<u8>,
    fragments: Vec<u8>,
    times: Times,
}

#[derive(Debug)]
struct Recorded {
    position: u64,
    /// When the front end received it, or lost its lease.
    second: u64,
    hard: Named,
    soft: Named,
}

/// The results that a request may have, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Hit,
    Stale { past: u64 },
    OnError,
    Nothing,
}

/// Remembers every record and, for each page, the newest fill that the cache reported as stored.
#[derive(Debug)]
struct Model {
    /// Counts how often everything was forgotten.
    era: u64,
    log: LogEpoch,
    position: u64,
    second: u64,
    lease_until: u64,
    records: Vec<Recorded>,
    stored: BTreeMap<u8, Stored>,
}

impl Named {
    fn finds(&self, page: u8, stored: &Stored) -> bool {
        let any = |named: &[u8], ours: &[u8]| named.iter().any(|name| ours.contains(name));
        self.pages.contains(&page)
            || any(&self.groups, &stored.groups)
            || any(&self.fragments, &stored.fragments)
    }

    fn patterns(&self) -> usize {
        self.pages.len() + self.fragments.len()
    }

    fn add_to(&self, mut invalidation: Invalidation) -> Invalidation {
        for group in &self.groups {
            invalidation = invalidation.group(format!("g{group}"));
        }
        for page in &self.pages {
            invalidation = invalidation.pattern(format!("^/page/{page}$"));
        }
        for fragment in &self.fragments {
            invalidation = invalidation.pattern(format!("^fragment:{fragment}$"));
        }
        invalidation
    }
}

impl Model {
    fn now(&self) -> Moment {
        at(self.second)
    }

    fn later(&self, page: u8, stored: &Stored, named: impl Fn(&Recorded) -> &Named) -> Option<u64> {
        let later =
            self.records.iter().filter(|record| record.position > stored.begun.origin.as_of.0);
        later.filter(|record| named(record).finds(page, stored)).map(|record| record.second).min()
    }

    /// Returns for how many seconds the page has been past its end; `further` is added if soft
    /// records ended it, because simultaneous patterns may count from an earlier moment.
    fn past(&self, page: u8, stored: &Stored, further: u64) -> Option<u64> {
        let ended = stored.times.lifetime.map(|lifetime| stored.begun.second + lifetime);
        let by_time = ended.and_then(|ended| self.second.checked_sub(ended));
        let softened = self.later(page, stored, |record| &record.soft);
        by_time.max(softened.map(|second| self.second - second + further))
    }

    /// Returns the result that a request for the page may have.
    fn due(&self, page: u8, further: u64) -> Due {
        let Some(stored) = self.stored.get(&page) else { return Due::Nothing };
        if self.later(page, stored, |record| &record.hard).is_some() {
            return Due::Nothing;
        }
        let Times { while_revalidate, if_error, .. } = stored.times;
        let past = self.past(page, stored, further);
        if self.second >= self.lease_until {
            let fenced = self.second - self.lease_until;
            let usable = past.unwrap_or(0) < if_error && fenced < if_error;
            return if usable { Due::OnError } else { Due::Nothing };
        }
        match past {
            None => Due::Hit,
            Some(past) if past < while_revalidate => Due::Stale { past },
            Some(past) if past < if_error => Due::OnError,
            Some(_) => Due::Nothing,
        }
    }

    fn begin_era(&mut self) {
        self.era += 1;
        self.records.clear();
        self.stored.clear();
    }
}

/// Some of the pages are fragments: the law treats them the same.
fn content(number: u8) -> EntryContent {
    if number.is_multiple_of(2) { page() } else { EntryContent::Fragment(Default::default()) }
}

fn read(cache: &Cache, model: &Model, page: u8, persistent: bool) -> Due {
    match cache.lookup(&Key::of_id(format!("/page/{page}")), persistent, model.now()) {
        Lookup::Hit(_) => Due::Hit,
        Lookup::Stale { past_end, .. } => Due::Stale { past: past_end.as_secs() },
        Lookup::Miss(Miss::Expired(Some(_))) | Lookup::Fenced(Some(_)) => Due::OnError,
        Lookup::Miss(_) | Lookup::Fenced(None) => Due::Nothing,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(768))]

    #[test]
    fn nothing_is_served_after_a_hard_invalidation_or_stale_beyond_its_window(
        steps in vec(step(), 1..100),
    ) {
        let cache = Cache::new(CacheLimits { bytes: 1 << 20, persistent_bytes: 1 << 20, groups: 4, patterns: 6 });
        cache.follow(LOG, Position::START);
        let mut model = Model {
            era: 0,
            log: LOG,
            position: 0,
            second: 1000,
            lease_until: 1000 + LEASE,
            records: Vec::new(),
            stored: BTreeMap::new(),
        };
        cache.renew(model.now(), Duration::from_secs(LEASE));
        let mut begun: Vec<Begun> = Vec::new();
        // Beyond these limits the bookkeeping may be dropped, and entries with it.
        let mut forgetful = false;
        for step in steps {
            match step {
                Step::Begin => begun.push(Begun {
                    generation: cache.generation(),
                    origin: cache.position().unwrap(),
                    era: model.era,
                    second: model.second,
                }),
                Step::Fill { begun: ago, page: number, groups, fragments, times } => {
                    let Some(begun) = begun.iter().rev().nth(ago).copied() else { continue };
                    let names: Vec<String> = groups.iter().map(|group| format!("g{group}")).collect();
                    let contains = fragments.iter().map(|id| format!("fragment:{id}").into()).collect();
                    let filled = cache.fill(Fill {
                        key: Key::of_id(format!("/page/{number}")),
                        generation: begun.generation,
                        origin: begun.origin,
                        groups: &names,
                        freshness: times.freshness(),
                        contains,
                        content: content(number),
                        now: at(begun.second),
                    });
                    let stored = Stored { begun, groups, fragments, times };
                    let is_dead = model.later(number, &stored, |record| &record.hard).is_some();
                    match filled {
                        Filled::Stored(_) => {
                            prop_assert!(!is_dead, "page {number} is dead on arrival");
                            prop_assert_eq!(begun.era, model.era, "page {} is of a forgotten era", number);
                            model.stored.insert(number, stored);
                        }
                        Filled::Overtaken(_) | Filled::Unplaced(_) => {}
                    }
                }
                Step::Invalidate { hard, soft } => {
                    model.position += 1;
                    let position = Position(model.position);
                    let invalidation = hard.add_to(soft.add_to(Invalidation::new()).soft());
                    forgetful |= cache.usage().patterns + hard.patterns() + soft.patterns() > 6;
                    cache.apply([(position, &invalidation)], position, model.now());
                    let second = model.second.min(model.lease_until);
                    model.records.push(Recorded { position: position.0, second, hard, soft });
                    // More soft invalidations of a group than are distinguished.
                    forgetful |= model.records.len() >= 8;
                }
                Step::Read { page, persistent } => {
                    let found = read(&cache, &model, page, persistent);
                    let due = model.due(page, 0);
                    prop_assert!(found >= due, "page {page} is {found:?}, not {due:?}: {model:#?}");
                    let worst = model.due(page, 1);
                    prop_assert!(found <= worst || forgetful, "page {page} was lost: {found:?}, not {worst:?}: {model:#?}");
                    let key = Key::of_id(format!("/page/{page}"));
                    let fragment = cache.fragment(&key, cache.generation(), persistent, model.now());
                    if let Some((_, origin)) = fragment {
                        prop_assert_eq!(due, Due::Hit, "fragment {} is used: {:#?}", page, model);
                        prop_assert_eq!(origin.as_of, Position(model.position));
                    }
                }
                Step::Wait { seconds } => model.second += seconds,
                Step::Renew => {
                    model.lease_until = model.second + LEASE;
                    cache.renew(model.now(), Duration::from_secs(LEASE));
                }
                Step::Sweep => { cache.sweep(model.now()); }
                Step::Forget => {
                    cache.forget();
                    model.begin_era();
                    forgetful = false;
                }
                Step::Follow => {
                    model.log = LogEpoch::first_of(model.log.id.0 + 1);
                    model.position = 0;
                    cache.follow(model.log, Position::START);
                    model.begin_era();
                    model.lease_until = model.second + LEASE;
                    cache.renew(model.now(), Duration::from_secs(LEASE));
                    forgetful = false;
                }
            }
        }
    }
}
