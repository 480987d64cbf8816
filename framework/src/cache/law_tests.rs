//! The law against a model that remembers everything.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Moment;
use crate::log::{Invalidation, LogId, Position};

const LOG: LogId = LogId(1);
const LEASE: Duration = Duration::from_secs(2);

pub(super) fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

pub(super) fn page() -> Content {
    let body = bytes::Bytes::from_static(b"page").into();
    Content::Page(Page::new(http::StatusCode::OK, http::HeaderMap::new(), body))
}

pub(super) fn cache() -> Cache {
    let cache =
        Cache::new(Limits { bytes: 1 << 20, persistent_bytes: 1 << 20, groups: 4, patterns: 4 });
    cache.follow(LOG, Position::START);
    cache.renew(at(0), Duration::from_secs(3600));
    cache
}

pub(super) fn fill(cache: &Cache, id: &str, as_of: u64, groups: &[&str]) -> Filled {
    let groups: Vec<String> = groups.iter().map(|group| group.to_string()).collect();
    cache.fill(Fill {
        key: Key::of_id(id.to_owned()),
        origin: Origin { log: LOG, as_of: Position(as_of) },
        groups: &groups,
        freshness: Freshness {
            lifetime: Some(Duration::from_secs(100)),
            stale_if_error: Duration::from_secs(50),
            persistent: false,
        },
        contains: Box::default(),
        content: page(),
        now: at(0),
    })
}

pub(super) fn is_hit(cache: &Cache, id: &str, now: Moment) -> bool {
    matches!(cache.lookup(&Key::of_id(id), false, now), Lookup::Hit(_))
}

#[test]
fn a_fill_that_was_overtaken_is_not_stored() {
    let cache = cache();
    cache.apply([(Position(5), &Invalidation::new().group("news"))], Position(5));
    assert!(matches!(fill(&cache, "/news", 4, &["news"]), Filled::Overtaken(_)));
    assert!(!is_hit(&cache, "/news", at(1)));
    assert!(matches!(fill(&cache, "/news", 5, &["news"]), Filled::Stored(_)));
    assert!(is_hit(&cache, "/news", at(1)));
}

#[test]
fn a_fill_of_another_log_is_not_stored() {
    let cache = cache();
    let fill = |log| {
        cache.fill(Fill {
            key: Key::of_id("/a"),
            origin: Origin { log, as_of: Position(9) },
            groups: &[],
            freshness: Freshness {
                lifetime: None,
                stale_if_error: Duration::ZERO,
                persistent: true,
            },
            contains: Box::default(),
            content: page(),
            now: at(0),
        })
    };
    assert!(matches!(fill(LogId(2)), Filled::Unplaced(_)));
    assert!(matches!(fill(LOG), Filled::Stored(_)));
}

#[test]
fn a_new_log_makes_everything_dead_and_ends_the_lease() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    assert!(is_hit(&cache, "/a", at(1)));
    cache.follow(LogId(2), Position(1));
    assert!(!cache.holds_lease(at(1)));
    cache.renew(at(1), LEASE);
    assert!(!is_hit(&cache, "/a", at(2)));
}

#[test]
fn without_a_lease_nothing_is_served_as_if_it_were_right() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    cache.end_lease();
    cache.renew(at(10), LEASE);
    assert!(is_hit(&cache, "/a", at(11)));
    assert!(!is_hit(&cache, "/a", at(12)));
    let fenced = cache.lookup(&Key::of_id("/a"), false, at(12));
    assert!(matches!(fenced, Lookup::Fenced(Some(_))), "it may still be served as stale");
    let later = cache.lookup(&Key::of_id("/a"), false, at(62));
    assert!(matches!(later, Lookup::Fenced(None)), "but not for longer than it says");
    cache.apply([(Position(2), &Invalidation::new().pattern("a"))], Position(2));
    let fenced = cache.lookup(&Key::of_id("/a"), false, at(12));
    assert!(matches!(fenced, Lookup::Fenced(None)), "never past an invalidation");
}

#[test]
fn a_late_answer_does_not_shorten_the_lease() {
    let cache = cache();
    cache.end_lease();
    cache.renew(at(10), LEASE);
    cache.renew(at(9), LEASE);
    assert!(cache.holds_lease(at(11)));
}

