//! Commands that need the site's data but no running node.

use super::App;
use super::running_node::open_backend;
use crate::checkpoint::ReplacedRecords;
use crate::cli::MadeCheckpoint;
use crate::config::Config;
use crate::docroot::Store;
use crate::log::Log;
use crate::problem::{Problem, Problems};

/// Makes a checkpoint of a log that no node has open.
pub(super) async fn checkpoint(
    mut app: App,
    config: Config,
    records: ReplacedRecords,
) -> Result<MadeCheckpoint, Problems> {
    let folder = &config.log.path;
    if !Log::is_in(folder) {
        return Err(Problem::new(format!("{}: there is no log", folder.display())).into());
    }
    let store = Store::open(&config.docroot.sync.join(&config.name));
    let store = store.map_err(|error| Problem::new(error.to_string()))?;
    let backend = open_backend(&mut app, &config, &store, false).await?;
    let made = backend.checkpoint(records).await.map_err(Problem::new);
    backend.shut_down().await;
    store.close();
    let made = made?;
    Ok(MadeCheckpoint {
        position: made.position,
        bytes: made.bytes,
        items: made.items,
        milliseconds: made.milliseconds,
        base: made.base,
        dropped: made.dropped,
        left: made.left,
    })
}
