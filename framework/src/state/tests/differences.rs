//! The invalidations of an update whose rows serialise less than their indexes contain.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize, Serializer};

use crate::log::Position;
use crate::paging::Cursor;
use crate::state::field::Reading;
use crate::state::store::apply;
use crate::state::{AfterReply, At, Recorder, Row, State, Table, Updates, Violation};

#[derive(Clone, Serialize, Deserialize, Row)]
struct Player {
    #[row(key)]
    id: u64,
    #[row(index)]
    #[serde(serialize_with = "in_hundreds")]
    score: u64,
}

fn in_hundreds<S: Serializer>(score: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(score / 100 * 100)
}

#[derive(Clone, Default, State)]
struct Game {
    players: Table<Player>,
}

impl Updates for Game {
    type Update = Vec<(u64, u64)>;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, players: Vec<(u64, u64)>, _: &mut At) -> Result<(), Violation> {
        players.into_iter().try_for_each(|(id, score)| self.players.upsert(Player { id, score }))
    }
}

fn groups(game: &mut Game, id: u64, score: u64) -> Vec<String> {
    let at = At::new(Position(1), UNIX_EPOCH);
    apply(game, vec![(id, score)], at, &["players"], &mut [None]).unwrap().1.groups
}

#[test]
fn a_row_that_moves_in_an_index_has_changed_even_if_its_encoding_has_not() {
    let mut game = Game::default();
    groups(&mut game, 1, 110);
    let moved = groups(&mut game, 1, 120);
    for group in ["players/1", "players@score", "players@score=110", "players@score=120"] {
        assert!(moved.iter().any(|moved| moved == group), "{group} is not in {moved:?}");
    }
    assert!(groups(&mut game, 1, 120).is_empty());
}

/// Returns those groups that the update invalidates for passed numbers of rows.
fn passed(game: &mut Game, players: Vec<(u64, u64)>) -> Vec<String> {
    let at = At::new(Position(1), UNIX_EPOCH);
    let groups = apply(game, players, at, &["players"], &mut [None]).unwrap().1.groups;
    groups.into_iter().filter(|group| group.contains('>')).collect()
}

#[test]
fn an_update_emits_each_number_of_rows_that_it_passes_up_to_a_limit() {
    let mut game = Game::default();
    let two = passed(&mut game, vec![(1, 7), (2, 7)]);
    let each = ["@", "@score=7", "@score"].map(|of| [0, 1].map(|k| format!("players{of}>{k}")));
    assert_eq!(two, each.concat());
    let moved = passed(&mut game, vec![(2, 8)]);
    assert_eq!(moved, ["players@score=7>1", "players@score=8>0"]);
    assert!(passed(&mut game, vec![(1, 8), (2, 7)]).is_empty(), "as many as before");

    let recorder = Arc::new(Recorder::new(256, AfterReply::Refused));
    let view = game.view(&Reading { recorder: Some(&recorder), names: &["players"] });
    assert!(view.players.of(Player::SCORE, 9).existing_page(2, 50).is_none());
    assert_eq!(recorder.close().groups, ["players@score=9>", "players@score=9>50"]);
    drop(view);
    let many = passed(&mut game, (100..165).map(|id| (id, 9)).collect());
    assert_eq!(many, ["players@>", "players@score=9>", "players@score>"]);
}

/// Returns the groups of a page with these reads.
fn read<T>(game: &Game, read: impl FnOnce(&GameView) -> T) -> Vec<String> {
    let recorder = Arc::new(Recorder::new(256, AfterReply::Refused));
    read(&game.view(&Reading { recorder: Some(&recorder), names: &["players"] }));
    recorder.close().groups
}

#[test]
fn rows_elsewhere_in_the_order_do_not_invalidate_a_list() {
    let mut game = Game::default();
    (0..100).for_each(|id| drop(groups(&mut game, id, 1000 + id * 10)));
    let by_score = |game: &GameView| game.players.ordered(Player::SCORE).reversed();
    let newest = read(&game, |game| by_score(game).take(10));
    let view = game.view(&Reading { recorder: None, names: &["players"] });
    let place = by_score(&view).behind(None, 40).1.unwrap();
    drop(view);
    let older = read(&game, |game| Cursor::behind(place).page(&by_score(game), 10).unwrap());
    // Ten rows with the places before them and at the end; the page of the cursor also looks for further rows.
    assert_eq!((newest.len(), older.len()), (20, 22), "{newest:?} {older:?}");

    let is_hit = |page: &[String], groups: &[String]| page.iter().any(|it| groups.contains(it));
    let mut hits = |id, score| {
        let groups = groups(&mut game, id, score);
        (is_hit(&newest, &groups), is_hit(&older, &groups))
    };
    for id in 200..250 {
        assert_eq!(hits(id, id), (false, false), "older ones come");
    }
    for id in 0..40 {
        assert_eq!(hits(id, 900 + id), (false, false), "older ones move");
    }
    assert_eq!(hits(300, 5000), (true, false), "a new one comes at the top");
    assert_eq!(hits(301, 1985), (true, false), "one comes between the newest");
    assert_eq!(hits(302, 1555), (false, true), "one comes between those behind the cursor");
    assert_eq!(hits(302, 1), (false, false), "which has not been read, and goes");
    assert_eq!(hits(55, 1), (false, true), "one of those behind the cursor goes");
}

#[test]
fn a_page_behind_a_place_of_another_list_depends_on_the_same_whatever_rows_there_are() {
    let mut game = Game::default();
    let behind = |game: &Game| {
        read(game, |game| game.players.of(Player::SCORE, 7).reversed().behind(Some(&[0]), 2))
    };
    for (id, score) in [(1, 5), (2, 7), (3, 6), (1, 9)] {
        assert_eq!(behind(&game), ["players@score=7<"]);
        groups(&mut game, id, score);
    }
    assert_eq!(behind(&game), ["players@score=7<"]);
}

#[test]
fn an_update_of_very_many_rows_invalidates_everything() {
    let mut game = Game::default();
    let mut invalidation = |count| {
        let at = At::new(Position(1), UNIX_EPOCH);
        apply(&mut game, (0..count).map(|id| (id, id)).collect(), at, &["players"], &mut [None])
            .unwrap()
            .1
    };
    let few = invalidation(10);
    assert!(few.patterns.is_empty() && few.groups.len() > 30, "{few:?}");
    let many = invalidation(30_000);
    assert!(many.groups.is_empty());
    let pattern = regex::Regex::new(&many.patterns[0]).unwrap();
    for id in ["/", "/recipes?page=2", "fragment:cards", ""] {
        assert!(pattern.is_match(id), "{id}");
    }
}
