//! The six groups that are missing in `by-hand/` and that the walk must find.

use headwater_tests::Seed;

use crate::pages::Pages;
use crate::walk::Walk;
use crate::{FRONTENDS, cluster, reads};

/// A missing group, with the change after which pages of these kinds are stale.
struct Forgotten {
    what: &'static str,
    change: &'static str,
    pages: &'static [&'static str],
}

/// The missing groups of `by-hand/`.
const FORGOTTEN: [Forgotten; 6] = [
    Forgotten {
        what: "the number of comments in the list for programs",
        change: "comment",
        pages: &["/api/recipes"],
    },
    Forgotten {
        what: "the author of a recipe that is deleted",
        change: "delete",
        pages: &["/authors/{author}", "/authors/{author}?page"],
    },
    Forgotten {
        what: "the tags of a recipe that is deleted",
        change: "delete",
        pages: &["/tags/{tag}", "/tags/{tag}?page"],
    },
    Forgotten {
        what: "the author that a recipe had before an edit",
        change: "edit",
        pages: &["/authors/{author}", "/authors/{author}?page"],
    },
    Forgotten {
        what: "the tags that a recipe had before an edit",
        change: "edit",
        pages: &["/tags/{tag}"],
    },
    Forgotten { what: "page 2 of a tag", change: "publish", pages: &["/tags/{tag}?page"] },
];

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_are_named_by_hand_leave_pages_stale_in_six_cases() {
    let seed = Seed::take("RECIPES_SEED");
    let cluster = cluster(env!("CARGO_BIN_EXE_by-hand"), FRONTENDS).await;
    // Only groups of lists are missing, so a short walk reads only lists.
    let pages = if reads(0) == 0 { Pages::lists() } else { Pages::new() };
    let mut walk = Walk::new(&cluster, pages, seed).await;
    while walk.tally().reads < 40_000
        && (!FORGOTTEN.iter().all(|it| found(&walk, it)) || walk.tally().reads < reads(0))
    {
        walk.step().await;
    }
    println!("{}", walk.tally());
    for forgotten in &FORGOTTEN {
        let Forgotten { what, .. } = forgotten;
        assert!(found(&walk, forgotten), "no page was stale because of: {what}");
        println!("found: {what}");
    }
}

/// Returns whether a page became stale as expected.
fn found(walk: &Walk, Forgotten { change, pages, .. }: &Forgotten) -> bool {
    pages.iter().any(|page| walk.tally().found.contains_key(&(*change, *page)))
}
