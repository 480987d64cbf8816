//! Pages that are nothing but a version.

use std::time::Duration;

use headwater::prelude::*;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

/// The version of each page; a page that was never written has version 0.
#[derive(Clone, Default)]
pub(crate) struct Board {
    versions: OrdMap<u32, u64>,
    total: u64,
}

/// All that ever happens on the board.
#[derive(Serialize, Deserialize)]
pub(crate) enum Change {
    /// The version of a page grows by one.
    Raise {
        /// The page.
        page: u32,
    },
}

impl State for Board {
    const NAME: &'static str = "board";
    type Update = Change;
    /// The page's new version.
    type Output = u64;

    fn apply(&mut self, change: Change, _: At) -> u64 {
        let Change::Raise { page } = change;
        let version = self.version(page) + 1;
        self.versions.insert(page, version);
        self.total += 1;
        version
    }

    fn invalidates(change: &Change) -> Invalidation {
        let Change::Raise { page } = change;
        Invalidation::new()
            .group(format!("page:{page}"))
            .group("all")
            .pattern(format!("^/pattern/{page}$"))
    }
}

impl Board {
    fn version(&self, page: u32) -> u64 {
        self.versions.get(&page).copied().unwrap_or(0)
    }
}

/// The whole board.
#[derive(Serialize)]
struct All {
    versions: OrdMap<u32, u64>,
    total: u64,
}

/// A page as plain text.
#[controller("board.page")]
pub(crate) async fn page(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    text(board.query(|board| board.version(page)).to_string())
}

/// A page in a template.
#[controller("board.templated")]
pub(crate) async fn templated(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    let version = board.query(|board| board.version(page));
    template("page.html").with("page", page).with("version", version)
}

/// A page that takes its time between being read and being sent, so that writes overtake it.
#[controller("board.slow")]
pub(crate) async fn slow(Path(page): Path<u32>, board: Data<Board>) -> Reply {
    let version = board.query(|board| board.version(page));
    tokio::time::sleep(Duration::from_millis(rand::random_range(0..20))).await;
    text(version.to_string())
}

/// All pages.
#[controller("board.all")]
pub(crate) async fn all(board: Data<Board>) -> Reply {
    let board = board.snapshot();
    json(&All { versions: board.versions.clone(), total: board.total })
}

/// Raises the version of a page, and says to what.
#[controller("board.raise")]
pub(crate) async fn raise(Path(page): Path<u32>, board: Data<Board>) -> Result<Reply> {
    let version = board.update(Change::Raise { page }).await?;
    Ok(text(version.to_string()))
}

/// Raises the version of a page three times, one after the other, and says to what; a condition is
/// asked afterwards.
#[controller("board.raise_thrice")]
#[invalidate(groups = ["all"], when = is_answered)]
pub(crate) async fn raise_thrice(Path(page): Path<u32>, board: Data<Board>) -> Result<Reply> {
    for _ in 0..2 {
        board.update(Change::Raise { page }).await?;
    }
    let version = board.update(Change::Raise { page }).await?;
    Ok(text(version.to_string()))
}

fn is_answered(reply: &Reply) -> bool {
    reply.status().is_success()
}
