//! Files below a folder, as responses.
//!
//! ```text
//! path ── Name ──> Shelf ── Overlay, Folder ──> open file ── siblings, tag ──> Source ──> response
//! ```
//!
//! - [`Files`]: the files of a docroot. `name` says which names are served, `folder` opens them and
//!   nothing else, `found` chooses: index files, fingerprints, encoded siblings or encodings.
//! - [`Overlay`]: what stands in front of the docroot's own files.
//! - [`Source`]: a version of something and the response to a request for it: conditions, ranges,
//!   headers. `body` reads a file while it is sent; `threads` do what must be waited for. `open` bounds
//!   how many files are open for responses.
//! - [`Fingerprint`]: what is in a file, as a part of its name; `hash` makes it.
//!
//! # Tags
//!
//! All tags are strong: equal ones stand for equal bytes, or `If-Range` would put halves of two
//! versions together.
//!
//! - Up to 4 MiB the tag is a hash of the content. So it is the same on every front end, whatever
//!   dates and numbers the files have there, and after a deployment that has written all files anew.
//!   The hash is kept for as long as the file system says that the file is the same.
//! - Reading longer files only for their tag would cost more than it saves. Theirs is made of what the
//!   file system says: device, number of the file, length, and the times of the last change of content
//!   and of the last change of all. The last one cannot be set by programs, so no two versions have
//!   all of them in common, unless both were made within one tick of the clock. That is why a longer
//!   file has no tag until it has been the same for some seconds. Such a tag is that of one front end
//!   only; files that the log brings have their hash, however long they are.
//!
//! A file that is written in place while it is sent may arrive mixed: to
//! replace a file, write another and rename it.
//!
//! # Encoded siblings
//!
//! `site.css.gz` is sent in the place of `site.css` only if it is the same file:
//!
//! - Both are the docroot's own: if the sibling is not older. A deployment writes both, and one
//!   that was forgotten is older.
//! - Both stand in front of the docroot: if the sibling decodes to the content of the original, by its
//!   hash. When which of them was put there says nothing: a sibling may be put there late, or of
//!   an older original. And the two may be known as of different moments, when a back end has
//!   answered for the one and not for the other. What was decoded once is remembered, as contents with
//!   hashes do not change.
//! - Otherwise not. A sibling in the docroot was made of the original there, whatever its date, and a
//!   sibling in front of it of one that was put there too.
//!
//! An original that is gone has no siblings: they are looked for when it is there.
//!
//! A file of text without siblings is encoded by the front end (`encoded`). The tag of such an encoding
//! is made of its own bytes, too.
//!
//! # What caches may do
//!
//! A page that says where a file is may be gone from all caches the moment it becomes wrong; a file
//! in a browser's cache cannot be called back. So by default browsers and caches confirm a file
//! each time (`no-cache`), which costs a 304. A route may say otherwise with `browser` and `cdn`.
//!
//! A name with a fingerprint never stands for other content, so it is kept for ever (`immutable`). If
//! the file is another by now, an old page may still refer to it, or a front end may not have the new
//! file yet: a client gets what there is, with `no-cache` and whatever the route says left out, so
//! that no cache keeps the wrong content under that name.

mod body;
mod encoded;
mod fingerprint;
mod folder;
mod found;
mod hash;
mod name;
mod open;
mod overlay;
mod sibling;
mod source;
mod threads;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderMap, Method, Response};

use crate::body::Body;
use crate::http::negotiation::{self, Coding};
use crate::problem::nearest;

pub(crate) use body::FileBody;
use encoded::Encodings;
pub(crate) use fingerprint::Fingerprint;
use folder::Folder;
pub(crate) use folder::open_without_links;
use found::{Found, NamedVersion, Shelf};
use hash::Hashes;
use name::Name;
pub(crate) use open::OpenFile;
pub(crate) use open::{allow as allow_open, is_exhaustion};
pub(crate) use overlay::{Overlaid, OverlaidFile, Overlay};
use sibling::Siblings;
pub(crate) use source::Caching;

/// The files of a docroot.
///
/// Names that begin with a dot are not served, except `.well-known` (RFC 8615). Links are followed
/// as long as they stay below the folder.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    shelf: Arc<Shelf>,
}

/// What there is for a request.
#[derive(Debug)]
pub(crate) enum FileAnswer {
    /// A file, or what conditions and ranges make of it.
    Response(Response<Body>),
    /// A folder with an index file, whose address must end with a slash so that what is relative
    /// in it leads to its neighbours.
    Folder,
    /// No such file, or one that must not be served.
    Nothing,
}

/// Why a file has no fingerprint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FingerprintError {
    /// There is no such file.
    #[error("there is no file `{path}` in {}{}", .folder.display(), did_you_mean(.near))]
    NotFound {
        /// The path in the docroot.
        path: String,
        /// The folder in which it should be.
        folder: PathBuf,
        /// The name there that was probably meant.
        near: Option<String>,
    },
    /// It cannot be read.
    #[error("the file `{path}` cannot be read: {cause}")]
    Unreadable {
        /// The path in the docroot.
        path: String,
        /// Why not.
        cause: io::Error,
    },
}

