use proptest::prelude::*;

use super::*;
use crate::clock;
use crate::link::Holding;

fn id(content: u8) -> ContentId {
    ContentId { hash: [content; 32], length: 1 }
}

/// A change to the content with this number; 0 removes the file.
fn change(path: &str, content: u8) -> FileChange {
    FileChange { path: path.to_owned(), content: (content > 0).then(|| id(content)) }
}

/// The state after these records, each a change of one file, without any content stored.
fn known(records: &[(&str, u8)]) -> KnownFiles {
    let mut known = KnownFiles { trust: Trust::Whole, ..KnownFiles::default() };
    for ((path, content), position) in records.iter().zip(1..) {
        known.apply(Position(position), &change(path, *content), |_| false);
    }
    known
}

fn lacking(known: &KnownFiles) -> Vec<u64> {
    known.holdings().lacking.iter().map(|position| position.0).collect()
}

#[test]
fn a_content_is_lacking_until_it_arrives_or_is_replaced() {
    let mut known = known(&[("a", 1), ("b", 2), ("c", 1), ("d", 0)]);
    assert_eq!(lacking(&known), [3, 2, 1]);
    known.arrived(id(1));
    assert_eq!(lacking(&known), [2]);
    known.apply(Position(5), &change("b", 0), |_| false);
    assert!(lacking(&known).is_empty());
    assert_eq!(known.holdings(), Holdings::default());
    known.lost(id(1));
    assert_eq!(lacking(&known), [3, 1]);
    known.apply(Position(6), &change("e", 7), |_| true);
    assert_eq!(lacking(&known), [3, 1], "content that is already on the disk is not lacking");
}

#[test]
fn awaited_contents_are_fetched_first_and_then_the_latest() {
    let now = clock::now();
    let mut known = known(&[("a", 1), ("b", 2), ("c", 3)]);
    assert_eq!(known.next(false, now), Some(id(3)));
    known.want(id(1), false, now);
    assert_eq!(known.next(true, now), Some(id(1)));
    assert_eq!(known.next(true, now), None, "no request waits for the rest");
    assert_eq!(known.next(false, now), Some(id(2)));
    assert_eq!(known.next(false, now), None, "all are being fetched");
    known.fetched(id(3), None, now);
    assert_eq!(known.next(false, now), Some(id(3)), "an interrupted attempt is repeated");
}

#[test]
fn a_content_without_a_file_is_fetched_only_while_a_request_waits_for_it() {
    let now = clock::now();
    let mut known = known(&[]);
    known.want(id(9), false, now);
    known.want(id(9), false, now);
    assert_eq!(known.next(false, now), Some(id(9)));
    known.unwant(id(9));
    assert!(known.is_wanted(id(9)));
    known.unwant(id(9));
    known.fetched(id(9), None, now);
    assert!(!known.is_wanted(id(9)));
    assert_eq!(known.next(false, now), None);
    assert!(known.contents.is_empty());
}

#[test]
fn a_failure_is_reported_and_retried_after_a_growing_pause() {
    let mut now = clock::now();
    let mut known = known(&[("a", 1)]);
    let mut pauses = Vec::new();
    for _ in 0..10 {
        assert_eq!(known.next(false, now), Some(id(1)));
        let failure = MissingReason::Unstorable("the disk is full".to_owned());
        known.fetched(id(1), Some(failure), now);
        assert_eq!(known.unstorable(), Some("the disk is full"));
        assert_eq!(known.holdings().of(Position(1)), Holding::Failing("the disk is full"));
        assert_eq!(known.next(false, now), None);
        let next = known.next_attempt(false).unwrap();
        pauses.push(next.since(now).as_millis());
        now = next;
    }
    assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000]);
    known.fetched(id(1), None, now);
    known.want(id(1), false, now);
    assert!(
        known.next(false, now.after(URGENT_PAUSE)).is_some(),
        "a waiting request need not wait so long"
    );
    known.arrived(id(1));
    assert_eq!(known.holdings().of(Position(1)), Holding::Held);
    assert!(known.is_whole() && known.unstorable().is_none());
}

#[test]
fn a_failure_is_reported_for_the_latest_records_that_have_the_content() {
    let now = clock::now();
    let paths: Vec<String> = (0..=Holdings::FAILURES).map(|number| number.to_string()).collect();
    let records: Vec<_> = paths.iter().map(|path| (path.as_str(), 1)).collect();
    let mut known = known(&records);
    assert_eq!(known.next(false, now), Some(id(1)));
    known.fetched(id(1), Some(MissingReason::Unstorable("the disk is full".to_owned())), now);
    let latest = Position(records.len() as u64);
    assert_eq!(known.holdings().of(latest), Holding::Failing("the disk is full"));
}

