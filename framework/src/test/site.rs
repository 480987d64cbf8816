use std::path::PathBuf;
use std::sync::Arc;

use super::TestVisitor;
use super::nodes::{Nodes, folder_of_the_site, milliseconds, shown_time};
use crate::app::{App, Audit};
use crate::extract::{Data, DataMut};
use crate::state::Updates;

/// A site that runs in the test's process, with the site's own files and a new log that is deleted with it. Nothing is
/// mocked: routes, templates, cache, controllers, log, and in a cluster the link between its nodes, are the real ones.
///
/// Its files are in the nearest folder with a `dispatch.conf`, from the package's folder upwards. Controllers write to
/// a copy of the docroot. The site runs as in production, with a secret of its own, and its records have the time
/// 2000-01-01T00:00:00Z until [`at`](Site::at) sets another. `HEADWATER_…` variables are ignored. The site's log is
/// part of the test's output.
///
/// ```no_run
/// # use headwater::prelude::*;
/// # fn app() -> App { App::new() }
/// use headwater::test::Site;
///
/// let site = Site::of(app());
/// site.visitor().open("/").page().has("h1", "Recipes");
/// ```
#[must_use = "a site that is dropped stops"]
pub struct Site {
    nodes: Arc<Nodes>,
}

/// A site whose files are in a given folder: see [`Site::in_folder`].
#[derive(Debug, Clone)]
pub struct SiteFolder(PathBuf);

impl SiteFolder {
    /// Starts the site like [`Site::of`].
    ///
    /// # Panics
    /// When the site has problems; the message lists all of them.
    #[track_caller]
    pub fn of(&self, app: App) -> Site {
        Site { nodes: Arc::new(Nodes::start(&self.0, app, 0)) }
    }

    /// Starts the site like [`Site::cluster`].
    ///
    /// # Panics
    /// When the site has problems; the message lists all of them.
    #[track_caller]
    pub fn cluster(&self, app: App, frontends: usize) -> Site {
        assert!(frontends > 0, "a cluster has at least one front end");
        Site { nodes: Arc::new(Nodes::start(&self.0, app, frontends)) }
    }
}

impl Site {
    /// Starts the site as a single node, with a cache unless its project.toml has the mode `single-node`.
    ///
    /// # Panics
    /// When the site has problems; the message lists all of them.
    #[track_caller]
    pub fn of(app: App) -> Site {
        SiteFolder(folder_of_the_site()).of(app)
    }

    /// Starts the site as a back end and this number of front ends, which are linked to it over TCP. Each request of a
    /// visitor is sent to the next front end.
    ///
    /// # Panics
    /// When the site has problems; the message lists all of them.
    #[track_caller]
    pub fn cluster(app: App, frontends: usize) -> Site {
        SiteFolder(folder_of_the_site()).cluster(app, frontends)
    }

    /// Names the folder of the site's files.
    pub fn in_folder(folder: impl Into<PathBuf>) -> SiteFolder {
        SiteFolder(folder.into())
    }

    /// Returns a new visitor without cookies.
    pub fn visitor(&self) -> TestVisitor {
        TestVisitor::new(Arc::clone(&self.nodes))
    }

    /// Changes the data of the state `S` as a controller would, and returns the output of each update.
    ///
    /// ```no_run
    /// # use headwater::prelude::*;
    /// # #[derive(Clone, Default, State)]
    /// # struct Counter { total: Value<u64> }
    /// # impl Updates for Counter {
    /// #     type Update = u64;
    /// #     type Output = ();
    /// #     type Refusal = std::convert::Infallible;
    /// #     fn apply(&mut self, step: u64, _: &mut At) -> Result<(), Self::Refusal> { Ok(()) }
    /// # }
    /// # let site = headwater::test::Site::of(App::new().state::<Counter>());
    /// site.fill::<Counter>([1, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// When an update is refused, or the site does not have the state.
    #[track_caller]
    pub fn fill<S: Updates>(&self, updates: impl IntoIterator<Item = S::Update>) -> Vec<S::Output> {
        let (site, updates) = (self.nodes.running().site(), updates.into_iter().collect());
        let written = self.nodes.worker.wait(async move {
            let mut data = DataMut::<S>::of(&site).map_err(|error| error.to_string())?;
            let outputs = data.update_many(updates).await.map_err(|error| error.to_string())?;
            let outputs = outputs.into_iter().enumerate().map(|(index, output)| {
                output.map_err(|refusal| format!("update {} is refused: {refusal}", index + 1))
            });
            outputs.collect::<Result<Vec<_>, String>>()
        });
        written.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Returns the present data of the state `S`.
    ///
    /// # Panics
    /// When the site does not have the state.
    #[track_caller]
    pub fn data<S: Updates>(&self) -> Data<S> {
        let data = Data::of(&self.nodes.running().site());
        data.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sets the time of further records, in the format of RFC 3339: `"2026-03-01T18:30:00Z"`. Sessions and lifetimes
    /// still use the machine's clock.
    ///
    /// # Panics
    /// When it is not a time, or is earlier than the time of a record, because the time of records never goes back.
    #[track_caller]
    pub fn at(&self, time: &str) -> &Site {
        let set = milliseconds(time);
        let set = set.unwrap_or_else(|error| panic!("\"{time}\" is not a time: {error}"));
        if let Err(last) = self.nodes.clock.set(set) {
            panic!(
                "the site has a record of {} already, and the time of records never goes back to {time}",
                shown_time(last)
            );
        }
        self
    }

    /// Compares every cached page with a fresh one, and returns the result. Every test that changes data should end
    /// with this call.
    ///
    /// # Panics
    /// When a page differs from a fresh one although nothing has invalidated it.
    #[track_caller]
    pub fn audit(&self) -> Audit {
        let mut all = Audit::default();
        for number in 0..self.nodes.frontends() {
            let frontend = self.nodes.frontend(number);
            let found = self.nodes.worker.wait(async move { frontend.audit().await });
            all.checked += found.checked;
            all.skipped += found.skipped;
            all.findings.extend(found.findings);
            all.unclear.extend(found.unclear);
            all.is_complete &= found.is_complete;
        }
        assert!(all.findings.is_empty(), "{all}");
        all
    }

    /// Opens `/` and every page of the site that can be reached from there over links, in each of the site's languages,
    /// as a visitor without a session. Returns the opened addresses in sorted order.
    ///
    /// # Panics
    /// When the address of a link, picture, script or style sheet returns an error, or a link's fragment does not exist
    /// in its page. The message lists all of them, with the pages that contain them.
    #[track_caller]
    pub fn check_links(&self) -> Vec<String> {
        self.visitor().check_links()
    }
}
