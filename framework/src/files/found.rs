//! Finds the file for a name: in the overlay or the docroot, including index files, names with fingerprints, and
//! siblings in other codings.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;

use super::encoded::{Encoded, Encodings, tag_of};
use super::fingerprint::Fingerprint;
use super::folder::{Entered, Folder};
use super::hash::{Hashes, Identity};
use super::name::Name;
use super::open::{NoPermit, OpenFile};
use super::overlay::{Overlaid, OverlaidFile, Overlay};
use super::sibling::Siblings;
use super::source::{Source, SourceContent};
use crate::http::negotiation::{Coding, Preferences};
use crate::media_type;

/// The name of a folder's index file.
pub(super) const INDEX: &str = "index.html";

/// The maximum size of a file whose tag is a hash of its content, in bytes. The tag of a longer one comes from file
/// system metadata.
const HASHED: u64 = 4 * 1024 * 1024;

/// The maximum size of a file that is read to compare its fingerprint with that in a request, in bytes. The hash of a
/// longer file must be known already, otherwise every visitor could cause a read of the whole file. Siblings of longer
/// originals are not decoded either.
const COMPARED: u64 = 64 * 1024 * 1024;

/// The maximum size of a file that is read into memory at once, if it must be hashed, or if the permits for open files
/// are exhausted. In bytes.
const SMALL: u64 = 64 * 1024;

/// The codings of siblings, and the suffixes of their names.
const SIBLINGS: [(Coding, &str); 3] =
    [(Coding::Brotli, ".br"), (Coding::Zstd, ".zst"), (Coding::Gzip, ".gz")];

/// The sources of files. All its methods block.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) folder: Folder,
    pub(super) overlay: Option<Arc<dyn Overlay>>,
    pub(super) hashes: Hashes,
    pub(super) siblings: Siblings,
    pub(super) encodings: Encodings,
}

/// The result of looking up a name.
pub(super) enum Found {
    Nothing,
    /// A folder with an index file; the name should end with a slash.
    Folder,
    File(Source, NamedVersion),
}

/// The version of the content that a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedVersion {
    /// Any: the name has no fingerprint.
    Plain,
    /// This content: the fingerprint matches.
    Fixed,
    /// An older version: the fingerprint differs.
    Outdated,
}

/// One lookup, with the folder opened for it.
struct Look<'a> {
    shelf: &'a Shelf,
    folder: Option<Entered<'a>>,
}

/// The object at a path.
enum AtPath {
    Nothing,
    Folder,
    File(Candidate),
}

/// A file that may be sent.
enum Candidate {
    /// A file of the docroot.
    Own(OwnFile),
    /// A file of the overlay.
    Overlaid(OverlaidFile),
}

struct OwnFile {
    file: File,
    identity: Identity,
    length: u64,
    modified: SystemTime,
}

impl Shelf {
    /// Finds the file for `name`. `with_slash` means that the name was written with a slash at its end.
    pub(super) fn find(
        &self,
        name: &Name,
        with_slash: bool,
        liked: &Preferences,
    ) -> io::Result<Found> {
        let look = self.look()?;
        match look.at(name)? {
            // A slash at the end requires a folder.
            AtPath::File(_) if with_slash => return Ok(Found::Nothing),
            AtPath::File(file) => return look.best(name, file, liked, NamedVersion::Plain),
            AtPath::Nothing | AtPath::Folder => {}
        }
        let index = name.child(INDEX);
        if let AtPath::File(file) = look.at(&index)? {
            if !with_slash && !name.as_str().is_empty() {
                return Ok(Found::Folder);
            }
            return look.best(&index, file, liked, NamedVersion::Plain);
        }
        let Some((name, fingerprint)) = name.without_fingerprint().filter(|_| !with_slash) else {
            return Ok(Found::Nothing);
        };
        let AtPath::File(file) = look.at(&name)? else { return Ok(Found::Nothing) };
        let is_current = look.fingerprint(&file, COMPARED)? == Some(fingerprint);
        let freshness = if is_current { NamedVersion::Fixed } else { NamedVersion::Outdated };
        look.best(&name, file, liked, freshness)
    }