impl Files {
    /// The files below `root`. It may be a link that leads elsewhere later, and need not be there yet.
    pub(crate) fn below(root: &Path) -> Files {
        Files {
            shelf: Arc::new(Shelf {
                folder: Folder::new(root),
                overlay: None,
                hashes: Hashes::new(),
                siblings: Siblings::new(),
                encodings: Encodings::new(Vec::new()),
            }),
        }
    }

    /// The same files, of which those of text without siblings are sent in these codings.
    #[must_use]
    pub(crate) fn encoded_in(&self, codings: Vec<Coding>) -> Files {
        let shelf = Shelf::clone(&self.shelf);
        Files { shelf: Arc::new(Shelf { encodings: Encodings::new(codings), ..shelf }) }
    }

    /// The same files, behind those of `overlay` and no other. This costs next to nothing.
    #[must_use]
    pub(crate) fn behind(&self, overlay: Arc<dyn Overlay>) -> Files {
        let shelf = Shelf::clone(&self.shelf);
        Files { shelf: Arc::new(Shelf { overlay: Some(overlay), ..shelf }) }
    }

    /// The paths of all files that a request for `path` may mean, without encoded siblings: the file
    /// itself, a folder's index, and the file whose fingerprint is in the name. The first that is
    /// there is sent. None when the request must not be answered with a file.
    pub(crate) fn meant_by(path: &str) -> Vec<String> {
        let Some(name) = Name::of(path) else { return Vec::new() };
        let unfixed = name.without_fingerprint().map(|(name, _)| name);
        let index = name.child(found::INDEX);
        [Some(name), Some(index), unfixed]
            .into_iter()
            .flatten()
            .map(|name| name.as_str().to_owned())
            .filter(|path| !path.is_empty())
            .collect()
    }

    /// The response to a `GET` or `HEAD` for the file at `path`, relative and percent-decoded; for
    /// a folder, whose path ends with a slash or is empty, that to its `index.html`. Plain names are
    /// cached as `caching` says.
    ///
    /// # Errors
    /// When the file is there and cannot be opened or read.
    pub(crate) async fn get(
        &self,
        method: &Method,
        headers: &HeaderMap,
        path: &str,
        caching: &Caching,
    ) -> io::Result<FileAnswer> {
        let Some(name) = Name::of(path) else { return Ok(FileAnswer::Nothing) };
        let (with_slash, liked) = (path.ends_with('/'), negotiation::acceptable(headers));
        let shelf = Arc::clone(&self.shelf);
        let found = threads::run(move || shelf.find(&name, with_slash, &liked));
        Ok(match found.await?? {
            Found::Nothing => FileAnswer::Nothing,
            Found::Folder => FileAnswer::Folder,
            Found::File(source, freshness) => FileAnswer::Response(match freshness {
                NamedVersion::Plain => source.send(method, headers, caching),
                NamedVersion::Fixed => source.send(method, headers, &Caching::IMMUTABLE),
                NamedVersion::Outdated => source.send(method, headers, &Caching::CONFIRM),
            }),
        })
    }

    /// The fingerprint of the file at `path`, relative and percent-decoded. It blocks: the file is
    /// looked at, and read if its fingerprint is not known.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub(crate) fn fingerprint(&self, path: &str) -> Result<Fingerprint, FingerprintError> {
        let name = Name::of(path).ok_or_else(|| self.not_found(path))?;
        match self.shelf.fingerprint(&name) {
            Ok(Some(fingerprint)) => Ok(fingerprint),
            Ok(None) => Err(self.not_found(path)),
            Err(cause) => Err(FingerprintError::Unreadable { path: path.to_owned(), cause }),
        }
    }

    /// Whether the overlay says what is at `path`, so that the docroot's own file does not count.
    pub(crate) fn is_overlaid(&self, path: &str) -> bool {
        let overlay = self.shelf.overlay.as_ref();
        let found = overlay.zip(Name::of(path)).map(|(overlay, name)| overlay.find(name.as_str()));
        found.is_some_and(|found| !matches!(found, Overlaid::Nothing))
    }

    fn not_found(&self, path: &str) -> FingerprintError {
        let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
        let docroot = &self.shelf.folder;
        // A path that leads elsewhere is not looked for.
        let names = Name::of(folder).map(|folder| docroot.names(folder.as_str()));
        let names = names.unwrap_or_default();
        FingerprintError::NotFound {
            path: path.to_owned(),
            folder: docroot.path().join(folder),
            near: nearest(last, names.iter().map(String::as_str)).map(str::to_owned),
        }
    }
}

fn did_you_mean(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

#[cfg(test)]
mod tests;
