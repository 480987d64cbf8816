//! The law against a model that remembers everything.

mod script;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::*;
use crate::clock::Moment;
use crate::log::{Epoch, Invalidation, LogEpoch, Position};

const LOG: LogEpoch = LogEpoch::first_of(1);
const LEASE: Duration = Duration::from_secs(2);

pub(super) fn at(seconds: u64) -> Moment {
    Moment::from_nanos(seconds * 1_000_000_000)
}

pub(super) fn page() -> EntryContent {
    let body = bytes::Bytes::from_static(b"page").into();
    EntryContent::Page(Page::new(
        Arc::new(HeaderTemplate::new(HeaderSpec::default())),
        body,
        SystemTime::now(),
    ))
}

pub(super) fn cache() -> Cache {
    let cache = Cache::new(CacheLimits {
        bytes: 1 << 20,
        persistent_bytes: 1 << 20,
        groups: 4,
        patterns: 4,
    });
    cache.follow(LOG, Position::START);
    cache.renew(at(0), Duration::from_secs(3600));
    cache
}

pub(super) fn fresh_for_100_s() -> Freshness {
    Freshness {
        lifetime: Some(Duration::from_secs(100)),
        stale_while_revalidate: Duration::from_secs(20),
        stale_if_error: Duration::from_secs(50),
        persistent: false,
        timed: false,
    }
}

/// A fill of the present generation, stored at the moment 0.
pub(super) fn new_fill<'a>(cache: &Cache, id: &str, as_of: u64, groups: &'a [String]) -> Fill<'a> {
    Fill {
        key: Key::of_id(id.to_owned()),
        generation: cache.generation(),
        origin: LogOrigin { log: LOG, as_of: Position(as_of) },
        groups,
        freshness: fresh_for_100_s(),
        contains: Box::default(),
        content: page(),
        now: at(0),
    }
}

pub(super) fn fill(cache: &Cache, id: &str, as_of: u64, groups: &[&str]) -> Filled {
    let groups: Vec<String> = groups.iter().map(|group| group.to_string()).collect();
    cache.fill(new_fill(cache, id, as_of, &groups))
}

fn apply(cache: &Cache, position: u64, invalidation: Invalidation, now: Moment) {
    cache.apply([(Position(position), &invalidation)], Position(position), now);
}

fn lookup(cache: &Cache, id: &str, now: Moment) -> Lookup {
    cache.lookup(&Key::of_id(id), false, now)
}

pub(super) fn is_hit(cache: &Cache, id: &str, now: Moment) -> bool {
    matches!(lookup(cache, id, now), Lookup::Hit(_))
}

#[test]
fn a_fill_that_was_overtaken_is_not_stored() {
    let cache = cache();
    apply(&cache, 5, Invalidation::new().group("news"), at(0));
    assert!(matches!(fill(&cache, "/news", 4, &["news"]), Filled::Overtaken(_)));
    assert!(!is_hit(&cache, "/news", at(1)));
    assert!(matches!(fill(&cache, "/news", 5, &["news"]), Filled::Stored(_)));
    assert!(is_hit(&cache, "/news", at(1)));
}

#[test]
fn a_fill_of_another_log_is_not_stored() {
    let cache = cache();
    let fill = |log| {
        let origin = LogOrigin { log, as_of: Position(9) };
        cache.fill(Fill { origin, ..new_fill(&cache, "/a", 9, &[]) })
    };
    assert!(matches!(fill(LogEpoch::first_of(2)), Filled::Unplaced(_)));
    assert!(matches!(fill(LOG), Filled::Stored(_)));
}

/// The next opening of the log.
const REOPENED: LogEpoch = LogEpoch { id: LOG.id, epoch: Epoch(2) };

#[test]
fn after_a_resume_the_entries_stay_and_only_content_of_the_new_opening_is_stored() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    let (origin, seen) = cache.seen().unwrap();
    assert_eq!((origin.log, origin.as_of, seen), (LOG, Position(0), Position(1)));
    cache.resume(REOPENED, seen);
    assert!(cache.holds_lease(at(1)) && is_hit(&cache, "/a", at(1)));
    assert_eq!(cache.position(), Some(LogOrigin { log: REOPENED, as_of: Position(0) }));
    assert!(matches!(fill(&cache, "/b", 2, &[]), Filled::Unplaced(_)), "of the earlier opening");
    let origin = LogOrigin { log: REOPENED, as_of: Position(2) };
    let filled = cache.fill(Fill { origin, ..new_fill(&cache, "/b", 2, &[]) });
    assert!(matches!(filled, Filled::Stored(_)));
    assert_eq!(cache.seen().unwrap().1, Position(2));
}

