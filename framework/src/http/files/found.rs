//! From a name to the file that is sent: the docroot or what stands in front of it, index files,
//! names with fingerprints, and siblings in other codings.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderValue;

use super::fingerprint::Fingerprint;
use super::folder::{Entered, Folder};
use super::hash::{ContentHash, Hashes, Identity};
use super::name::Name;
use super::overlay::{Overlaid, Overlay};
use super::source::{Content, Source};
use crate::http::negotiation::{Coding, Preferences};
use crate::media_type;

/// What a folder shows of itself.
const INDEX: &str = "index.html";

/// Files up to this size have a tag from their content, which is read for it; longer ones from what
/// the file system says of them. In bytes.
const HASHED: u64 = 4 * 1024 * 1024;

/// Files up to this size are read to see whether a visitor's fingerprint is theirs. That of a longer
/// one must be known already, or every visitor could have it read from end to end. In bytes.
const COMPARED: u64 = 64 * 1024 * 1024;

/// Files up to this size are read at once, if they are to be read for their tag. In bytes.
const SMALL: u64 = 64 * 1024;

/// The codings of siblings and what their names end with.
const SIBLINGS: [(Coding, &str); 3] =
    [(Coding::Brotli, ".br"), (Coding::Zstd, ".zst"), (Coding::Gzip, ".gz")];

/// Where files are looked for. All of its functions block.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) folder: Option<Folder>,
    pub(super) overlay: Option<Arc<dyn Overlay>>,
    pub(super) hashes: Hashes,
}

/// One look at it.
struct Look<'a> {
    shelf: &'a Shelf,
    folder: Option<Entered<'a>>,
}

/// What is at a name.
pub(super) enum Found {
    Nothing,
    /// A folder with an index file; its name is to end with a slash.
    Folder,
    File(Source, Freshness),
    /// Something that will be there after this.
    Coming(BoxFuture<'static, ()>),
}

/// What the name says of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Nothing.
    Plain,
    /// It is this content, for ever.
    Fixed,
    /// It was another.
    Outdated,
}

/// An open file, and what is known of it.
struct Opened {
    file: File,
    identity: Identity,
    length: u64,
    modified: SystemTime,
    hash: Option<ContentHash>,
}

/// What is at a path.
enum Place {
    Nothing,
    Folder,
    File(Opened),
}

/// Why there is no answer now.
pub(super) enum NotNow {
    Failed(io::Error),
    Coming(BoxFuture<'static, ()>),
}

impl From<io::Error> for NotNow {
    fn from(error: io::Error) -> NotNow {
        NotNow::Failed(error)
    }
}

impl Shelf {
    /// What is to be sent for `name`. `with_slash` says that the name was written as that of a
    /// folder.
    pub(super) fn find(
        &self,
        name: &Name,
        with_slash: bool,
        liked: &Preferences,
    ) -> io::Result<Found> {
        match self.look()?.choose(name, with_slash, liked) {
            Ok(found) => Ok(found),
            Err(NotNow::Coming(coming)) => Ok(Found::Coming(coming)),
            Err(NotNow::Failed(error)) => Err(error),
        }
    }

    fn look(&self) -> io::Result<Look<'_>> {
        let folder = match &self.folder {
            Some(folder) => folder.enter()?,
            None => None,
        };
        Ok(Look { shelf: self, folder })
    }

    /// The hash of the file at `name`, if there is one.
    pub(super) fn hash_of(&self, name: &Name) -> Result<Option<ContentHash>, NotNow> {
        let look = self.look()?;
        match look.at(name)? {
            Place::File(file) => Ok(Some(look.hash(&file)?)),
            Place::Nothing | Place::Folder => Ok(None),
        }
    }
}

