//! Reloading in development: whenever the site's files have changed.
//!
//! What the operating system tells of changes is taken as a hint only: it comes in many shapes, from
//! editors that write in place, put a new file in the place of the old one, or make a copy first,
//! and it stops when a watched folder is removed. So after each hint, and once in a while without
//! one, all files are looked at, by name, size and time. They are loaded when they differ from those
//! that were loaded last and have stood still for a moment. Names that begin with a dot do not count:
//! editors keep copies under them, and no template has such a name.
//!
//! A change cannot be missed by this: the files are looked at before they are read, so one that is
//! changed after it was read differs from what was seen. The times of two changes can be the same
//! only when one follows the other within a few milliseconds; and as files must look the same twice,
//! [`SETTLE`] apart, the second would have to come that long after the first and still bear its time.
//!
//! # What counts in the docroot
//!
//! Files of the docroot are sent as they are on disk, past the cache, so their changes need no
//! reload. What can become invalid are pages: `asset` puts fingerprints of files into them. So each
//! edition notes the files whose fingerprints pages contain ([`ReferencedAssets`](super::asset::ReferencedAssets)), and the
//! docroot has changed when one of these is no longer right. Other files do not count: uploads of
//! visitors, thumbnails, the drafts of both.
//!
//! *No page stays wrong.* All pages that are kept are of the present edition, and their
//! fingerprints were noted before they were kept. So as long as one of them is wrong, looking at
//! the files shows it. If two pages contain different fingerprints of one file, one of them is
//! wrong whatever the file is now, and the note says so until the next edition, which begins with
//! an empty one.
//!
//! *Nothing of the log counts.* What the log says of a file stands in front of the docroot's own,
//! and the call that has written it invalidates the pages that name it. A controller writes a file
//! before it synchronizes it, so it may be seen here before the log says whose it is: a new one was
//! not named by any page yet, and one that is replaced belongs to the log already.

#[cfg_attr(not(feature = "watch"), path = "watch/no_hints.rs")]
mod hints;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::reload::{Reloader, Seen};
use hints::Hints;

/// How long files must not have changed before they are loaded.
const SETTLE: Duration = Duration::from_millis(50);

/// How often it is looked whether they have settled. A file that is written to all the time must not
/// keep the others from being loaded.
const MOST_LOOKS: usize = 40;

/// How often files are looked at without a hint.
const SELDOM: Duration = Duration::from_secs(2);

/// How often they are looked at when there are no hints.
const OFTEN: Duration = Duration::from_millis(500);

/// At most this part of the time is spent on looking without hints.
const SHARE: u32 = 20;

/// Reloads whenever files have changed. It never ends; what it uses goes when it is dropped.
pub(super) async fn watch(reloader: Arc<Reloader>) {
    let hint = Arc::new(Notify::new());
    let mut hints = Hints::new(Arc::clone(&hint));
    loop {
        let look = Instant::now();
        let (seen, back) = look_and_watch(Arc::clone(&reloader), hints).await;
        hints = back;
        let pause = if hints.are_complete() { SELDOM } else { OFTEN };
        let pause = pause.max(look.elapsed() * SHARE);
        match seen {
            Some(seen) if reloader.is_news(&seen) => {
                settle(&reloader, seen).await;
                // The log says what is wrong, and so do the pages.
                let _ = reloader.reload().await;
            }
            _ => {
                // Whether by a hint or not, all is looked at again.
                let _ = timeout(pause, hint.notified()).await;
            }
        }
    }
}

/// Waits until files have not changed for a moment.
async fn settle(reloader: &Arc<Reloader>, mut seen: Seen) {
    for _ in 0..MOST_LOOKS {
        sleep(SETTLE).await;
        let reloader = Arc::clone(reloader);
        match spawn_blocking(move || reloader.look()).await {
            Ok(Some(now)) if now != seen => seen = now,
            Ok(_) | Err(_) => return,
        }
    }
}

/// Sees to it that there are hints, and looks at the files, in this order: what changes in between
/// gives a hint.
async fn look_and_watch(reloader: Arc<Reloader>, mut hints: Hints) -> (Option<Seen>, Hints) {
    let looked = spawn_blocking(move || {
        hints.want(&reloader.watched_paths());
        (reloader.look(), hints)
    });
    match looked.await {
        Ok(looked) => looked,
        Err(error) => {
            tracing::error!(%error, "the site's files cannot be looked at");
            (None, Hints::none())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::app::App;
    use crate::app::running_node::{RunningNode, Watching};
    use crate::config;

    async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn files_that_cannot_be_loaded_are_tried_again_only_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("templates/page.html");
        fs::create_dir(folder.path().join("templates")).unwrap();
        fs::write(&page, "one").unwrap();
        fs::write(folder.path().join("dispatch.conf"), "").unwrap();
        let loads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&loads);
        let mut app = App::new().templates(move |_| {
            let load = counted.fetch_add(1, Ordering::SeqCst);
            assert!(load != 1, "the site's own additions fail the second time");
        });
        let config = config::Config::of_folder(folder.path()).unwrap();
        let watching = Watching::Files { compiler: None };
        let node = RunningNode::open(&mut app, &config, watching).await.unwrap();
        let frontend = Arc::clone(node.report.frontend.as_ref().unwrap());
        fs::write(&page, "number two").unwrap();
        until("the change is refused", || !frontend.problems().is_empty()).await;
        // That nothing happens takes its time.
        sleep(10 * SETTLE).await;
        assert_eq!((loads.load(Ordering::SeqCst), frontend.edition()), (2, 1));
        fs::write(&page, "number three").unwrap();
        until("the next change is loaded", || frontend.edition() == 2).await;
        assert_eq!(loads.load(Ordering::SeqCst), 3);
        assert!(frontend.problems().is_empty());
        node.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn routes_for_code_that_is_being_built_are_no_mistake_until_that_does_not_compile() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["templates", "src"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("dispatch.conf"), "").unwrap();
        let loads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&loads);
        let mut app = App::new().templates(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        let config = config::Config::of_folder(folder.path()).unwrap();
        let watching = Watching::Files { compiler: Some(path("compiler")) };
        let node = RunningNode::open(&mut app, &config, watching).await.unwrap();
        let frontend = Arc::clone(node.report.frontend.as_ref().unwrap());

        fs::write(path("src/main.rs"), "// the controller `new`").unwrap();
        fs::write(path("dispatch.conf"), "[[route]]\npath = \"/\"\ncontroller = \"new\"\n")
            .unwrap();
        until("they are read", || loads.load(Ordering::SeqCst) == 2).await;
        // That nothing happens takes its time.
        sleep(10 * SETTLE).await;
        assert!(frontend.problems().is_empty(), "{:?}", frontend.problems());

        fs::write(path("compiler"), "error: mismatched types").unwrap();
        fs::write(path("dispatch.conf"), "[[route]]\npath = \"/new\"\ncontroller = \"new\"\n")
            .unwrap();
        until("they are refused", || !frontend.problems().is_empty()).await;
        let problems = format!("{:?}", frontend.problems());
        assert!(problems.contains("no controller is registered as `new`"), "{problems}");
        assert!(
            problems.contains("the code has changed since this program was started"),
            "{problems}"
        );
        node.close().await;
    }
}
