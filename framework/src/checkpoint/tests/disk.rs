use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::folder::{Folder, NewFile};

const BLOCK: usize = 512;

/// A folder on a failing disk. Clones share one folder.
#[derive(Clone)]
pub(super) struct Disk(Arc<Mutex<Content>>);

#[derive(Clone)]
struct Content {
    files: Vec<File>,
    /// The names in the folder, with the numbers of their files.
    names: BTreeMap<String, usize>,
    /// The names after a power cut.
    synced: BTreeMap<String, usize>,
    fault: Fault,
}

#[derive(Clone, Default)]
struct File {
    memory: Vec<u8>,
    /// The data that survive a power cut.
    platter: Vec<u8>,
}

/// The fault of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    /// The step after this many steps fails.
    Once(u32),
    /// The process dies after this many steps.
    Crash(u32),
    Dead,
}

impl Disk {
    pub(super) fn new() -> Disk {
        Disk(Arc::new(Mutex::new(Content {
            files: Vec::new(),
            names: BTreeMap::new(),
            synced: BTreeMap::new(),
            fault: Fault::Nothing,
        })))
    }

    pub(super) fn set(&self, fault: Fault) {
        self.0.lock().unwrap().fault = fault;
    }

    /// Returns another disk with the same content.
    pub(super) fn copy(&self) -> Disk {
        Disk(Arc::new(Mutex::new(self.0.lock().unwrap().clone())))
    }

    /// Cuts the power: only some of the unsynced data are left.
    pub(super) fn cut_power(&self, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed);
        let content = &mut *self.0.lock().unwrap();
        for file in &mut content.files {
            let length = file.memory.len();
            let kept = if random.random_bool(0.5) { length } else { file.platter.len() };
            let mut left = file.platter.clone();
            left.resize(kept, 0);
            for start in (0..kept).step_by(BLOCK) {
                let end = kept.min(start + BLOCK).min(length);
                if start < end && random.random_bool(0.5) {
                    left[start..end].copy_from_slice(&file.memory[start..end]);
                }
            }
            *file = File { memory: left.clone(), platter: left };
        }
        let names: Vec<String> =
            content.names.keys().chain(content.synced.keys()).cloned().collect();
        for name in names {
            if random.random_bool(0.5) {
                match content.names.get(&name) {
                    Some(file) => content.synced.insert(name, *file),
                    None => content.synced.remove(&name),
                };
            }
        }
        content.names = content.synced.clone();
    }

    /// Changes a file.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let content = &mut *self.0.lock().unwrap();
        let file = content.names[name];
        change(&mut content.files[file].memory);
    }

    fn step(&self) -> io::Result<std::sync::MutexGuard<'_, Content>> {
        let mut content = self.0.lock().unwrap();
        content.fault = match content.fault {
            Fault::Once(0) => {
                content.fault = Fault::Nothing;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Fault::Once(left) => Fault::Once(left - 1),
            Fault::Crash(0) | Fault::Dead => {
                content.fault = Fault::Dead;
                return Err(io::Error::other("the process is dead"));
            }
            Fault::Crash(left) => Fault::Crash(left - 1),
            Fault::Nothing => Fault::Nothing,
        };
        Ok(content)
    }
}

impl Folder for Disk {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.step()?.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn NewFile>> {
        let mut content = self.step()?;
        content.files.push(File::default());
        let file = content.files.len() - 1;
        content.names.insert(name.to_owned(), file);
        Ok(Box::new(Open { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        let content = self.step()?;
        let file = content.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let bytes = content.files[*file].memory.clone();
        let length = bytes.len() as u64;
        Ok((Box::new(Cursor::new(bytes)), length))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut content = self.step()?;
        let file = content.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        content.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut content = self.step()?;
        content.names.remove(name).map(|_| ()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        let mut content = self.step()?;
        content.synced = content.names.clone();
        Ok(())
    }
}

struct Open {
    disk: Disk,
    file: usize,
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.step()?.files[self.file].memory.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl NewFile for Open {
    fn sync(&mut self) -> io::Result<()> {
        let mut content = self.disk.step()?;
        let file = &mut content.files[self.file];
        file.platter = file.memory.clone();
        Ok(())
    }
}