impl Look<'_> {
    fn choose(&self, name: &Name, with_slash: bool, liked: &Preferences) -> Result<Found, NotNow> {
        let place = self.at(name)?;
        if let Place::File(file) = place {
            // A file is no folder.
            if with_slash {
                return Ok(Found::Nothing);
            }
            return Ok(Found::File(self.best(name, file, liked)?, Freshness::Plain));
        }
        let index = name.child(INDEX);
        if let Place::File(file) = self.at(&index)? {
            if !with_slash && !name.as_str().is_empty() {
                return Ok(Found::Folder);
            }
            return Ok(Found::File(self.best(&index, file, liked)?, Freshness::Plain));
        }
        if with_slash {
            return Ok(Found::Nothing);
        }
        let Some((last, fingerprint)) = Fingerprint::split(name.split().1) else {
            return Ok(Found::Nothing);
        };
        let name = name.renamed(&last);
        let Place::File(file) = self.at(&name)? else { return Ok(Found::Nothing) };
        let hash = match file.length <= COMPARED {
            true => Some(self.hash(&file)?),
            false => file.hash.or_else(|| self.shelf.hashes.known(&file.identity)),
        };
        let is_current = hash.is_some_and(|hash| Fingerprint::of(hash) == fingerprint);
        let freshness = if is_current { Freshness::Fixed } else { Freshness::Outdated };
        Ok(Found::File(self.best(&name, file, liked)?, freshness))
    }

    fn at(&self, name: &Name) -> Result<Place, NotNow> {
        let overlaid = match &self.shelf.overlay {
            Some(overlay) => overlay.find(name.as_str())?,
            None => Overlaid::Nothing,
        };
        let file = match overlaid {
            Overlaid::File(found) => {
                let metadata = found.file.metadata()?;
                return Ok(Place::File(Opened {
                    identity: Identity::of(&metadata),
                    length: metadata.len(),
                    modified: found.modified,
                    hash: Some(found.hash),
                    file: found.file,
                }));
            }
            Overlaid::Gone => None,
            Overlaid::Coming(coming) => return Err(NotNow::Coming(coming)),
            Overlaid::Nothing => match &self.folder {
                Some(folder) => folder.open(name.as_str())?,
                None => None,
            },
        };
        let Some(file) = file else { return Ok(Place::Nothing) };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Ok(Place::Folder);
        }
        // Nor are pipes and devices files.
        if !metadata.is_file() {
            return Ok(Place::Nothing);
        }
        Ok(Place::File(Opened {
            identity: Identity::of(&metadata),
            length: metadata.len(),
            modified: metadata.modified()?,
            hash: None,
            file,
        }))
    }

    fn hash(&self, opened: &Opened) -> io::Result<ContentHash> {
        match opened.hash {
            Some(hash) => Ok(hash),
            None => self.shelf.hashes.of(&opened.file, &opened.identity),
        }
    }

    /// The file in the coding that the visitor likes best.
    fn best(&self, name: &Name, file: Opened, liked: &Preferences) -> Result<Source, NotNow> {
        let mut offers = vec![(Coding::Identity, file)];
        if !SIBLINGS.iter().any(|(_, end)| name.as_str().ends_with(end)) {
            for (coding, end) in SIBLINGS {
                let sibling = name.renamed(&format!("{}{end}", name.split().1));
                if let Place::File(sibling) = self.at(&sibling)?
                    && sibling.is_made_of(&offers[0].1)
                {
                    offers.push((coding, sibling));
                }
            }
        }
        let negotiated = offers.len() > 1;
        let best = liked.best(offers.iter().map(|(coding, file)| (*coding, file.length)));
        // Who takes none of them is still served better by the file than by a 406 (RFC 9110,
        // section 12.1): what says `*;q=0` is most often a program that reads no encodings at all.
        let best = best.unwrap_or(Coding::Identity);
        let place = offers.iter().position(|(coding, _)| *coding == best).unwrap_or_default();
        let (coding, file) = offers.swap_remove(place);
        Ok(self.source(name, file, coding, negotiated)?)
    }

    fn source(
        &self,
        name: &Name,
        file: Opened,
        coding: Coding,
        negotiated: bool,
    ) -> io::Result<Source> {
        let now = SystemTime::now();
        let mut read = None;
        let tag = match file.hash.or_else(|| self.shelf.hashes.known(&file.identity)) {
            Some(hash) if file.hash.is_some() || file.length <= HASHED => Some(hash),
            _ if file.length <= SMALL => {
                let bytes = read_whole(&file.file, file.length)?;
                let hash = self.shelf.hashes.of_bytes(&bytes, &file.file, &file.identity, now)?;
                read = Some(bytes);
                Some(hash)
            }
            _ if file.length <= HASHED => Some(self.shelf.hashes.of(&file.file, &file.identity)?),
            _ if file.identity.is_settled(now) => Some(file.identity.to_hash()),
            _ => None,
        };
        let tag = tag.map(|hash| HeaderValue::try_from(format!("\"{hash}\"")));
        Ok(Source {
            length: read.as_ref().map_or(file.length, |bytes| bytes.len() as u64),
            content: match read {
                Some(bytes) => Content::Bytes(bytes),
                None => Content::File(file.file),
            },
            tag: tag.transpose().map_err(io::Error::other)?,
            modified: Some(file.modified),
            media_type: media_type::of(name.as_str()),
            coding,
            negotiated,
        })
    }
}

impl Opened {
    /// Whether this may be a coding of `original`: it is not older. Some programs give what they
    /// make the date of the original without its fractions of a second.
    fn is_made_of(&self, original: &Opened) -> bool {
        let since_epoch = |opened: &Opened| {
            opened.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
        };
        let (own, of) = (since_epoch(self), since_epoch(original));
        let is_cut = own.subsec_nanos() == 0 && own.as_secs() == of.as_secs();
        (own >= of || is_cut) && (self.length > 0 || original.length == 0)
    }
}

/// The first `length` bytes of a file, or all if there are fewer.
fn read_whole(file: &File, length: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; length as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes.into())
}
