//! A disk for tests that fails as real disks do: a full disk, a sync that fails and loses data, a power cut
//! after which only some of the unsynced data are left.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use redb::{Builder, StorageBackend};

use super::Engine;
use super::fault::storage;
use super::file::{LogFile, Unsynced};
use crate::log::OpenError;

const BLOCK: usize = 512;

/// The disk that contains the log's file. Clones share one disk.
#[derive(Debug, Clone)]
pub(in crate::log) struct Disk(Arc<Mutex<Content>>);

#[derive(Debug)]
struct Content {
    /// The data that reads return.
    memory: Vec<u8>,
    /// The data that survive a power cut.
    platter: Vec<u8>,
    /// Blocks that are written and not synced, as far as the system knows.
    dirty: BTreeSet<usize>,
    /// Blocks that are allocated on the disk.
    allocated: BTreeSet<usize>,
    faults: Faults,
    syncs: u64,
    random: StdRng,
}

/// The faults of the disk.
#[derive(Debug, Clone, Default)]
pub(in crate::log) struct Faults {
    /// No further block can be allocated.
    pub(in crate::log) full: bool,
    /// The number of syncs that fail.
    pub(in crate::log) syncs: u32,
    /// The number of writes that succeed before one fails.
    pub(in crate::log) write_after: Option<u32>,
    /// The number of attempts to open the file that fail.
    pub(in crate::log) opens: u32,
    /// Every operation fails.
    pub(in crate::log) dead: bool,
}

impl Disk {
    pub(in crate::log) fn new(seed: u64) -> Disk {
        Disk(Arc::new(Mutex::new(Content {
            memory: Vec::new(),
            platter: Vec::new(),
            dirty: BTreeSet::new(),
            allocated: BTreeSet::new(),
            faults: Faults::default(),
            syncs: 0,
            random: StdRng::seed_from_u64(seed),
        })))
    }

    /// Opens the engine in `folder`, on this disk. The content of the folder's file is on the disk.
    pub(in crate::log) fn engine(&self, folder: &Path) -> Result<Engine, OpenError> {
        let unsynced = Arc::new(Unsynced::default());
        let disk = self.clone();
        let open = move |path: &Path| {
            disk.load(path).map_err(storage)?;
            let file = LogFile::open(disk.clone(), unsynced.clone())?;
            Builder::new().set_cache_size(1 << 20).create_with_backend(file)
        };
        Engine::open_with(folder, Box::new(open))
    }

    pub(in crate::log) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.0.lock().unwrap().faults);
    }

    pub(in crate::log) fn syncs(&self) -> u64 {
        self.0.lock().unwrap().syncs
    }

    /// Kills the process that has the file open; written data remain.
    pub(in crate::log) fn kill(&self, folder: &Path) {
        let mut content = self.0.lock().unwrap();
        content.faults.dead = true;
        fs::write(folder.join("log.redb"), &content.memory).unwrap();
    }

    /// Cuts the power: only some blocks of the unsynced data remain.
    pub(in crate::log) fn cut_power(&self, folder: &Path) {
        let mut content = self.0.lock().unwrap();
        content.faults.dead = true;
        content.write_back_some();
        fs::write(folder.join("log.redb"), &content.platter).unwrap();
    }

    fn load(&self, path: &Path) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        if content.faults.dead {
            return Err(failed());
        }
        if content.faults.opens > 0 {
            content.faults.opens -= 1;
            return Err(failed());
        }
        if content.memory.is_empty() {
            content.memory = fs::read(path)?;
            content.platter = content.memory.clone();
            content.allocated = (0..content.memory.len().div_ceil(BLOCK)).collect();
        }
        Ok(())
    }
}

impl Content {
    fn write_back(&mut self, block: usize) {
        let end = self.memory.len().min((block + 1) * BLOCK);
        let start = (block * BLOCK).min(end);
        if self.platter.len() < end {
            self.platter.resize(end, 0);
        }
        self.platter[start..end].copy_from_slice(&self.memory[start..end]);
    }

    fn write_back_some(&mut self) {
        for block in std::mem::take(&mut self.dirty) {
            if self.random.random_bool(0.5) {
                self.write_back(block);
            }
        }
    }
}

fn failed() -> io::Error {
    io::Error::other("the disk fails")
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        let content = self.0.lock().unwrap();
        if content.faults.dead { Err(failed()) } else { Ok(content.memory.len() as u64) }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let content = self.0.lock().unwrap();
        let bytes = content.memory.get(offset as usize..offset as usize + out.len());
        match bytes {
            Some(bytes) if !content.faults.dead => out.copy_from_slice(bytes),
            _ => return Err(failed()),
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        if content.faults.dead {
            return Err(failed());
        }
        content.memory.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        if content.faults.dead {
            return Err(failed());
        }
        if content.faults.syncs > 0 {
            content.faults.syncs -= 1;
            content.write_back_some();
            return Err(failed());
        }
        content.syncs += 1;
        for block in std::mem::take(&mut content.dirty) {
            content.write_back(block);
        }
        let length = content.memory.len();
        content.platter.resize(length, 0);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        match &mut content.faults {
            Faults { dead: true, .. } => return Err(failed()),
            Faults { write_after: after @ Some(0), .. } => {
                *after = None;
                return Err(failed());
            }
            Faults { write_after: Some(after), .. } => *after -= 1,
            _ => {}
        }
        let start = offset as usize;
        for (index, piece) in data.chunks(BLOCK).enumerate() {
            let block = start / BLOCK + index;
            if content.faults.full && !content.allocated.contains(&block) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let at = start + index * BLOCK;
            content.memory[at..at + piece.len()].copy_from_slice(piece);
            content.allocated.insert(block);
            content.dirty.insert(block);
        }
        Ok(())
    }
}
