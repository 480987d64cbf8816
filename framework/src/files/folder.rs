//! Opens files below a folder, and only there.
//!
//! Checking a path and opening it are two steps, between which a file may be replaced by a link. So no path is checked
//! first:
//!
//! - On Linux the kernel resolves the path and refuses to leave the folder, in a single step (`openat2` with
//!   `RESOLVE_BENEATH`).
//! - If that is not possible, links are resolved first. This concerns other systems, kernels before 5.6, containers
//!   that forbid the call, and links with absolute paths, which `RESOLVE_BENEATH` refuses even if they point back into
//!   the folder. The resolved path contains no links, must begin with that of the folder, and is then opened component
//!   by component, each relative to the previous one and none through a link. A component that was swapped meanwhile is
//!   a link or does not exist, and is rejected.
//!
//! Whether it is a regular file is checked on the open file. All files are opened with `O_NONBLOCK`, so opening a pipe
//! does not wait for its writer.
//!
//! The folder itself is looked up by its path for each request, so it may be a link that a deployment changes; all
//! files of one request are looked up below the same folder.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// A folder whose files are served. All its methods block.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: Arc<Path>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Folder {
        // An absolute path stays valid if the process changes its working directory.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Folder { path: path.into() }
    }

    /// Opens the current folder. `None` if it does not exist.
    pub(super) fn enter(&self) -> io::Result<Option<Entered<'_>>> {
        match openat(CWD, &*self.path, FOLDER, Mode::empty()).map_err(io::Error::from) {
            Ok(root) => Ok(Some(Entered { root, path: &self.path })),
            Err(error) if is_not_there(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the names of the files in `folder`, for messages.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder, opened for one request.
pub(super) struct Entered<'a> {
    root: OwnedFd,
    path: &'a Path,
}

impl Entered<'_> {
    /// Opens the file or folder at `relative`. `None` if it does not exist, is outside of the folder, or must not be
    /// read.
    pub(super) fn open(&self, relative: &str) -> io::Result<Option<File>> {
        let relative = if relative.is_empty() { "." } else { relative };
        let opened = match self.open_beneath(relative) {
            Err(
                Errno::XDEV
                | Errno::AGAIN
                | Errno::NOSYS
                | Errno::PERM
                | Errno::TOOBIG
                | Errno::INVAL,
            ) => self.open_resolved(relative),
            opened => opened.map(File::from).map_err(io::Error::from),
        };
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if is_not_there(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cfg(target_os = "linux")]
    fn open_beneath(&self, relative: &str) -> Result<OwnedFd, Errno> {
        use rustix::fs::{ResolveFlags, openat2};
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.root, relative, READ, Mode::empty(), resolve)
    }

    #[cfg(not(target_os = "linux"))]
    fn open_beneath(&self, _: &str) -> Result<OwnedFd, Errno> {
        Err(Errno::NOSYS)
    }

    fn open_resolved(&self, relative: &str) -> io::Result<File> {
        let root = self.path.canonicalize()?;
        let path = root.join(relative).canonicalize()?;
        let inside = path.strip_prefix(&root).map_err(|_| io::ErrorKind::NotFound)?;
        open_without_links(&root, inside)
    }
}

