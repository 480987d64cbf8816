//! Serves the files below a folder.
//!
//! ```text
//! path ── Name ──> Shelf ── Overlay, Folder ──> open file ── siblings, tag ──> Source ──> response
//! ```
//!
//! - [`Files`]: the files of a docroot. `name` decides which names are served, `folder` opens files below the docroot
//!   only, `found` selects the file: index files, fingerprints, encoded siblings or encodings.
//! - [`Overlay`]: files that take precedence over those of the docroot.
//! - [`Source`]: a version of a file and the response with it: conditions, ranges, headers. `body` reads a file while
//!   it is sent; `threads` runs blocking work. `open` limits the number of files that are open for responses.
//! - [`Fingerprint`]: a hash of the content as a part of the file's name; `hash` computes it.
//!
//! # Tags
//!
//! All tags are strong: equal tags mean equal bytes, because otherwise `If-Range` could combine parts of two versions.
//!
//! - Up to 4 MiB the tag is a hash of the content. So it is the same on every front end, whatever dates and inodes the
//!   files have there, and after a deployment that has rewritten all files. The hash is cached as long as the file
//!   system's metadata are the same.
//! - Reading longer files only for their tag would cost more than it saves. Their tag is a hash of metadata: device,
//!   inode, length, and the times of the last change of content and of metadata. Programs cannot set the latter, so no
//!   two versions have all of these in common, unless both were created within one tick of the clock. That is why a
//!   longer file has no tag until it has been unchanged for some seconds. Such a tag is valid on one front end only;
//!   the tags of files from the log are content hashes, whatever their length.
//!
//! A file that is overwritten in place while it is sent may arrive mixed: to replace a file, write another and rename
//! it.
//!
//! # Encoded siblings
//!
//! `site.css.gz` is sent in place of `site.css` only if it is an encoding of the same content:
//!
//! - If both are files of the docroot: the sibling must not be older. A deployment writes both, and a forgotten sibling
//!   is older.
//! - If both are in the overlay: the sibling must decode to the content of the original, compared by its hash. The
//!   order in which the two were added proves nothing: a sibling may be added late, or belong to an older original. And
//!   the two may be known as of different moments, when a back end has answered for the one and not for the other. The
//!   result of decoding is cached, because content with a given hash does not change.
//! - Otherwise the sibling is not sent. A sibling in the docroot was created from the original there, whatever its
//!   date, and a sibling in the overlay from an original in the overlay.
//!
//! A removed original has no siblings: they are looked up only if the original exists.
//!
//! A text file without siblings is encoded by the front end (`encoded`). The tag of such an encoding is a hash of its
//! own bytes, too.
//!
//! # Caching
//!
//! A page that names the address of a file can be invalidated in all caches; a file in a browser's cache cannot be
//! revoked. So by default browsers and caches validate a file on each use (`no-cache`), which costs a 304. A route may
//! change this with `browser` and `cdn`.
//!
//! A name with a fingerprint always identifies the same content, so it may be stored forever (`immutable`). If the file
//! has changed, an old page may still refer to it, or a front end may not have the new file yet: a client then receives
//! the existing file, with `no-cache` instead of the route's directives, so that no cache stores the wrong content
//! under that name.

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

/// The result of a request.
#[derive(Debug)]
pub(crate) enum FileAnswer {
    /// A response with the file, or the result of conditions and ranges.
    Response(Response<Body>),
    /// A folder with an index file. Its address must end with a slash so that relative links in the index resolve to
    /// its neighbours.
    Folder,
    /// The file does not exist or must not be served.
    Nothing,
}

/// Reason why a file has no fingerprint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FingerprintError {
    /// The file does not exist.
    #[error("there is no file `{path}` in {}{}", .folder.display(), did_you_mean(.near))]
    NotFound {
        /// The path in the docroot.
        path: String,
        /// The folder of the path.
        folder: PathBuf,
        /// The most similar name in the folder.
        near: Option<String>,
    },
    /// The file cannot be read.
    #[error("the file `{path}` cannot be read: {cause}")]
    Unreadable {
        /// The path in the docroot.
        path: String,
        /// The error.
        cause: io::Error,
    },
}

impl Files {
    /// Creates the files below `root`, which may be a link that changes later, and need not exist yet.
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

    /// Returns the same files, where text files without siblings are sent in these codings.
    #[must_use]
    pub(crate) fn encoded_in(&self, codings: Vec<Coding>) -> Files {
        let shelf = Shelf::clone(&self.shelf);
        Files { shelf: Arc::new(Shelf { encodings: Encodings::new(codings), ..shelf }) }
    }

    /// Returns the same files behind those of `overlay`, which replaces a previous overlay. This is cheap.
    #[must_use]
    pub(crate) fn behind(&self, overlay: Arc<dyn Overlay>) -> Files {
        let shelf = Shelf::clone(&self.shelf);
        Files { shelf: Arc::new(Shelf { overlay: Some(overlay), ..shelf }) }
    }

    /// Returns the paths of all files that a request for `path` may refer to, without encoded siblings: the file
    /// itself, a folder's index, and the file whose fingerprint is in the name. The first that exists is sent. The list
    /// is empty if the request must not be answered with a file.
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

    /// Returns the response to a `GET` or `HEAD` for the file at `path`, which is relative and percent-decoded. For a
    /// folder, whose path ends with a slash or is empty, it is the response with its `index.html`. `caching` applies to
    /// names without fingerprints.
    ///
    /// # Errors
    /// Fails if the file exists but cannot be opened or read.
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

    /// Returns the fingerprint of the file at `path`, which is relative and percent-decoded. This blocks: the file's
    /// metadata are read, and its content too if its fingerprint is not cached.
    ///
    /// # Errors
    /// Fails if the file does not exist or cannot be read.
    pub(crate) fn fingerprint(&self, path: &str) -> Result<Fingerprint, FingerprintError> {
        let name = Name::of(path).ok_or_else(|| self.not_found(path))?;
        match self.shelf.fingerprint(&name) {
            Ok(Some(fingerprint)) => Ok(fingerprint),
            Ok(None) => Err(self.not_found(path)),
            Err(cause) => Err(FingerprintError::Unreadable { path: path.to_owned(), cause }),
        }
    }

    /// Returns whether the overlay determines the file at `path`, so that the docroot's own file is ignored.
    pub(crate) fn is_overlaid(&self, path: &str) -> bool {
        let overlay = self.shelf.overlay.as_ref();
        let found = overlay.zip(Name::of(path)).map(|(overlay, name)| overlay.find(name.as_str()));
        found.is_some_and(|found| !matches!(found, Overlaid::Nothing))
    }

    fn not_found(&self, path: &str) -> FingerprintError {
        let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
        let docroot = &self.shelf.folder;
        // The names in a folder outside are not listed.
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