    /// Returns the fingerprint of the file at `name`, if it exists.
    pub(super) fn fingerprint(&self, name: &Name) -> io::Result<Option<Fingerprint>> {
        let look = self.look()?;
        match look.at(name)? {
            AtPath::File(file) => look.fingerprint(&file, u64::MAX),
            AtPath::Nothing | AtPath::Folder => Ok(None),
        }
    }

    fn look(&self) -> io::Result<Look<'_>> {
        Ok(Look { shelf: self, folder: self.folder.enter()? })
    }
}

impl Look<'_> {
    fn at(&self, name: &Name) -> io::Result<AtPath> {
        let overlay = self.shelf.overlay.as_ref();
        match overlay.map_or(Overlaid::Nothing, |overlay| overlay.find(name.as_str())) {
            Overlaid::File(found) => return Ok(AtPath::File(Candidate::Overlaid(found))),
            Overlaid::Gone => return Ok(AtPath::Nothing),
            Overlaid::Nothing => {}
        }
        let Some(folder) = &self.folder else { return Ok(AtPath::Nothing) };
        let Some(file) = folder.open(name.as_str())? else { return Ok(AtPath::Nothing) };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Ok(AtPath::Folder);
        }
        // Pipes and devices are not served.
        if !metadata.is_file() {
            return Ok(AtPath::Nothing);
        }
        Ok(AtPath::File(Candidate::Own(OwnFile {
            identity: Identity::of(&metadata),
            length: metadata.len(),
            modified: metadata.modified()?,
            file,
        })))
    }

    /// Returns the fingerprint of a file. The hash of a file that is longer than `most` must be known already: the file
    /// is not read.
    fn fingerprint(&self, file: &Candidate, most: u64) -> io::Result<Option<Fingerprint>> {
        let hashes = &self.shelf.hashes;
        let hash = match file {
            Candidate::Overlaid(file) => return Ok(Some(file.fingerprint)),
            Candidate::Own(own) if own.length <= most => Some(hashes.of(&own.file, &own.identity)?),
            Candidate::Own(own) => hashes.known(&own.identity),
        };
        Ok(hash.map(Fingerprint::of))
    }

    /// Returns the file in the coding that the visitor prefers.
    fn best(
        &self,
        name: &Name,
        file: Candidate,
        liked: &Preferences,
        freshness: NamedVersion,
    ) -> io::Result<Found> {
        let mut offers = vec![(Coding::Identity, file)];
        let is_encoded = SIBLINGS.iter().any(|(_, end)| name.as_str().ends_with(end));
        if !is_encoded {
            for (coding, end) in SIBLINGS {
                if let AtPath::File(sibling) = self.at(&name.with_end(end))?
                    && self.belongs(coding, &sibling, &offers[0].1)
                {
                    offers.push((coding, sibling));
                }
            }
        }
        let media_type = media_type::of(name.as_str());
        let length = offers[0].1.length();
        if offers.len() == 1 && !is_encoded && self.shelf.encodings.apply(&media_type, length) {
            let (_, file) = offers.swap_remove(0);
            let source = self.encoded(file, liked)?;
            return Ok(Found::File(Source { negotiated: true, media_type, ..source }, freshness));
        }
        let negotiated = offers.len() > 1;
        let best = liked.best(offers.iter().map(|(coding, file)| (*coding, file.length())));
        // Even for a client that accepts none of them, the file is better than a 406 (RFC 9110, section 12.1): the
        // sender of `*;q=0` is most often a program that supports no encodings at all.
        let best = best.unwrap_or(Coding::Identity);
        let place = offers.iter().position(|(coding, _)| *coding == best).unwrap_or_default();
        let (coding, file) = offers.swap_remove(place);
        let source = Source { coding, negotiated, media_type, ..self.source(file)? };
        Ok(Found::File(source, freshness))
    }

    /// Returns a file without siblings, in the coding that the visitor prefers among those that can be created.
    fn encoded(&self, file: Candidate, liked: &Preferences) -> io::Result<Source> {
        let is_own = matches!(file, Candidate::Own(_));
        let source = self.source(file)?;
        let encodings = &self.shelf.encodings;
        let coding = encodings.choose(liked, source.length);
        let Some(tag) = source.tag.as_ref().filter(|_| coding != Coding::Identity) else {
            return Ok(source);
        };
        let content = || match &source.content {
            SourceContent::Bytes(bytes) => Some(bytes.clone()),
            SourceContent::File(file) => {
                let bytes = read_whole(file, source.length).ok()?;
                // A file that is written in place may have changed meanwhile. The tag of an overlaid file is another
                // kind of hash, but if the file was truncated, its length differs.
                let is_same = bytes.len() as u64 == source.length
                    && (!is_own || tag_of(&bytes).as_ref() == Some(tag));
                is_same.then_some(bytes)
            }
        };
        let Some(Encoded { bytes, tag }) = encodings.of(tag, coding, content) else {
            return Ok(source);
        };
        let length = bytes.len() as u64;
        Ok(Source {
            content: SourceContent::Bytes(bytes),
            length,
            tag: Some(tag),
            coding,
            ..source
        })
    }

    /// Returns whether `sibling` is an encoding of `original`. Both must have the same source.
    fn belongs(&self, coding: Coding, sibling: &Candidate, original: &Candidate) -> bool {
        match (sibling, original) {
            (Candidate::Own(sibling), Candidate::Own(original)) => {
                is_not_older(sibling.modified, original.modified)
                    && (sibling.length > 0 || original.length == 0)
            }
            (Candidate::Overlaid(sibling), Candidate::Overlaid(original)) => {
                sibling.is_here
                    && original.length <= COMPARED
                    && self.shelf.siblings.belongs(coding, sibling, original)
            }
            _ => false,
        }
    }

    fn source(&self, file: Candidate) -> io::Result<Source> {
        match file {
            Candidate::Overlaid(file) => Ok(Source {
                length: file.length,
                tag: Some(file.tag),
                modified: file.modified,
                ..Source::of(content((file.open)()?, file.length)?)
            }),
            Candidate::Own(own) => self.own_source(own),
        }
    }

    fn own_source(&self, own: OwnFile) -> io::Result<Source> {
        let (hashes, now) = (&self.shelf.hashes, SystemTime::now());
        let (mut read, mut length) = (None, own.length);
        let tag = if own.length > HASHED {
            own.identity.is_settled(now).then(|| own.identity.to_hash())
        } else if let Some(hash) = hashes.known(&own.identity) {
            Some(hash)
        } else if own.length <= SMALL {
            // The hash must be that of the bytes that are sent, even if the file changes meanwhile.
            let bytes = read_whole(&own.file, own.length)?;
            let hash = hashes.of_bytes(&bytes, &own.file, &own.identity, now)?;
            length = bytes.len() as u64;
            read = Some(SourceContent::Bytes(bytes));
            Some(hash)
        } else {
            Some(hashes.of(&own.file, &own.identity)?)
        };
        let tag = tag.map(|hash| HeaderValue::try_from(format!("\"{hash}\"")));
        let content = match read {
            Some(content) => content,
            None => content(own.file, length)?,
        };
        Ok(Source {
            length,
            tag: tag.transpose().map_err(io::Error::other)?,
            modified: Some(own.modified),
            ..Source::of(content)
        })
    }
}

impl Candidate {
    fn length(&self) -> u64 {
        match self {
            Candidate::Own(own) => own.length,
            Candidate::Overlaid(file) => file.length,
        }
    }
}

/// Compares modification times. Some programs copy the time of the original without its fractions of a second.
fn is_not_older(sibling: SystemTime, original: SystemTime) -> bool {
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (own, of) = (since_epoch(sibling), since_epoch(original));
    own >= of || own.subsec_nanos() == 0 && own.as_secs() == of.as_secs()
}

/// Returns the content of a file of this length. A short file is read immediately if no permit is free.
fn content(file: File, length: u64) -> io::Result<SourceContent> {
    match OpenFile::new(file) {
        Ok(file) => Ok(SourceContent::File(file)),
        Err(NoPermit(file)) if length <= SMALL => {
            let bytes = read_whole(&file, length)?;
            // The tag belongs to the file before it was truncated.
            let is_whole = bytes.len() as u64 == length;
            is_whole
                .then_some(SourceContent::Bytes(bytes))
                .ok_or(io::ErrorKind::UnexpectedEof.into())
        }
        Err(none) => Err(none.into()),
    }
}

/// Reads the first `length` bytes of a file, or all if it has fewer.
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