#[test]
fn content_stored_while_another_opening_was_asked_is_forgotten() {
    let cache = cache();
    let (_, asked) = cache.seen().unwrap();
    fill(&cache, "/a", 1, &[]);
    cache.resume(REOPENED, asked);
    assert!(!is_hit(&cache, "/a", at(1)), "position 1 may be that of another record now");
    assert_eq!(cache.position(), Some(LogOrigin { log: REOPENED, as_of: Position(0) }));
}

#[test]
fn a_new_log_makes_everything_dead_and_ends_the_lease() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    assert!(is_hit(&cache, "/a", at(1)));
    cache.follow(LogEpoch::first_of(2), Position(1));
    assert!(!cache.holds_lease(at(1)));
    cache.renew(at(1), LEASE);
    assert!(!is_hit(&cache, "/a", at(2)));
}

#[test]
fn without_a_lease_nothing_is_served_as_valid() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    cache.end_lease();
    cache.renew(at(10), LEASE);
    assert!(is_hit(&cache, "/a", at(11)));
    assert!(!is_hit(&cache, "/a", at(12)));
    let fenced = lookup(&cache, "/a", at(12));
    assert!(matches!(fenced, Lookup::Fenced(Some(_))), "it may still be served as stale");
    let later = lookup(&cache, "/a", at(62));
    assert!(matches!(later, Lookup::Fenced(None)), "but not beyond its window");
    apply(&cache, 2, Invalidation::new().pattern("a"), at(12));
    let fenced = lookup(&cache, "/a", at(12));
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
fn an_entry_past_its_end_is_served_within_its_windows() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    assert!(is_hit(&cache, "/a", at(99)));
    let lookup = |now| lookup(&cache, "/a", now);
    let past = |seconds| Duration::from_secs(seconds);
    assert!(matches!(lookup(at(100)), Lookup::Stale { past_end, .. } if past_end == past(0)));
    assert!(matches!(lookup(at(119)), Lookup::Stale { past_end, .. } if past_end == past(19)));
    assert!(matches!(lookup(at(120)), Lookup::Miss(Miss::Expired(Some(_)))));
    assert!(matches!(lookup(at(150)), Lookup::Miss(Miss::Expired(None))));
}

#[test]
fn a_soft_invalidation_is_the_end_of_an_entrys_time() {
    let cache = cache();
    fill(&cache, "/a", 1, &["news"]);
    apply(&cache, 2, Invalidation::new().group("news").soft(), at(10));
    let lookup = |now| lookup(&cache, "/a", now);
    assert!(matches!(lookup(at(29)), Lookup::Stale { .. }));
    apply(&cache, 3, Invalidation::new().group("news").pattern("^/a").soft(), at(25));
    assert!(
        matches!(lookup(at(30)), Lookup::Miss(Miss::Expired(Some(_)))),
        "no window is extended"
    );
    assert!(matches!(lookup(at(60)), Lookup::Miss(Miss::Expired(None))));
    let Lookup::Stale { entry, .. } = lookup(at(29)) else { panic!("must be stale") };
    assert!(!cache.is_valid(&entry) && cache.may_stand_in(&entry, at(29)));
    apply(&cache, 4, Invalidation::new().group("news"), at(28));
    assert!(matches!(lookup(at(29)), Lookup::Miss(Miss::Invalidated)));
    assert!(!cache.may_stand_in(&entry, at(29)));
}

#[test]
fn a_soft_invalidation_that_was_missed_counts_from_the_end_of_the_lease() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    cache.end_lease();
    cache.renew(at(10), LEASE);
    apply(&cache, 2, Invalidation::new().pattern("^/a").soft(), at(50));
    cache.renew(at(50), LEASE);
    let found = lookup(&cache, "/a", at(51));
    assert!(matches!(found, Lookup::Miss(Miss::Expired(Some(_)))), "{found:?}");
}

#[test]
fn without_a_lease_no_stale_entry_is_served_while_it_is_made_anew() {
    let cache = cache();
    fill(&cache, "/a", 1, &[]);
    cache.end_lease();
    cache.renew(at(90), LEASE);
    assert!(matches!(lookup(&cache, "/a", at(101)), Lookup::Fenced(Some(_))));
}

