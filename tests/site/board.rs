//! Pages that consist of a version only.

use std::collections::BTreeMap;
use std::time::Duration;

use headwater::prelude::*;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

/// A page. One that was never written has no row and version 0.
#[derive(Clone, Serialize, Deserialize, Row)]
struct Page {
    #[row(key)]
    number: u32,
    #[row(index)]
    version: u64,
}

/// All pages.
#[derive(Clone, Default, State)]
pub(crate) struct Board {
    pages: Table<Page>,
    total: Value<u64>,
    /// The versions again, for routes that name their groups by hand.
    named: Plain<OrdMap<u32, u64>>,
}

/// The updates of the board.
#[derive(Serialize, Deserialize)]
pub(crate) enum Change {
    /// Increments the version of a page.
    Raise {
        /// The page.
        page: u32,
    },
}

impl Updates for Board {
    const NAME: &'static str = "board";
    type Update = Change;
    /// The page's new version.
    type Output = u64;
    type Refusal = Violation;

    fn apply(&mut self, change: Change, at: &mut At) -> Result<u64, Violation> {
        let Change::Raise { page } = change;
        let version = self.pages.get(page).map_or(0, |page| page.version) + 1;
        self.pages.upsert(Page { number: page, version })?;
        self.total.update(|total| *total += 1);
        self.named.insert(page, version);
        at.invalidate(
            Invalidation::new().group(format!("page:{page}")).pattern(format!("^/pattern/{page}$")),
        );
        Ok(version)
    }
}

impl BoardView {
    fn version(&self, page: u32) -> u64 {
        self.pages.get(page).map_or(0, |page| page.version)
    }
}

/// The whole board.
#[derive(Serialize)]
struct All {
    versions: BTreeMap<u32, u64>,
    total: u64,
}

/// A page as plain text.
#[controller("board.page")]
pub(crate) async fn page(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    text(board.version(page).to_string())
}

/// A page as plain text, whose groups its route names.
#[controller("board.grouped")]
pub(crate) async fn grouped(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    text(board.named.get(&page).copied().unwrap_or(0).to_string())
}

/// A page in a template.
#[controller("board.templated")]
pub(crate) async fn templated(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    let version = board.version(page);
    template("page.html").with("page", page).with("version", version)
}

/// A page that is sent some time after it was read, so that writes overtake it.
#[controller("board.slow")]
pub(crate) async fn slow(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    let version = board.version(page);
    tokio::time::sleep(Duration::from_millis(rand::random_range(0..20))).await;
    text(version.to_string())
}

/// All pages.
#[controller("board.all")]
pub(crate) async fn all(board: Data<Board>) -> Reply {
    json(&All { versions: versions(&board.pages.all()), total: *board.total })
}

/// The three pages with the highest versions.
#[controller("board.top")]
pub(crate) async fn top(board: Data<Board>) -> Reply {
    json(&versions(&board.pages.ordered(Page::VERSION).newest(3)))
}

fn versions(pages: &[Ref<Page>]) -> BTreeMap<u32, u64> {
    pages.iter().map(|page| (page.number, page.version)).collect()
}

/// Raises the version of a page and returns it.
#[controller("board.raise")]
pub(crate) async fn raise(Path(page): Path<u32>, mut board: DataMut<Board>) -> Result<Reply> {
    let version = board.update(Change::Raise { page }).await??;
    Ok(text(version.to_string()))
}

/// Raises the version of a page three times in sequence and returns it; a condition is evaluated
/// afterwards.
#[controller("board.raise_thrice")]
#[invalidate(groups = ["all"], when = is_answered)]
pub(crate) async fn raise_thrice(
    Path(page): Path<u32>,
    mut board: DataMut<Board>,
) -> Result<Reply> {
    for _ in 0..2 {
        board.update(Change::Raise { page }).await??;
    }
    let version = board.update(Change::Raise { page }).await??;
    Ok(text(version.to_string()))
}

fn is_answered(reply: &Reply) -> bool {
    reply.status().is_success()
}
