//! Uploaded pictures, and a page that refers to them.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

/// A picture.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Picture {
    #[row(key)]
    name: String,
    version: u64,
}

/// All pictures.
#[derive(Clone, Default, State)]
pub struct Gallery {
    pictures: Table<Picture>,
}

/// The updates of the gallery.
#[derive(Serialize, Deserialize)]
pub enum Change {
    /// Adds a picture, or a newer version of it.
    Hang {
        /// Its name.
        name: String,
        /// Its version.
        version: u64,
    },
    /// Removes a picture.
    Remove {
        /// Its name.
        name: String,
    },
}

impl Updates for Gallery {
    const NAME: &'static str = "gallery";
    type Update = Change;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, change: Change, _: &mut At) -> Result<(), Violation> {
        match change {
            Change::Hang { name, version } => self.pictures.upsert(Picture { name, version })?,
            Change::Remove { name } => drop(self.pictures.remove(&name)),
        }
        Ok(())
    }
}

/// The pictures, a line each, with their versions.
#[controller("gallery.list")]
pub async fn list(gallery: Data<Gallery>) -> Reply {
    let pictures = gallery.pictures.by_key().all();
    let lines = pictures.iter().map(|picture| format!("{} {}\n", picture.name, picture.version));
    text(lines.collect::<String>())
}

/// Writes the body to the docroot, synchronizes it to every front end, and only then refers to it.
#[controller("gallery.hang")]
pub async fn hang(
    Path((name, version)): Path<(String, u64)>,
    cluster: Cluster,
    mut gallery: DataMut<Gallery>,
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
    gallery.update(Change::Hang { name, version }).await??;
    Ok(text("hung"))
}

/// Removes a picture from the page, and then from every front end.
#[controller("gallery.remove")]
pub async fn remove(
    Path(name): Path<String>,
    cluster: Cluster,
    mut gallery: DataMut<Gallery>,
) -> Result<Reply> {
    gallery.update(Change::Remove { name: name.clone() }).await??;
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