#[test]
fn a_fill_that_became_stale_while_it_was_made_is_kept_where_it_may_be_served() {
    let cache = cache();
    apply(&cache, 5, Invalidation::new().group("news").soft(), at(0));
    assert!(matches!(fill(&cache, "/news", 4, &["news"]), Filled::Stored(_)));
    assert!(matches!(lookup(&cache, "/news", at(1)), Lookup::Stale { .. }));
    let none = Freshness {
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        ..fresh_for_100_s()
    };
    let groups = ["news".to_owned()];
    let fill = Fill { freshness: none, ..new_fill(&cache, "/other", 4, &groups) };
    assert!(matches!(cache.fill(fill), Filled::Overtaken(_)));
}

#[test]
fn a_fill_begun_before_everything_was_forgotten_is_not_stored() {
    let cache = cache();
    apply(&cache, 5, Invalidation::new(), at(0));
    fill(&cache, "/a", 5, &[]);
    let begun = new_fill(&cache, "/b", 5, &[]);
    cache.mark_hit_for_miss(&Key::of_id("/c"), at(0));
    cache.forget();
    assert!(!is_hit(&cache, "/a", at(1)));
    assert!(!cache.is_hit_for_miss(&Key::of_id("/c"), at(1)));
    assert!(matches!(cache.fill(begun), Filled::Unplaced(_)));
    assert!(cache.holds_lease(at(1)), "the log is still followed");
    assert_eq!(cache.position(), Some(LogOrigin { log: LOG, as_of: Position(5) }));
    assert!(matches!(fill(&cache, "/b", 4, &[]), Filled::Unplaced(_)), "it is below the new floor");
    fill(&cache, "/b", 5, &[]);
    assert!(is_hit(&cache, "/b", at(1)));
}

#[test]
fn a_reply_may_be_of_another_type_than_its_route() {
    let cache = cache();
    let key = Key::of_id("/a");
    let fill = |persistent| {
        let freshness = Freshness { persistent, ..fresh_for_100_s() };
        cache.fill(Fill { freshness, ..new_fill(&cache, "/a", 1, &[]) })
    };
    for persistent in [true, false, true] {
        let Filled::Stored(stored) = fill(persistent) else { panic!("must be stored") };
        for first in [true, false] {
            let found = cache.lookup(&key, first, at(1));
            let Lookup::Hit(found) = found else { panic!("{found:?}") };
            assert!(std::sync::Arc::ptr_eq(&found, &stored), "an older one hides it");
        }
    }
    cache.remove(&key);
    assert!(matches!(cache.lookup(&key, false, at(1)), Lookup::Miss(Miss::Absent)));
}

#[test]
fn a_fill_removes_a_hit_for_miss_mark() {
    let cache = cache();
    let key = Key::of_id("/a");
    cache.mark_hit_for_miss(&key, at(0));
    assert!(cache.is_hit_for_miss(&key, at(1)));
    fill(&cache, "/a", 1, &[]);
    assert!(!cache.is_hit_for_miss(&key, at(1)));
}

#[test]
fn a_pattern_that_matches_a_fragment_invalidates_the_page_around_it() {
    let cache = cache();
    let contains = Box::from([Box::from("fragment:card/7")]);
    cache.fill(Fill { contains, ..new_fill(&cache, "/", 1, &[]) });
    assert!(is_hit(&cache, "/", at(1)));
    apply(&cache, 2, Invalidation::new().pattern("^fragment:card/7$"), at(1));
    assert!(matches!(lookup(&cache, "/", at(1)), Lookup::Miss(Miss::Invalidated)));
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

#[test]
fn an_entry_of_an_earlier_ledger_is_reported_dead_to_its_holder() {
    for forget in [|cache: &Cache| cache.forget(), |cache: &Cache| cache.follow(LOG, Position(1))] {
        let cache = cache();
        let window = Duration::from_secs(1000);
        let freshness = Freshness { stale_if_error: window, ..fresh_for_100_s() };
        let filled = cache.fill(Fill { freshness, ..new_fill(&cache, "/a", 1, &[]) });
        let Filled::Stored(entry) = filled else { panic!("{filled:?}") };
        assert!(cache.is_valid(&entry) && cache.may_stand_in(&entry, at(1)));
        forget(&cache);
        cache.renew(at(1), LEASE);
        assert!(!cache.is_valid(&entry) && !cache.may_stand_in(&entry, at(1)));
    }
}