/// The flags for opening files.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens the path `inside` of `root`, component by component, none of which may be a link. If all links of the path
/// were resolved before, the result is the resolved file, or an error if a link has replaced a component.
pub(crate) fn open_without_links(root: &Path, inside: &Path) -> io::Result<File> {
    let mut folder = openat(CWD, root, FOLDER, Mode::empty())?;
    let parts: Vec<PathBuf> = inside.iter().map(PathBuf::from).collect();
    let Some((last, between)) = parts.split_last() else {
        return Ok(openat(folder.as_fd(), ".", READ, Mode::empty())?.into());
    };
    for part in between {
        folder = openat(folder.as_fd(), part, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(openat(folder.as_fd(), last, READ | OFlags::NOFOLLOW, Mode::empty())?.into())
}

/// Returns whether the error means that no file can be served.
fn is_not_there(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied};
    match Errno::from_io_error(error) {
        // A socket cannot be opened, and a link may point to itself.
        Some(Errno::LOOP | Errno::NXIO | Errno::XDEV) => true,
        _ => matches!(
            error.kind(),
            NotFound | NotADirectory | InvalidInput | InvalidFilename | PermissionDenied
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tempfile::TempDir;

    /// Creates `root` beside a secret, and links of every kind.
    fn folder() -> (TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("css")).unwrap();
        fs::write(place.path().join("secret.txt"), "secret").unwrap();
        fs::write(root.join("css/site.css"), "body {}").unwrap();
        symlink("css/site.css", root.join("inside.css")).unwrap();
        symlink(root.join("css/site.css"), root.join("absolute.css")).unwrap();
        symlink("../root/css/site.css", root.join("roundabout.css")).unwrap();
        symlink("../secret.txt", root.join("outside.txt")).unwrap();
        symlink(place.path(), root.join("folder")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let folder = Folder::new(&root);
        (place, folder)
    }

    fn open(folder: &Folder, name: &str) -> io::Result<Option<File>> {
        folder.enter().unwrap().unwrap().open(name)
    }

    fn resolved(folder: &Folder, name: &str) -> io::Result<File> {
        folder.enter().unwrap().unwrap().open_resolved(name)
    }

    fn read(file: File) -> String {
        io::read_to_string(file).unwrap()
    }

    #[test]
    fn links_are_followed_as_long_as_they_stay_below_the_folder() {
        let (_place, folder) = folder();
        for name in ["css/site.css", "inside.css", "absolute.css", "roundabout.css"] {
            assert_eq!(read(open(&folder, name).unwrap().unwrap()), "body {}", "{name}");
            assert_eq!(read(resolved(&folder, name).unwrap()), "body {}", "{name}");
        }
        for name in ["outside.txt", "folder/secret.txt", "folder/root/css/site.css", "loop", "none"]
        {
            let inside = name == "folder/root/css/site.css";
            assert_eq!(open(&folder, name).unwrap().is_some(), inside, "{name}");
            assert_eq!(resolved(&folder, name).is_ok(), inside, "{name}");
        }
        assert!(open(&folder, "").unwrap().unwrap().metadata().unwrap().is_dir());
        assert!(resolved(&folder, ".").is_ok());
    }

    #[test]
    fn a_link_that_replaces_a_resolved_component_is_not_followed() {
        let (place, folder) = folder();
        let root = folder.path().canonicalize().unwrap();
        fs::write(place.path().join("site.css"), "secret").unwrap();
        // As if it had been swapped after the path was resolved.
        fs::rename(root.join("css"), root.join("old")).unwrap();
        symlink("..", root.join("css")).unwrap();
        let opened = open_without_links(&root, Path::new("css/site.css"));
        assert!(is_not_there(&opened.unwrap_err()));
        fs::remove_file(root.join("css")).unwrap();
        fs::rename(root.join("old"), root.join("css")).unwrap();
        fs::remove_file(root.join("css/site.css")).unwrap();
        symlink("../../secret.txt", root.join("css/site.css")).unwrap();
        let opened = open_without_links(&root, Path::new("css/site.css"));
        assert!(is_not_there(&opened.unwrap_err()));
    }

    #[test]
    fn no_swap_while_resolving_opens_a_file_outside() {
        let (place, folder) = folder();
        fs::create_dir(place.path().join("css")).unwrap();
        fs::write(place.path().join("css/site.css"), "secret").unwrap();
        let (root, done) = (folder.path().to_owned(), AtomicBool::new(false));
        symlink("../css", root.join("link")).unwrap();
        let swap = || {
            // Swaps the folder and a link to the outside one again and again.
            while !done.load(Ordering::Relaxed) {
                for (from, to) in
                    [("css", "spare"), ("link", "css"), ("css", "link"), ("spare", "css")]
                {
                    fs::rename(root.join(from), root.join(to)).unwrap();
                }
            }
        };
        let look = || {
            for _ in 0..1000 {
                let opened = [
                    open(&folder, "css/site.css").unwrap(),
                    resolved(&folder, "css/site.css").ok(),
                ];
                if !opened.into_iter().flatten().all(|file| read(file) == "body {}") {
                    return false;
                }
            }
            true
        };
        let inside = std::thread::scope(|scope| {
            scope.spawn(swap);
            let inside = look();
            done.store(true, Ordering::Relaxed);
            inside
        });
        assert!(inside);
    }

    #[test]
    fn pipes_sockets_and_long_names_do_not_hang_or_fail() {
        let (_place, folder) = folder();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        assert!(!open(&folder, "pipe").unwrap().unwrap().metadata().unwrap().is_file());
        assert!(open(&folder, "socket").unwrap().is_none());
        assert!(open(&folder, &"x".repeat(5000)).unwrap().is_none());
        assert!(open(&folder, "css/site.css/x").unwrap().is_none());
        assert!(open(&folder, "a\0b").unwrap().is_none());
    }

    #[test]
    fn the_folder_may_be_a_link_that_changes() {
        let place = tempfile::tempdir().unwrap();
        for release in ["one", "two"] {
            fs::create_dir(place.path().join(release)).unwrap();
            fs::write(place.path().join(release).join("x"), release).unwrap();
        }
        let current = place.path().join("current");
        symlink("one", &current).unwrap();
        let folder = Folder::new(&current);
        assert_eq!(read(open(&folder, "x").unwrap().unwrap()), "one");
        symlink("two", place.path().join("next")).unwrap();
        fs::rename(place.path().join("next"), &current).unwrap();
        assert_eq!(read(open(&folder, "x").unwrap().unwrap()), "two");
    }
}
