//! Whether a page from the cache ever differs from a fresh one, and how many were made anew in vain.
//!
//! One back end, three front ends. After each of many random changes (publish, edit, delete, comment,
//! favourite, several at once) every page of the site is read from every front end and compared with its
//! fresh copy, which a request with `x-fresh: 1` gets: by a guest in English, by one in German, and by a visitor who has
//! signed in.
//!
//! - `cast`: what changes are made of. `change`: one change, or several at once.
//! - `forgotten`: the same with groups that are named by hand.
//! - `pages`: which pages there are. `walk`: changes and reads. `tally`: what was found.
//!
//! - `many`: many changes from several callers at once, and then the auditor of each front end.
//!
//! `RECIPES_READS=14040` and `RECIPES_CHANGES=100000` make it longer, `RECIPES_SEED` repeats its choices.

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

/// How many pages are to be read at least: as many as the environment says, otherwise `few`.
fn reads(few: usize) -> usize {
    number("RECIPES_READS", few)
}

/// The number in an environment variable.
fn number(variable: &str, otherwise: usize) -> usize {
    let number = std::env::var(variable);
    number.map_or(otherwise, |text| text.parse().expect("it is a whole number"))
}

/// A site with the files of this package.
async fn cluster(program: &str, frontends: usize) -> Cluster {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["dispatch.conf", "templates", "locales", "docroot"];
    let site = files.iter().fold(Site::new(program), |site, name| site.copy(root, name));
    // In development there are notices of the auditor on the pages.
    let languages = "languages = [\"en\", \"de\"]\nlanguage_cookie = \"language\"\n";
    let production = "environment = \"production\"\n[docroot]\npath = \"docroot\"\n";
    let site = site.project(&format!("{languages}{production}"));
    Cluster::start(site, frontends).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_is_stale_and_few_are_made_anew_in_vain() {
    let seed = Seed::take("RECIPES_SEED");
    let cluster = cluster(env!("CARGO_BIN_EXE_recipes"), FRONTENDS).await;
    let mut walk = Walk::new(&cluster, Pages::new(), seed).await;
    while walk.tally().reads < reads(4_000) {
        walk.step().await;
    }
    println!("{}", walk.tally());
    assert_eq!(walk.tally().stale, 0);
    // The form of a new recipe lives at the address that it is sent to, so each new recipe invalidates it (RFC 9111, section 4.4).
    assert!(walk.tally().waste() < 6.0, "{:.1} % were made anew in vain", walk.tally().waste());
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_many_changes_at_once_the_auditors_find_nothing() {
    let seed = Seed::take("RECIPES_SEED");
    let cluster = cluster(env!("CARGO_BIN_EXE_recipes"), 2).await;
    let audited = change_and_audit(&cluster, number("RECIPES_CHANGES", 600), seed).await;
    println!("{audited}");
    assert!(audited.findings.is_empty(), "{:#?}", audited.findings);
}
