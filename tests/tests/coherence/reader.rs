use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_tests::{Client, Failed, Response};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde::Deserialize;

use crate::trial::Trial;

/// The ways to read a page. All but the last are cached.
const ROUTES: [&str; 8] =
    ["/page/", "/templated/", "/grouped/", "/pattern/", "/slow/", "/all", "/top", "/uncached/"];

/// A read that is about to be sent, with the lowest versions that it must show.
pub(crate) struct Read {
    frontend: usize,
    route: &'static str,
    page: usize,
    floors: Vec<u64>,
    start: Instant,
}

#[derive(Deserialize)]
struct All {
    versions: BTreeMap<usize, u64>,
}

/// Reads random pages in random ways until the trial is over.
pub(crate) async fn read(trial: Arc<Trial>, mut choices: StdRng) {
    let keep_alive = choices.random_bool(0.5);
    let mut clients: Vec<Option<Client>> = (0..trial.frontends()).map(|_| None).collect();
    while !trial.is_over() {
        let frontend = choices.random_range(..trial.frontends());
        let entrance = trial.entrance(frontend);
        // A visitor of a paused node gives up and sends a new request later.
        let patience = Duration::from_millis(choices.random_range(200..1200));
        let client = clients[frontend].take().filter(|client| client.address() == entrance);
        let client = client.unwrap_or_else(|| match keep_alive {
            true => Client::new(entrance).keep_alive(),
            false => Client::new(entrance),
        });
        let client = clients[frontend].insert(client.timeout(patience));

        let before = trial.calm.before(frontend);
        let read = Read::begin(&trial, frontend, &mut choices);
        let outcome = client.get(&read.target()).await;
        let calm = trial.calm.since(before);
        read.judge(&trial, outcome, calm);
        tokio::time::sleep(Duration::from_millis(choices.random_range(0..8))).await;
    }
}

/// Reads every page in every way through every front end after the last write: all must show the
/// same.
pub(crate) async fn read_everything(trial: &Trial) {
    for frontend in 0..trial.frontends() {
        let client = Client::new(trial.entrance(frontend));
        for page in 0..trial.pages.count() {
            let uncached = Read::of(trial, frontend, "/uncached/", page);
            let response = client.get(&uncached.target()).await;
            let Some(version) = uncached.judge(trial, response, true) else { continue };
            for route in ROUTES {
                let mut read = Read::of(trial, frontend, route, page);
                read.floors[page] = read.floors[page].max(version);
                let response = client.get(&read.target()).await;
                read.judge(trial, response, true);
            }
        }
    }
}

impl Read {
    fn begin(trial: &Trial, frontend: usize, choices: &mut impl Rng) -> Read {
        let route = ROUTES.choose(choices).expect("there are routes");
        let page = trial.pages.to_read(choices);
        Read::of(trial, frontend, route, page)
    }

    /// Returns a read that begins now.
    fn of(trial: &Trial, frontend: usize, route: &'static str, page: usize) -> Read {
        let floors = trial.pages.floors();
        Read { frontend, route, page, floors, start: Instant::now() }
    }

    /// Returns reads of every page in every cached way, all of which begin now.
    pub(crate) fn all(trial: &Trial, frontend: usize) -> Vec<Read> {
        let pages = 0..trial.pages.count();
        pages
            .flat_map(|page| ROUTES[..ROUTES.len() - 1].iter().map(move |route| (route, page)))
            .map(|(route, page)| Read::of(trial, frontend, route, page))
            .collect()
    }

    pub(crate) fn target(&self) -> String {
        match self.route {
            "/all" | "/top" => self.route.to_owned(),
            route => format!("{route}{}", self.page),
        }
    }