#[test]
fn an_entry_whose_time_is_over_is_a_miss_that_may_serve_on_error() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    assert!(is_hit(&cache, "/a", at(99)));
    let lookup = |now| cache.lookup(&Key::of_id("/a"), false, now);
    assert!(matches!(lookup(at(100)), Lookup::Miss(Miss::Expired(Some(_)))));
    assert!(matches!(lookup(at(150)), Lookup::Miss(Miss::Expired(None))));
}

#[test]
fn memory_is_bounded_by_bytes() {
    let cache = cache();
    for number in 0..20_000 {
        fill(&cache, &format!("/{number}"), 1, &[]);
    }
    cache.sweep(at(1));
    assert!(cache.usage().bytes <= 1 << 20, "{:?}", cache.usage());
}

/// What may happen to a cache.
#[derive(Debug, Clone)]
enum Step {
    /// A fill of a page in these groups that started this many records ago.
    Fill {
        page: u8,
        groups: Vec<u8>,
        ago: u64,
    },
    /// A record that invalidates groups and pages.
    Invalidate {
        groups: Vec<u8>,
        pages: Vec<u8>,
    },
    Read {
        page: u8,
    },
    Sweep,
    /// A cut and a new log.
    Follow,
}

fn step() -> impl Strategy<Value = Step> {
    let groups = || proptest::collection::vec(0u8..8, 0..4);
    prop_oneof![
        4 => (0u8..6, groups(), 0u64..6).prop_map(|(page, groups, ago)| Step::Fill { page, groups, ago }),
        3 => (groups(), proptest::collection::vec(0u8..6, 0..2))
            .prop_map(|(groups, pages)| Step::Invalidate { groups, pages }),
        6 => (0u8..6).prop_map(|page| Step::Read { page }),
        1 => Just(Step::Sweep),
        1 => Just(Step::Follow),
    ]
}

/// Remembers every record and, for each page, the newest fill that the cache said it stored.
#[derive(Default)]
struct Model {
    records: Vec<(u64, Vec<u8>, Vec<u8>)>,
    stored: BTreeMap<u8, (u64, Vec<u8>)>,
}

impl Model {
    fn may_serve(&self, page: u8) -> bool {
        let Some((as_of, groups)) = self.stored.get(&page) else { return false };
        !self.records.iter().any(|(position, invalid_groups, invalid_pages)| {
            position > as_of
                && (invalid_pages.contains(&page)
                    || groups.iter().any(|group| invalid_groups.contains(group)))
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_served_was_never_invalidated(steps in proptest::collection::vec(step(), 1..80)) {
        let cache = cache();
        let mut log = LOG;
        let mut position = 0;
        let mut model = Model::default();
        // Beyond these the bookkeeping may be dropped, and entries with it.
        let mut forgetful = false;
        for step in steps {
            match step {
                Step::Fill { page: number, groups, ago } => {
                    let as_of = u64::saturating_sub(position, ago);
                    let names: Vec<String> = groups.iter().map(|group| format!("g{group}")).collect();
                    let filled = cache.fill(Fill {
                        key: Key::of_id(format!("/page/{number}")),
                        origin: Origin { log, as_of: Position(as_of) },
                        groups: &names,
                        freshness: Freshness { lifetime: None, stale_if_error: Duration::ZERO, persistent: false },
                        contains: Box::default(),
                        content: page(),
                        now: at(0),
                    });
                    match filled {
                        Filled::Stored(_) => { model.stored.insert(number, (as_of, groups)); }
                        Filled::Overtaken(_) | Filled::Unplaced(_) => {}
                    }
                }
                Step::Invalidate { groups, pages } => {
                    position += 1;
                    let mut invalidation = Invalidation::new();
                    for group in &groups { invalidation = invalidation.group(format!("g{group}")); }
                    for number in &pages { invalidation = invalidation.pattern(format!("^/page/{number}$")); }
                    cache.apply([(Position(position), &invalidation)], Position(position));
                    forgetful |= cache.usage().patterns >= 4;
                    model.records.push((position, groups, pages));
                }
                Step::Read { page } => {
                    let hit = is_hit(&cache, &format!("/page/{page}"), at(1));
                    if model.may_serve(page) {
                        prop_assert!(hit || forgetful, "page {page} was lost at {position}");
                    } else {
                        prop_assert!(!hit, "page {page} is stale at {position}");
                    }
                }
                Step::Sweep => { cache.sweep(at(1)); }
                Step::Follow => {
                    log = LogId(log.0 + 1);
                    position = 0;
                    model = Model::default();
                    cache.follow(log, Position(0));
                    cache.renew(at(0), Duration::from_secs(3600));
                }
            }
        }
    }
}
