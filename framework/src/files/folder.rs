//! Opening files below a folder, and only there.
//!
//! Looking where a path leads and opening it are two steps, and between them a link may be put in
//! the place of a file. So nothing is looked at first:
//!
//! - On Linux the kernel follows the path and refuses to leave the folder on the way, all in one
//!   step (`openat2` with `RESOLVE_BENEATH`).
//! - Where it cannot (other systems, kernels before 5.6, containers that forbid the call), and for
//!   links that are written as absolute paths, which `RESOLVE_BENEATH` refuses even when they lead
//!   back, links are resolved first. The path that comes out has none, must begin with that of the
//!   folder, and is then opened part by part, each below the one before it and none of them through a
//!   link. What was swapped meanwhile is a link or is not there, and is refused.
//!
//! Whether it is a file at all is asked of what was opened. To open a pipe does not wait for its
//! writer, as everything is opened without blocking.
//!
//! The folder itself is looked up by its path at each request, so it may be a link that a
//! deployment changes; all files of one request are looked for below the same folder.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// A folder whose files are served. All of its functions block.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: Arc<Path>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Folder {
        // It stays the same when the process goes to another folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Folder { path: path.into() }
    }

    /// The folder that is there now. None when there is none.
    pub(super) fn enter(&self) -> io::Result<Option<Entered<'_>>> {
        match openat(CWD, &*self.path, FOLDER, Mode::empty()).map_err(io::Error::from) {
            Ok(root) => Ok(Some(Entered { root, path: &self.path })),
            Err(error) if is_not_there(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of the files in `folder`, for messages.
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

/// The folder that is served at this moment.
pub(super) struct Entered<'a> {
    root: OwnedFd,
    path: &'a Path,
}

impl Entered<'_> {
    /// Opens what is at `relative`, which may be a folder. None when there is nothing, when it is
    /// outside, or must not be read.
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

/// How files are opened.
const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// Opens the path `inside` of `root`, part by part; none of them may be a link. Where all links of
/// the path were followed before, the result is what was there, or an error if a link is in its
/// place by now.
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

/// Whether the error says that there is nothing that could be served.
fn is_not_there(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied};
    match Errno::from_io_error(error) {
        // A socket cannot be opened, and a link may lead to itself.
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

    /// `root` beside a secret, and links of every kind.
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
    fn a_link_in_the_place_of_what_was_resolved_is_not_followed() {
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
    fn whatever_is_swapped_meanwhile_nothing_outside_is_opened() {
        let (place, folder) = folder();
        fs::create_dir(place.path().join("css")).unwrap();
        fs::write(place.path().join("css/site.css"), "secret").unwrap();
        let (root, done) = (folder.path().to_owned(), AtomicBool::new(false));
        symlink("../css", root.join("link")).unwrap();
        let swap = || {
            // The folder and a link to the one outside change places again and again.
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
