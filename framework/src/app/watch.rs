//! Reloads the site's files in development after each change.
//!
//! Change notifications of the operating system are only a hint. They differ between editors that write in place,
//! replace a file by a new one, or make a copy first, and they stop when a watched folder is removed. So after each
//! hint, and periodically without one, all files are inspected, by name, size and time. They are loaded when they
//! differ from the files that were loaded last and have been stable for a moment. Names that begin with a dot are
//! ignored: editors use them for copies, and no template has such a name.
//!
//! No change can be missed: the files are inspected before they are read, so a file that changes after it was read
//! differs from the inspected state. Two changes can have the same time only if they are within a few milliseconds of
//! each other. As files must look the same twice, [`SETTLE`] apart, the second change would have to come that long
//! after the first and still have its time.
//!
//! # Changes in the docroot
//!
//! Files of the docroot are sent from disk, past the cache, so their changes need no reload. But pages can become
//! outdated, because `asset` puts fingerprints of files into them. So each edition records the files whose
//! fingerprints pages contain ([`ReferencedAssets`](super::asset::ReferencedAssets)), and the docroot counts as
//! changed when one of these fingerprints is outdated. Other files are ignored: uploads of visitors, thumbnails, the
//! drafts of both.
//!
//! *No page stays outdated.* All cached pages belong to the present edition, and their fingerprints were recorded
//! before the pages were stored. So as long as one of them is outdated, an inspection detects it. If two pages
//! contain different fingerprints of one file, one of them is outdated whatever the file is now, and the record keeps
//! this until the next edition, which begins with an empty record.
//!
//! *Files of the log are ignored.* A file in the log hides the docroot's own, and the call that has written it
//! invalidates the pages that refer to it. A controller writes a file before it synchronizes it, so an inspection may
//! see it before it is in the log. This is harmless: no page refers to a new file yet, and a replaced file is in the
//! log already.

#[cfg_attr(not(feature = "watch"), path = "watch/no_hints.rs")]
mod hints;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::reload::{Reloader, Seen};
use hints::Hints;

/// The time for which files must be unchanged before they are loaded.
const SETTLE: Duration = Duration::from_millis(50);

/// The limit on checks whether files are stable. A file that is written continually must not prevent the others from
/// being loaded.
const MOST_LOOKS: usize = 40;

/// The interval between inspections without a hint.
const SELDOM: Duration = Duration::from_secs(2);

/// The interval between inspections if there are no hints.
const OFTEN: Duration = Duration::from_millis(500);

/// The pause after an inspection is at least this many times as long as the inspection.
const SHARE: u32 = 20;

/// Reloads after each change. Never returns; dropping the future releases its resources.
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
            Some(seen) if reloader.has_changed(&seen) => {
                settle(&reloader, seen).await;
                // The problems are in the log and on the pages.
                let _ = reloader.reload().await;
            }
            _ => {
                // With or without a hint, all files are inspected again.
                let _ = timeout(pause, hint.notified()).await;
            }
        }
    }
}

/// Waits until files have been unchanged for a moment.
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

/// Updates the watched paths, and then inspects the files. In this order, a change in between gives a hint.
async fn look_and_watch(reloader: Arc<Reloader>, mut hints: Hints) -> (Option<Seen>, Hints) {
    let looked = spawn_blocking(move || {
        hints.watch(&reloader.watched_paths());
        (reloader.look(), hints)
    });
    match looked.await {
        Ok(looked) => looked,
        Err(error) => {
            tracing::error!(%error, "the site's files cannot be inspected");
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
        // Waits, to show that nothing happens.
        sleep(10 * SETTLE).await;
        assert_eq!((loads.load(Ordering::SeqCst), frontend.edition_number()), (2, 1));
        fs::write(&page, "number three").unwrap();
        until("the next change is loaded", || frontend.edition_number() == 2).await;
        assert_eq!(loads.load(Ordering::SeqCst), 3);
        assert!(frontend.problems().is_empty());
        node.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn routes_for_code_that_is_being_built_are_reported_only_if_it_does_not_compile() {
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
        // Waits, to show that nothing happens.
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
