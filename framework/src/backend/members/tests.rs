use futures_util::FutureExt;

use super::*;
use crate::log::Outcome;

fn members(lease: u64) -> Members {
    Members::new(Duration::from_millis(lease))
}

/// Asks for a lease. Returns whether it was granted.
fn grant(members: &Members, feed: FeedId) -> bool {
    members.grant(feed, clock::now(), None) == Grant::Given
}

#[tokio::test]
async fn a_writer_waits_for_the_acknowledgement_of_each_leaseholder() {
    let members = members(60_000);
    let feed = members.join(7, "f1", Position(3));
    members.join(8, "without-lease", Position(3));
    assert!(grant(&members, feed));
    let settled = members.settled(Position(4), None);
    tokio::pin!(settled);
    assert!(futures_util::poll!(&mut settled).is_pending());
    members.acknowledge(feed, Position(4));
    let acknowledgements = settled.await;
    assert_eq!(acknowledgements.len(), 1);
    assert_eq!(acknowledgements[0].frontend, "f1");
    assert_eq!(acknowledgements[0].outcome, Outcome::Acknowledged);
}

#[tokio::test]
async fn a_writer_waits_no_longer_than_the_lease() {
    let members = members(50);
    let feed = members.join(7, "f1", Position(3));
    assert!(grant(&members, feed));
    members.cut(feed);
    let acknowledgements = members.settled(Position(4), None).await;
    assert_eq!(acknowledgements[0].outcome, Outcome::LeaseExpired);
    assert!(acknowledgements[0].took <= Duration::from_millis(500));
    assert!(members.settled(Position(5), None).await.is_empty(), "no lease is held any more");
}

#[tokio::test]
async fn members_of_a_predecessor_are_waited_for() {
    let members = members(50);
    members.presume(7, "f1".to_owned(), Duration::from_millis(80));
    let acknowledgements = members.settled(Position(4), None).await;
    assert_eq!(acknowledgements[0].outcome, Outcome::LeaseExpired);
    assert!(acknowledgements[0].took >= Duration::from_millis(80));
}

fn holdings(lacking: &[u64], failing: &[(u64, &str)]) -> Holdings {
    Holdings {
        after: Position::START,
        lacking: lacking.iter().copied().map(Position).collect(),
        failing: failing.iter().map(|(at, why)| (Position(*at), (*why).to_owned())).collect(),
    }
}

#[tokio::test]
async fn a_file_is_held_when_every_leaseholder_has_it() {
    let members = members(60_000);
    let (first, second) = (members.join(7, "f1", Position(3)), members.join(8, "f2", Position(3)));
    members.join(9, "without-lease", Position(3));
    assert!(grant(&members, first) && grant(&members, second));
    let held = members.held(Position(4), Duration::from_secs(60));
    tokio::pin!(held);
    assert!(futures_util::poll!(&mut held).is_pending());
    for feed in [first, second] {
        members.acknowledge(feed, Position(4));
        assert!(futures_util::poll!(&mut held).is_pending(), "they have reported nothing");
    }
    members.report(first, holdings(&[8], &[]));
    members.report(second, holdings(&[4], &[]));
    assert!(futures_util::poll!(&mut held).is_pending());
    members.report(second, holdings(&[], &[]));
    assert_eq!(held.await, Ok(()));
}

#[tokio::test]
async fn a_front_end_that_cannot_store_a_file_gets_no_lease_while_another_one_can() {
    let members = members(60_000);
    let feeds = [7, 8].map(|run| members.join(run, &format!("f{run}"), Position(3)));
    for feed in feeds {
        assert!(grant(&members, feed));
        members.acknowledge(feed, Position(4));
    }
    members.report(feeds[0], holdings(&[4], &[(4, "the disk is full")]));
    let patience = Duration::from_millis(1);
    assert_eq!(members.held(Position(4), patience).await, Err(Unheld(vec!["f8".to_owned()])));
    members.report(feeds[1], holdings(&[], &[]));
    assert_eq!(members.held(Position(4), patience).await, Ok(()));
    assert!(!grant(&members, feeds[0]) && grant(&members, feeds[1]));
    members.report(feeds[0], holdings(&[], &[]));
    assert!(grant(&members, feeds[0]));
}