    /// Checks the outcome against the expected versions, and returns the page's version.
    pub(crate) fn judge(
        &self,
        trial: &Trial,
        outcome: Result<Response, Failed>,
        calm: bool,
    ) -> Option<u64> {
        let response = match outcome {
            Ok(response) if response.status == 200 => response,
            Ok(response) => {
                self.failed(trial, &format!("status {}", response.status), calm, response.text());
                return None;
            }
            // The reader chose its own timeout, so this is not a failure of a node.
            Err(Failed::Timeout) => {
                self.failed(trial, "timeout", false, "");
                return None;
            }
            Err(Failed::Connection(error)) => {
                self.failed(trial, "connection", calm, &error.to_string());
                return None;
            }
        };
        self.count(trial, &response);
        let Some(versions) = self.versions(&response) else {
            trial.verdict.breach(format_args!("{} is not a page: {response:?}", self.target()));
            return None;
        };
        for (page, version) in versions.iter().copied() {
            self.compare(trial, page, version, &response);
        }
        if self.route == "/top" {
            self.compare_top(trial, &versions, &response);
        }
        versions.iter().find(|(page, _)| *page == self.page).map(|(_, version)| *version)
    }

    fn compare(&self, trial: &Trial, page: usize, version: u64, response: &Response) {
        let (floor, ceiling) = (self.floors[page], trial.pages.ceiling(page));
        let what = match version {
            version if version < floor => "a stale read",
            version if version > ceiling => "a read of what was never written",
            _ => return,
        };
        let (frontend, target) = (self.frontend + 1, self.target());
        let (start, cache) = (trial.verdict.time(self.start), response.cache_status());
        trial.verdict.breach(format_args!(
            "{what}: f{frontend} answered {target}, asked at {start}, with version {version} of page \
             {page}; answered writes had made it {floor}, {ceiling} writes were sent; {cache:?}"
        ));
    }

    /// Checks that the highest version is at least the highest floor.
    fn compare_top(&self, trial: &Trial, versions: &[(usize, u64)], response: &Response) {
        let highest = versions.iter().map(|(_, version)| *version).max().unwrap_or(0);
        let floor = self.floors.iter().copied().max().unwrap_or(0);
        if highest < floor {
            let (frontend, start) = (self.frontend + 1, trial.verdict.time(self.start));
            trial.verdict.breach(format_args!(
                "a stale list: f{frontend} answered /top, asked at {start}, with version {highest} at \
                 its head; answered writes had made one {floor}; {:?}",
                response.cache_status()
            ));
        }
    }

    fn failed(&self, trial: &Trial, what: &str, calm: bool, text: &str) {
        *trial.verdict.tally().failures.entry(what.to_owned()).or_default() += 1;
        if calm {
            let (frontend, target) = (self.frontend + 1, self.target());
            let start = trial.verdict.time(self.start);
            trial.verdict.breach(format_args!(
                "a failure in peace: f{frontend} answered {target}, asked at {start}: {what}: {text}"
            ));
        }
    }

    fn count(&self, trial: &Trial, response: &Response) {
        let mut tally = trial.verdict.tally();
        *tally.reads.entry(self.route).or_default() += 1;
        if response.is_hit() {
            *tally.hits.entry(self.route).or_default() += 1;
        }
    }

    /// Returns the versions that a response shows.
    fn versions(&self, response: &Response) -> Option<Vec<(usize, u64)>> {
        let text = response.text();
        match self.route {
            "/all" => {
                let all: All = serde_json::from_str(text).ok()?;
                let version = |page| all.versions.get(&page).copied().unwrap_or(0);
                Some((0..self.floors.len()).map(|page| (page, version(page))).collect())
            }
            "/top" => {
                let top: BTreeMap<usize, u64> = serde_json::from_str(text).ok()?;
                Some(top.into_iter().collect())
            }
            "/templated/" => {
                let (_, text) = text.split_once("<b>")?;
                let (version, _) = text.split_once("</b>")?;
                Some(vec![(self.page, version.parse().ok()?)])
            }
            _ => Some(vec![(self.page, text.parse().ok()?)]),
        }
    }
}
