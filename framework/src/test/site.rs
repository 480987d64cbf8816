use std::path::PathBuf;
use std::sync::Arc;

use super::Visitor;
use super::nodes::{Nodes, folder_of_the_site, milliseconds, shown_time};
use crate::app::{App, Audit};
use crate::extract::{Data, DataMut};
use crate::state::Updates;

/// A site that runs in the test's process, with its own files and a log that is new and goes with it. Nothing in it
/// is a stand-in: routes, templates, cache, controllers, log, and in a cluster the link between its nodes, are those
/// of the site.
///
/// Its files are those of the package, or of the nearest folder above it that has a `dispatch.conf`. What controllers
/// write into the docroot goes into a copy. It runs as in production, with a secret of its own, and its records are of
/// 2000-01-01T00:00:00Z until [`at`](Site::at) says otherwise. `HEADWATER_…` variables are not looked at. What it logs
/// stands in the test's output.
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

/// Where a test's site has its files.
#[derive(Debug, Clone)]
pub struct SiteFolder(PathBuf);

impl SiteFolder {
    /// As [`Site::of`].
    ///
    /// # Panics
    /// With all that is wrong with the site.
    #[track_caller]
    pub fn of(&self, app: App) -> Site {
        Site { nodes: Arc::new(Nodes::start(&self.0, app, 0)) }
    }

    /// As [`Site::cluster`].
    ///
    /// # Panics
    /// With all that is wrong with the site.
    #[track_caller]
    pub fn cluster(&self, app: App, frontends: usize) -> Site {
        assert!(frontends > 0, "a cluster has a front end at least");
        Site { nodes: Arc::new(Nodes::start(&self.0, app, frontends)) }
    }
}

impl Site {
    /// Starts the site as a single node, with a cache unless its project.toml has the mode `single-node`.
    ///
    /// # Panics
    /// With all that is wrong with the site.
    #[track_caller]
    pub fn of(app: App) -> Site {
        SiteFolder(folder_of_the_site()).of(app)
    }

    /// Starts the site as a back end and so many front ends, which reach it over TCP. A visitor is sent from one front
    /// end to the next with each request.
    ///
    /// # Panics
    /// With all that is wrong with the site.
    #[track_caller]
    pub fn cluster(app: App, frontends: usize) -> Site {
        SiteFolder(folder_of_the_site()).cluster(app, frontends)
    }

    /// For a site whose files are in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> SiteFolder {
        SiteFolder(folder.into())
    }

    /// A new visitor, without cookies.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(Arc::clone(&self.nodes))
    }

    /// Changes the data of the state `S`, as a controller would; what each update has returned.
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

    /// The data of the state `S` as they are, to be read.
    ///
    /// # Panics
    /// When the site does not have the state.
    #[track_caller]
    pub fn data<S: Updates>(&self) -> Data<S> {
        let data = Data::of(&self.nodes.running().site());
        data.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Has the clock of records stand at this time, as RFC 3339 writes it: `"2026-03-01T18:30:00Z"`. Sessions and
    /// lifetimes go by the machine's clock all the same.
    ///
    /// # Panics
    /// When it is not a time, or before that of a record: the time of records never goes back.
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

    /// Compares every page in the cache with one that is made now; what that came to. Worth a line at the end of every
    /// test that changes data.
    ///
    /// # Panics
    /// When a page is not as it would be made now, though nothing has invalidated it.
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

    /// Opens `/` and every page of the site that can be reached from there over links, in each of the site's
    /// languages, as a visitor without a session; the addresses of all that was opened, in their order.
    ///
    /// # Panics
    /// When a link, a picture, a script or a style leads to an error, or to a place in a page that is not there. The
    /// message names all of them, with the pages that they stand on.
    #[track_caller]
    pub fn check_links(&self) -> Vec<String> {
        self.visitor().check_links()
    }
}
