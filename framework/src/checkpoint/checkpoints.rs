use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::folder::{DiskFolder, Folder};
use super::piece::Piece;
use super::reader::{Part, Reader};
use super::writer::Writer;
use super::{CheckpointError, Content, Head, Restored, Written};
use crate::log::{Base, LogId, Past, Position};
use crate::state::States;

/// The end of a checkpoint's file name, after its number and position.
const ENDING: &str = ".checkpoint";
/// The suffix of the name of an unfinished one.
const UNFINISHED: &str = ".new";
/// The number of checkpoints that are kept.
const KEPT: usize = 2;

/// The checkpoints of a log, in a folder beside it.
pub(crate) struct Checkpoints {
    path: PathBuf,
    pub(super) folder: Box<dyn Folder>,
    /// The checkpoints that belong to this log, the oldest first.
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    name: String,
    base: Base,
}

impl Checkpoints {
    /// Returns the checkpoints of the log in `folder`.
    pub(crate) fn beside(folder: &Path) -> Checkpoints {
        let path = folder.join("checkpoints");
        Checkpoints::in_folder(Box::new(DiskFolder(path.clone())), path)
    }

    pub(super) fn in_folder(folder: Box<dyn Folder>, path: PathBuf) -> Checkpoints {
        Checkpoints { path, folder, kept: Mutex::default() }
    }