#[test]
fn a_content_that_no_back_end_has_is_lacking_but_no_failure_of_this_front_end() {
    let now = clock::now();
    let mut known = known(&[("a", 1)]);
    assert_eq!(known.next(false, now), Some(id(1)));
    known.fetched(id(1), Some(MissingReason::Absent("it is lost".to_owned())), now);
    assert_eq!(known.holdings().of(Position(1)), Holding::Lacking);
    assert!(known.unstorable().is_none() && known.is_whole());
}

#[test]
fn a_report_covers_only_the_latest_records() {
    let mut known = KnownFiles::default();
    for position in 1..=1000 {
        let mut content = ContentId { hash: [0; 32], length: position };
        content.hash[..8].copy_from_slice(&position.to_le_bytes());
        let change = FileChange { path: position.to_string(), content: Some(content) };
        known.apply(Position(position), &change, |content| content.length % 2 == 0);
    }
    let holdings = known.holdings();
    assert_eq!(holdings.lacking.len(), Holdings::NAMED);
    let of = |position| holdings.of(Position(position));
    assert_eq!((of(999), of(1000)), (Holding::Lacking, Holding::Held));
    assert_eq!((of(489), of(490), of(486)), (Holding::Lacking, Holding::Held, Holding::Lacking));
}

#[test]
fn after_an_unreadable_record_no_content_is_reported_as_held() {
    let mut known = known(&[("a", 1)]);
    known.arrived(id(1));
    assert!(known.is_whole());
    known.distrust();
    assert_eq!(known.holdings().of(Position(1)), Holding::Lacking);
    assert!(!known.is_whole());
    known.begin(Manifest::default(), |_| false);
    assert_eq!(known.holdings().of(Position(1)), Holding::Held);
}

#[test]
fn a_new_manifest_replaces_everything_but_waiting_requests() {
    let now = clock::now();
    let mut known = known(&[("a", 1), ("b", 2)]);
    known.want(id(1), false, now);
    let mut manifest = Manifest::default();
    manifest.apply(Position(4), &change("c", 3)).unwrap();
    known.begin(manifest, |_| false);
    assert_eq!(lacking(&known), [4]);
    assert_eq!(known.manifest().get("a"), None);
    assert_eq!(known.next(false, now), Some(id(1)));
    known.unwant(id(1));
    known.fetched(id(1), None, now);
    assert_eq!(known.contents.len(), 1);
}

/// One operation.
#[derive(Debug, Clone)]
enum Step {
    Change(u8, u8),
    Arrive(u8),
    Lose(u8),
    Want(u8),
    Unwant(u8),
    Next(bool),
    Fetched(u8, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..4_u8, 0..4_u8).prop_map(|(path, content)| Step::Change(path, content)),
        (1..4_u8).prop_map(Step::Arrive),
        (1..4_u8).prop_map(Step::Lose),
        (1..4_u8).prop_map(Step::Want),
        (1..4_u8).prop_map(Step::Unwant),
        any::<bool>().prop_map(Step::Next),
        (1..4_u8, any::<bool>()).prop_map(|(content, failed)| Step::Fetched(content, failed)),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// The incrementally updated state equals one that is computed from scratch.
    #[test]
    fn incremental_state_matches_a_recomputation(steps in steps()) {
        let now = clock::now();
        let mut known = KnownFiles::default();
        let mut here = std::collections::BTreeSet::new();
        let mut position = 0;
        for step in steps {
            match step {
                Step::Change(path, content) => {
                    position += 1;
                    let here = here.clone();
                    let change = change(&path.to_string(), content);
                    known.apply(Position(position), &change, |content| here.contains(&content));
                }
                Step::Arrive(content) => { here.insert(id(content)); known.arrived(id(content)); }
                Step::Lose(content) => { here.remove(&id(content)); known.lost(id(content)); }
                Step::Want(content) => known.want(id(content), here.contains(&id(content)), now),
                Step::Unwant(content) => known.unwant(id(content)),
                Step::Next(urgent) => drop(known.next(urgent, now)),
                Step::Fetched(content, failed) => {
                    known.fetched(id(content), failed.then(|| MissingReason::Unstorable("no".to_owned())), now);
                }
            }
            let mut expected: Vec<u64> = known.manifest().iter()
                .filter(|(_, entry)| entry.content.is_some_and(|content| !here.contains(&content)))
                .map(|(_, entry)| entry.position.0)
                .collect();
            expected.sort_unstable();
            expected.reverse();
            prop_assert_eq!(lacking(&known), expected);
            let missing: BTreeSet<ContentId> = known.manifest().contents().into_iter()
                .filter(|content| !here.contains(content)).collect();
            let booked: BTreeSet<ContentId> = known.missing.iter().map(|(_, content)| *content).collect();
            prop_assert_eq!(&booked, &missing);
            prop_assert_eq!(known.missing.len(), missing.len());
            prop_assert!(known.urgent.iter().all(|content| known.contents[content].waiting > 0));
            prop_assert!(known.missing.iter().all(|(_, content)| known.contents.contains_key(content)));
        }
    }
}
