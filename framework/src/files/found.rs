//! From a name to the file that is sent: the docroot or what stands in front of it, index files,
//! names with fingerprints, and siblings in other codings.

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
use super::open::{NoPlace, OpenFile};
use super::overlay::{Overlaid, OverlaidFile, Overlay};
use super::sibling::Siblings;
use super::source::{Source, SourceContent};
use crate::http::negotiation::{Coding, Preferences};
use crate::media_type;

/// What a folder shows of itself.
pub(super) const INDEX: &str = "index.html";

/// Files up to this size have a tag from their content, which is read for it; longer ones from what
/// the file system says of them. In bytes.
const HASHED: u64 = 4 * 1024 * 1024;

/// Files up to this size are read to see whether a visitor's fingerprint is theirs. That of a longer
/// one must be known already, or every visitor could have it read from end to end. Nor is anything
/// decoded to see whether it is a longer one. In bytes.
const COMPARED: u64 = 64 * 1024 * 1024;

/// Files up to this size are read at once, if they are to be read for their tag, or if no more files
/// may be open for responses. In bytes.
const SMALL: u64 = 64 * 1024;

/// The codings of siblings and what their names end with.
const SIBLINGS: [(Coding, &str); 3] =
    [(Coding::Brotli, ".br"), (Coding::Zstd, ".zst"), (Coding::Gzip, ".gz")];

/// Where files are looked for. All of its functions block.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) folder: Folder,
    pub(super) overlay: Option<Arc<dyn Overlay>>,
    pub(super) hashes: Hashes,
    pub(super) siblings: Siblings,
    pub(super) encodings: Encodings,
}

/// What is at a name.
pub(super) enum Found {
    Nothing,
    /// A folder with an index file; its name is to end with a slash.
    Folder,
    File(Source, NamedVersion),
}

/// What the name says of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedVersion {
    /// Nothing.
    Plain,
    /// It is this content, for ever.
    Fixed,
    /// It was another.
    Outdated,
}

/// One look at the shelf.
struct Look<'a> {
    shelf: &'a Shelf,
    folder: Option<Entered<'a>>,
}

/// What is at a path.
enum AtPath {
    Nothing,
    Folder,
    File(Candidate),
}

/// A file that may be sent.
enum Candidate {
    /// One of the docroot's own.
    Own(OwnFile),
    /// One that stands in front of it.
    Overlaid(OverlaidFile),
}

struct OwnFile {
    file: File,
    identity: Identity,
    length: u64,
    modified: SystemTime,
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
        let look = self.look()?;
        match look.at(name)? {
            // A file is not a folder.
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

    /// The fingerprint of the file at `name`, if there is one.
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
        // Nor are pipes and devices files.
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

    /// A file that is longer than `most` is not read for its fingerprint: it must be known already.
    fn fingerprint(&self, file: &Candidate, most: u64) -> io::Result<Option<Fingerprint>> {
        let hashes = &self.shelf.hashes;
        let hash = match file {
            Candidate::Overlaid(file) => return Ok(Some(file.fingerprint)),
            Candidate::Own(own) if own.length <= most => Some(hashes.of(&own.file, &own.identity)?),
            Candidate::Own(own) => hashes.known(&own.identity),
        };
        Ok(hash.map(Fingerprint::of))
    }

    /// The file in the coding that the visitor likes best.
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
        // A client that accepts none of them is still served better by the file than by a 406 (RFC
        // 9110, section 12.1): what sends `*;q=0` is most often a program that reads no encodings
        // at all.
        let best = best.unwrap_or(Coding::Identity);
        let place = offers.iter().position(|(coding, _)| *coding == best).unwrap_or_default();
        let (coding, file) = offers.swap_remove(place);
        let source = Source { coding, negotiated, media_type, ..self.source(file)? };
        Ok(Found::File(source, freshness))
    }

    /// A file without siblings, in the coding that the visitor likes best of those that can be made.
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
                // A file that is written in place may be another by now. The tag of an overlaid one
                // is not a hash of this kind, but a file that was cut has another length.
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

    /// Whether `sibling` is `original` in a coding. Both must be from the same place.
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
            // What is hashed is what is sent, whatever becomes of the file meanwhile.
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

/// Some programs give what they make the date of the original without its fractions of a second.
fn is_not_older(sibling: SystemTime, original: SystemTime) -> bool {
    let since_epoch = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (own, of) = (since_epoch(sibling), since_epoch(original));
    own >= of || own.subsec_nanos() == 0 && own.as_secs() == of.as_secs()
}

/// What is sent of a file of this length: a short one is read now where no place for it is free.
fn content(file: File, length: u64) -> io::Result<SourceContent> {
    match OpenFile::new(file) {
        Ok(file) => Ok(SourceContent::File(file)),
        Err(NoPlace(file)) if length <= SMALL => {
            let bytes = read_whole(&file, length)?;
            // Its tag is that of the file before it was cut.
            let is_whole = bytes.len() as u64 == length;
            is_whole
                .then_some(SourceContent::Bytes(bytes))
                .ok_or(io::ErrorKind::UnexpectedEof.into())
        }
        Err(none) => Err(none.into()),
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
