//! A random walk that checks that no cached page differs from a fresh one, and counts the pages that were made again
//! without need.
//!
//! The cluster has one back end and three front ends. After each of many random changes (publish, edit, delete,
//! comment, favourite, several at once) every page of the site is read from every front end and compared with its fresh
//! copy, which a request with `x-fresh: 1` receives. The readers are a guest in English, a guest in German, and a
//! signed-in visitor.
//!
//! - `cast`: the values in changes. `change`: one change.
//! - `forgotten`: the same walk over a site whose groups are named by hand.
//! - `pages`: the pages of the site. `walk`: changes and reads. `tally`: the results.
//!
//! - `many`: many concurrent changes from several callers, and then the auditor of each front end.
//!
//! `RECIPES_READS=14040` and `RECIPES_CHANGES=100000` make the tests longer, `RECIPES_SEED` repeats their choices.

mod cast;
mod change;
#[cfg(feature = "by-hand")]
mod forgotten;
mod many;
mod pages;
mod tally;
mod walk;

use std::path::Path;

use headwater_tests::{Cluster, Seed, Site};

use many::change_and_audit;
use pages::Pages;
use walk::Walk;

const FRONTENDS: usize = 3;

/// Returns the minimum number of pages to read: `RECIPES_READS`, or else `few`.
fn reads(few: usize) -> usize {
    number("RECIPES_READS", few)
}

/// Returns the number in an environment variable, or else `otherwise`.
fn number(variable: &str, otherwise: usize) -> usize {
    let number = std::env::var(variable);
    number.map_or(otherwise, |text| text.parse().expect("it is a whole number"))
}

/// Starts a cluster of a site with the files of this package.
async fn cluster(program: &str, frontends: usize) -> Cluster {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["dispatch.conf", "templates", "locales", "docroot"];
    let site = files.iter().fold(Site::new(program), |site, name| site.copy(root, name));
    // In development, pages would contain notices of the auditor.
    let languages = "languages = [\"en\", \"de\"]\nlanguage_cookie = \"language\"\n";
    let production = "environment = \"production\"\n[docroot]\npath = \"docroot\"\n";
    let site = site.project(&format!("{languages}{production}"));
    Cluster::start(site, frontends).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_stale_and_few_are_made_again_without_need() {
    let seed = Seed::take("RECIPES_SEED");
    let cluster = cluster(env!("CARGO_BIN_EXE_recipes"), FRONTENDS).await;
    let mut walk = Walk::new(&cluster, Pages::new(), seed).await;
    while walk.tally().reads < reads(4_000) {
        walk.step().await;
    }
    println!("{}", walk.tally());
    assert_eq!(walk.tally().stale, 0);
    // The form of a new recipe has the address that it is posted to, so each new recipe invalidates it (RFC 9111,
    // section 4.4). In a walk of few changes their share varies; in a long one it is 5 %.
    assert!(
        walk.tally().waste() < 10.0,
        "{:.1} % were made again without need",
        walk.tally().waste()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_many_concurrent_changes_the_auditors_find_nothing() {
    let seed = Seed::take("RECIPES_SEED");
    let cluster = cluster(env!("CARGO_BIN_EXE_recipes"), 2).await;
    let audited = change_and_audit(&cluster, number("RECIPES_CHANGES", 600), seed).await;
    println!("{audited}");
    assert!(audited.findings.is_empty(), "{:#?}", audited.findings);
}