#[tokio::test]
async fn a_file_that_no_front_end_can_store_is_an_error_and_costs_no_lease() {
    let members = members(60_000);
    let feeds = [7, 8].map(|run| members.join(run, &format!("f{run}"), Position(3)));
    for feed in feeds {
        assert!(grant(&members, feed));
        members.acknowledge(feed, Position(4));
        members.report(feed, holdings(&[4], &[(4, "the disk is full")]));
    }
    let unheld = members.held(Position(4), Duration::from_secs(60)).await;
    assert_eq!(unheld, Err(Unheld(vec!["f7".to_owned(), "f8".to_owned()])));
    assert!(feeds.into_iter().all(|feed| grant(&members, feed)));
}

#[tokio::test]
async fn a_member_that_lacks_a_file_is_awaited_until_its_lease_or_the_deadline_is_over() {
    let members = members(50);
    let feed = members.join(7, "f1", Position(3));
    assert!(grant(&members, feed));
    assert_eq!(members.held(Position(4), Duration::from_secs(60)).await, Ok(()));
    assert!(grant(&members, feed));
    let unheld = members.held(Position(4), Duration::from_millis(1)).await;
    assert_eq!(unheld, Err(Unheld(vec!["f1".to_owned()])));
    let held = members.held(Position(4), Duration::from_secs(60));
    members.leave(feed);
    assert_eq!(held.await, Ok(()));
}