    /// Returns the names of all checkpoints, the oldest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub(crate) fn names(&self) -> Result<Vec<String>, CheckpointError> {
        let names = self.folder.names()?.into_iter();
        // Two may have the same number, if one of them was copied from a backup.
        let mut names: Vec<_> = names.filter_map(|name| Some((place_of(&name)?, name))).collect();
        names.sort();
        Ok(names.into_iter().map(|(_, name)| name).collect())
    }

    /// Returns the path of a checkpoint.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Restores the newest complete checkpoint that the log includes; returns `None` if there is none and the
    /// log can be replayed from its first record. Logs the faults of others.
    ///
    /// # Errors
    /// When the log cannot be replayed without a checkpoint, and when the checkpoint contains data that the
    /// site cannot read or has no field for: a later checkpoint would lack them, so they must not be dropped
    /// silently.
    pub(crate) fn restore(&self, past: &Past, states: &States) -> Result<Option<Restored>, String> {
        self.remove_unfinished();
        let names = self.names().map_err(|error| format!("{}: {error}", self.path.display()))?;
        let (mut restored, mut kept, mut found) = (None, Vec::new(), Vec::new());
        for name in names.into_iter().rev() {
            let file = self.path(&name);
            let opened = self.folder.open(&name).map_err(CheckpointError::from);
            let opened = opened.and_then(Reader::open);
            let includes = |head: &Head| past.includes(head.of(), head.position);
            let reason = match opened {
                Ok(reader) if !includes(reader.head()) => {
                    "it is of another log, or of records that this one does not have".to_owned()
                }
                // The one before the one that was restored.
                Ok(reader) if restored.is_some() => {
                    kept.push(Kept { name, base: reader.head().base() });
                    continue;
                }
                Ok(mut reader) => match Restored::read(&mut reader, states) {
                    Ok(read) => {
                        let Head { position, fingerprint, .. } = *reader.head();
                        if fingerprint != states.fingerprint() {
                            tracing::info!(%position, "the checkpoint is of another version of the site's data");
                        }
                        tracing::info!(file = %file.display(), %position, "restored a checkpoint");
                        kept.push(Kept { name, base: reader.head().base() });
                        restored = Some(read);
                        continue;
                    }
                    Err(CheckpointError::Refused(reason)) => {
                        states.reset();
                        return Err(self.refusal(&file, &reason, past.base()));
                    }
                    Err(error) => error.to_string(),
                },
                Err(error) => error.to_string(),
            };
            tracing::warn!(file = %file.display(), %reason, "a checkpoint is not used");
            found.push(format!("{}: {reason}", file.display()));
        }
        if restored.is_none() {
            states.reset();
            if past.base() > Position::START {
                let none = format!("{} has none", self.path.display());
                let found = if found.is_empty() { none } else { found.join("; ") };
                return Err(format!(
                    "the records up to position {} are in checkpoints only, and none can be used ({found}); \
                     restore the folder from a backup",
                    past.base()
                ));
            }
        }
        kept.reverse();
        *self.lock() = kept;
        Ok(restored)
    }

    /// Returns the message for a checkpoint that does not fit the site.
    fn refusal(&self, file: &Path, reason: &str, base: Position) -> String {
        let replay = match base {
            Position::START => format!(
                ". Or move the folder {} away: then all records are replayed",
                self.path.display()
            ),
            _ => String::new(),
        };
        format!(
            "{} does not fit the site: {reason}. Or start the version of the site that has written it{replay}",
            file.display()
        )
    }

    /// Writes a checkpoint, and removes all but the last two.
    ///
    /// # Errors
    /// When it cannot be written. The existing ones stay.
    pub(crate) fn write(
        &self,
        content: Content,
        stop: &AtomicBool,
    ) -> Result<Written, CheckpointError> {
        let head = content.head.clone();
        self.write_with(head, stop, |writer| writer.write(content))
    }

    /// Writes a checkpoint with the content that `fill` writes.
    ///
    /// # Errors
    /// When it cannot be written, and when `fill` fails.
    pub(super) fn write_with(
        &self,
        head: Head,
        stop: &AtomicBool,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), CheckpointError>,
    ) -> Result<Written, CheckpointError> {
        let base = head.base();
        let last = self.names()?.last().and_then(|name| place_of(name)).map_or(0, |(it, _)| it);
        let name = name_of(last.saturating_add(1), base.position);
        let unfinished = format!("{name}{UNFINISHED}");
        let mut file = self.folder.create(&unfinished)?;
        let written = Writer::begin(head, &mut *file, stop).and_then(|mut writer| {
            fill(&mut writer)?;
            writer.end()
        });
        drop(file);
        let written = written.inspect_err(|_| {
            // If this fails, the next start removes the file.
            let _ = self.folder.remove(&unfinished);
        })?;
        self.folder.rename(&unfinished, &name)?;
        self.folder.sync()?;
        self.lock().push(Kept { name, base });
        if let Err(reason) = self.remove_old() {
            tracing::warn!(%reason, "an old checkpoint was not removed");
        }
        Ok(written)
    }

    /// Reads a checkpoint completely, to check that it is as it was written.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub(crate) fn verify(&self, name: &str) -> Result<(Head, Written), CheckpointError> {
        let mut reader = self.reader(name)?;
        let mut written = Written { bytes: 0, items: 0 };
        while let Some(part) = reader.next()? {
            if let Part::Item(item) = part {
                written.items += 1;
                written.bytes += item.len() as u64;
            }
        }
        Ok((reader.head().clone(), written))
    }

    /// Opens a checkpoint.
    ///
    /// # Errors
    /// When it cannot be read, or its head is damaged.
    pub(super) fn reader(&self, name: &str) -> Result<Reader, CheckpointError> {
        Reader::open(self.folder.open(name)?)
    }

    /// Copies a checkpoint into another folder, as a checkpoint of the log `id`.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(super) fn copy_as(
        &self,
        name: &str,
        id: LogId,
        into: &Checkpoints,
    ) -> Result<Written, CheckpointError> {
        let mut reader = self.reader(name)?;
        let head = Head { log: id, seed: rand::random(), ..reader.head().clone() };
        into.write_with(head, &AtomicBool::new(false), |writer| {
            while let Some(part) = reader.next()? {
                match part {
                    Part::Joined(joined) => writer.piece(&Piece::Joined(joined))?,
                    Part::Deferred(position, deferred) => {
                        writer.piece(&Piece::Deferred(position, deferred))?;
                    }
                    Part::Files(piece) => writer.piece(&Piece::Files(piece))?,
                    Part::Revocations(piece) => writer.piece(&Piece::Revocations(piece))?,
                    Part::Hash(hash) => writer.piece(&Piece::Hash(hash))?,
                    Part::Field { state, field, version } => {
                        writer.begin_field(&state, &field, version)?;
                    }
                    Part::Item(item) => writer.item(item)?,
                }
            }
            Ok(())
        })
    }

    /// Returns the end of the records that may be dropped: the lesser position of the last two checkpoints,
    /// after both were verified. Returns `None` if there are not yet two.
    ///
    /// # Errors
    /// When one of them cannot be read completely.
    pub(crate) fn base(&self) -> Result<Option<Base>, CheckpointError> {
        let kept = self.lock().clone();
        let [.., older, newer] = &kept[..] else { return Ok(None) };
        for Kept { name, base } in [older, newer] {
            let (head, _) = self.verify(name)?;
            if head.base() != *base {
                return Err(CheckpointError::Damaged(format!(
                    "{name} differs from what was written"
                )));
            }
        }
        Ok(Some(if newer.base.position < older.base.position { newer.base } else { older.base }))
    }

    /// Removes all but the last two, once there are two. No checkpoint may be being written meanwhile.
    ///
    /// # Errors
    /// Names the files that cannot be removed.
    pub(crate) fn remove_old(&self) -> Result<(), String> {
        let mut kept = self.lock();
        if kept.len() < KEPT {
            return Ok(());
        }
        let surplus = kept.len() - KEPT;
        kept.drain(..surplus);
        let names = self.folder.names();
        let names = names.map_err(|error| format!("{}: {error}", self.path.display()))?;
        let is_old = |name: &&String| {
            let is_kept = kept.iter().any(|kept| kept.name == **name);
            name.ends_with(UNFINISHED) || (place_of(name).is_some() && !is_kept)
        };
        let failed = names.iter().filter(is_old).filter_map(|name| {
            let error = self.folder.remove(name).err()?;
            Some(format!("{} cannot be removed: {error}", self.path(name).display()))
        });
        match &failed.collect::<Vec<_>>()[..] {
            [] => Ok(()),
            failed => Err(failed.join("; ")),
        }
    }

    fn remove_unfinished(&self) {
        let names = self.folder.names().unwrap_or_default();
        for name in names.iter().filter(|name| name.ends_with(UNFINISHED)) {
            if let Err(error) = self.folder.remove(name) {
                tracing::warn!(file = %self.path(name).display(), %error, "cannot remove an unfinished file");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn name_of(number: u64, position: Position) -> String {
    format!("{number:08}-at-{position}{ENDING}")
}

/// Returns the number and the position in the name of a checkpoint.
fn place_of(name: &str) -> Option<(u64, Position)> {
    let (number, position) = name.strip_suffix(ENDING)?.split_once("-at-")?;
    Some((number.parse().ok()?, Position(position.parse().ok()?)))
}
