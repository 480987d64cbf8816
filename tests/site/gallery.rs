//! Pictures that are uploaded, and a page that refers to them.

use headwater::prelude::*;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

/// The version of each picture.
#[derive(Clone, Default)]
pub struct Gallery {
    versions: OrdMap<String, u64>,
}

/// What can happen to the gallery.
#[derive(Serialize, Deserialize)]
pub enum Change {
    /// There is a picture, or a newer version of it.
    Hang {
        /// Its name.
        name: String,
        /// Its version.
        version: u64,
    },
    /// A picture is no longer there.
    Remove {
        /// Its name.
        name: String,
    },
}

impl State for Gallery {
    const NAME: &'static str = "gallery";
    type Update = Change;
    type Output = ();

    fn apply(&mut self, change: Change, _: At) {
        match change {
            Change::Hang { name, version } => drop(self.versions.insert(name, version)),
            Change::Remove { name } => drop(self.versions.remove(&name)),
        }
    }

    fn invalidates(_: &Change) -> Invalidation {
        Invalidation::new().group("gallery")
    }
}

/// The pictures, a line each, with their versions.
#[controller("gallery.list")]
pub async fn list(gallery: Data<Gallery>) -> Reply {
    let gallery = gallery.snapshot();
    let lines = gallery.versions.iter().map(|(name, version)| format!("{name} {version}\n"));
    text(lines.collect::<String>())
}

/// Puts the body into the docroot, brings it to every front end, and only then refers to it.
#[controller("gallery.hang")]
pub async fn hang(
    Path((name, version)): Path<(String, u64)>,
    cluster: Cluster,
    gallery: Data<Gallery>,
    picture: Bytes,
) -> Result<Reply> {
    let folder = cluster.docroot().join("files/uploads");
    std::fs::create_dir_all(&folder)?;
    let draft = folder.join(format!(".{name}-{version}"));
    std::fs::write(&draft, &picture)?;
    std::fs::rename(&draft, folder.join(&name))?;
    if let Err(error) = cluster.synchronize_docroot(format!("files/uploads/{name}")).await {
        return Ok(text(error.to_string()).with_status(500));
    }
    gallery.update(Change::Hang { name, version }).await?;
    Ok(text("hung"))
}

/// Removes a picture from the page, and then from every front end.
#[controller("gallery.remove")]
pub async fn remove(
    Path(name): Path<String>,
    cluster: Cluster,
    gallery: Data<Gallery>,
) -> Result<Reply> {
    gallery.update(Change::Remove { name: name.clone() }).await?;
    std::fs::remove_file(cluster.docroot().join("files/uploads").join(&name))?;
    cluster.synchronize_docroot(format!("files/uploads/{name}")).await?;
    Ok(text("removed"))
}

/// Synchronizes the file whose path is the body.
#[controller("gallery.synchronize")]
pub async fn synchronize(path: String, cluster: Cluster) -> Reply {
    match cluster.synchronize_docroot(&path).await {
        Ok(receipt) => json(&receipt),
        Err(error) => text(error.to_string()).with_status(500),
    }
}