#[tokio::test]
async fn the_wait_for_a_file_skips_a_front_end_that_is_silent_for_half_a_lease() {
    let members = members(400);
    let feed = members.join(7, "f1", Position(3));
    assert!(grant(&members, feed));
    let start = std::time::Instant::now();
    assert_eq!(members.held(Position(4), Duration::from_secs(60)).await, Ok(()));
    assert!(start.elapsed() < Duration::from_millis(390), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_member_that_leaves_is_not_awaited() {
    let members = members(60_000);
    let feed = members.join(7, "f1", Position(3));
    assert!(grant(&members, feed));
    let settled = members.settled(Position(4), None);
    tokio::pin!(settled);
    assert!(futures_util::poll!(&mut settled).is_pending());
    assert_eq!(members.leave(feed), Some(7));
    settled.await;
    assert!(!grant(&members, feed), "a member that has left gets no lease");
}

#[test]
fn a_member_with_longer_leases_than_the_log_declares_must_join_again() {
    let members = members(50);
    members.presume(7, "f1".to_owned(), Duration::from_millis(20));
    assert!(!members.knows(7));
    members.join(7, "f1", Position(3));
    assert!(members.knows(7));
}

#[test]
fn an_earlier_feed_can_neither_cut_nor_lease_its_successor() {
    let members = members(60_000);
    let earlier = members.join(7, "f1", Position(3));
    let later = members.join(7, "f1", Position(3));
    members.cut(earlier);
    assert!(!grant(&members, earlier));
    assert!(grant(&members, later));
    assert_eq!(members.status(&[])[0].health, Health::Serving);
}

#[test]
fn an_expected_front_end_that_never_came_is_missing() {
    let status = members(1).status(&["f9".to_owned()]);
    assert_eq!((status[0].name.as_str(), status[0].health), ("f9", Health::Missing));
}

/// Three front ends with leases, of which the last does not acknowledge.
async fn two_of_three(members: &Members) -> [FeedId; 3] {
    let feeds = [1, 2, 3].map(|run| members.join(run, &format!("f{run}"), Position(3)));
    assert!(feeds.iter().all(|feed| grant(members, *feed)));
    let settled = members.settled(Position(4), None);
    tokio::pin!(settled);
    assert!(futures_util::poll!(&mut settled).is_pending());
    members.acknowledge(feeds[0], Position(4));
    members.acknowledge(feeds[1], Position(4));
    settled.await;
    feeds
}

fn health_of(members: &Members, name: &str) -> Vec<Health> {
    let status = members.status(&[]);
    status.iter().filter(|member| member.name == name).map(|member| member.health).collect()
}

#[tokio::test]
async fn a_front_end_whose_lease_ran_out_while_a_writer_waited_is_on_probation() {
    let members = members(100);
    let [first, second, silent] = two_of_three(&members).await;
    assert!(grant(&members, first) && grant(&members, second));
    assert_eq!(members.grant(silent, clock::now(), None), Grant::Withheld);
    assert_eq!(health_of(&members, "f3"), [Health::Probation]);
    assert_eq!(health_of(&members, "f1"), [Health::Serving]);
    members.acknowledge(first, Position(5));
    members.acknowledge(second, Position(5));
    let acknowledgements = members.settled(Position(5), None).await;
    assert_eq!(acknowledgements.len(), 2, "nothing waits for one without a lease");
}

#[tokio::test]
async fn a_front_end_that_is_restarted_is_still_on_probation() {
    let members = members(100);
    let [_, _, silent] = two_of_three(&members).await;
    members.cut(silent);
    let again = members.join(4, "f3", Position(4));
    assert_eq!(members.grant(again, clock::now(), None), Grant::Withheld);
    assert_eq!(health_of(&members, "f3"), [Health::Gone, Health::Probation]);
}

#[tokio::test]
async fn a_front_end_that_wakes_and_acknowledges_is_assessed_before_it_gets_a_lease() {
    let members = members(200);
    let feeds = [1, 2, 3].map(|run| members.join(run, &format!("f{run}"), Position(3)));
    assert!(feeds.iter().all(|feed| grant(&members, *feed)));
    let settled = members.settled(Position(4), None);
    tokio::pin!(settled);
    assert!(futures_util::poll!(&mut settled).is_pending());
    members.acknowledge(feeds[0], Position(4));
    members.acknowledge(feeds[1], Position(4));
    tokio::time::sleep(Duration::from_millis(150)).await;
    members.acknowledge(feeds[2], Position(4));
    assert_eq!(members.grant(feeds[2], clock::now(), None), Grant::Withheld);
    settled.await;
}

#[tokio::test]
async fn when_no_front_end_acknowledges_none_is_on_probation() {
    let members = members(100);
    let feeds = [1, 2, 3].map(|run| members.join(run, &format!("f{run}"), Position(3)));
    for position in 4..7 {
        assert!(feeds.iter().all(|feed| grant(&members, *feed)));
        members.settled(Position(position), None).await;
    }
    assert!(feeds.iter().all(|feed| grant(&members, *feed)));
}

#[tokio::test]
async fn a_writer_does_not_wait_for_a_front_end_whose_process_has_ended() {
    let members = members(60_000);
    let [first, second] = [7, 8].map(|run| members.join(run, "f1", Position(3)));
    assert!(grant(&members, first) && grant(&members, second));
    let settled = members.settled(Position(4), None);
    tokio::pin!(settled);
    members.cut(first);
    assert!(futures_util::poll!(&mut settled).is_pending());
    members.end(7, "f2");
    assert_eq!(health_of(&members, "f1"), [Health::Cut, Health::Serving], "that was another one");
    members.end(7, "f1");
    assert_eq!(health_of(&members, "f1"), [Health::Gone, Health::Serving]);
    assert!(futures_util::poll!(&mut settled).is_pending(), "its successor lives");
    members.acknowledge(second, Position(4));
    let acknowledgements = settled.await;
    let outcomes: Vec<_> = acknowledgements.iter().map(|it| it.outcome).collect();
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&Outcome::LeaseExpired) && outcomes.contains(&Outcome::Acknowledged));
    assert_eq!(
        members.settled(Position(5), None).now_or_never(),
        None,
        "nothing has acknowledged it"
    );
}

#[tokio::test]
async fn a_front_end_that_a_call_has_waited_for_gets_no_lease_until_the_call_has_ended() {
    let members = members(1000);
    let feeds = [1, 2].map(|run| members.join(run, &format!("f{run}"), Position(3)));
    assert!(feeds.iter().all(|feed| grant(&members, *feed)));
    let call = members.begin_call();
    let settled = members.settled(Position(4), Some(call));
    tokio::pin!(settled);
    assert!(futures_util::poll!(&mut settled).is_pending());
    members.acknowledge(feeds[0], Position(4));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!grant(&members, feeds[1]), "it asks before it acknowledges");
    members.acknowledge(feeds[1], Position(4));
    settled.await;
    assert!(grant(&members, feeds[0]) && !grant(&members, feeds[1]));
    assert_eq!(health_of(&members, "f2"), [Health::Serving], "it is not penalised");
    members.end_call(call);
    assert!(grant(&members, feeds[1]));
}
