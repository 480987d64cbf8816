//! Changes, and the reading of all pages after each.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use headwater_tests::{Client, Cluster, Node, Response, Seed};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;

use crate::cast;
use crate::change::Change;
use crate::pages::{Page, Pages};
use crate::tally::Tally;

/// The number of concurrent reads.
const AT_ONCE: usize = 4;

/// The kind of several changes at once.
const AT_THE_SAME_TIME: &str = "several at once";

/// The number of pages read while several changes are in progress.
const READ_MEANWHILE: usize = 24;

/// A walk through a cluster.
pub struct Walk {
    frontends: Vec<Client>,
    /// The headers that the visitor of each front end sends, so that each reads pages of one language and class.
    headers: Vec<[(&'static str, String); 2]>,
    operators: Vec<Client>,
    choices: StdRng,
    present: BTreeSet<&'static str>,
    pages: Pages,
    /// The last answer of each front end, by the front end and the page's address.
    kept: BTreeMap<(usize, String), Last>,
    tally: Tally,
}

/// The last answer to a request for a page.
struct Last {
    response: Response,
    /// Whether the answer was cached.
    kept: bool,
    stale: bool,
}

impl Walk {
    /// Creates a walk that begins with a new site and reads these pages: as a guest in English, a guest in German, and
    /// a signed-in visitor.
    pub async fn new(cluster: &Cluster, pages: Pages, seed: Seed) -> Walk {
        let frontends: Vec<Client> =
            cluster.frontends.iter().map(|node| node.visitor().keep_alive()).collect();
        let answer = frontends[0].form("/session", "author=Ruth").await;
        let session = answer.header("set-cookie").split(';').next().unwrap_or_default();
        let visitors = [("en", ""), ("de", ""), ("de", session)].into_iter().cycle();
        let headers = visitors.map(|(language, cookie)| {
            [("accept-language", language.to_owned()), ("cookie", cookie.to_owned())]
        });
        Walk {
            headers: headers.take(frontends.len()).collect(),
            frontends,
            operators: cluster.frontends.iter().map(Node::operator).collect(),
            choices: seed.choices(0),
            present: cast::TITLES[..cast::PUBLISHED].iter().copied().collect(),
            pages,
            kept: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// Returns the results.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Makes a change, or several at once, and then reads all pages. The first step only reads. When pages become stale
    /// in a new way, the auditor must find them too.
    pub async fn step(&mut self) {
        let kind = match (self.kept.is_empty(), self.choices.random_range(0..6)) {
            (true, _) => "nothing",
            (false, 0) => self.change_at_once().await,
            (false, _) => self.change().await,
        };
        self.read(kind).await;
    }

    /// Makes one change.
    async fn change(&mut self) -> &'static str {
        let (present, absent) = self.titles();
        let change = Change::random(&present, &absent, &mut self.choices);
        let visitor = self.choices.random_range(0..self.frontends.len());
        let answer = change.send(&self.frontends[visitor]).await;
        assert_eq!(answer.status, 303, "{}: {}", change.kind, answer.text());
        self.tally.changes += 1;
        self.note_titles().await;
        change.kind
    }

    /// Makes several changes at the same time at different front ends, most of them to the same recipe, while pages are
    /// read: pages made meanwhile must not outlive the changes.
    async fn change_at_once(&mut self) -> &'static str {
        let (present, absent) = self.titles();
        let contested = cast::pick(&present, &mut self.choices);
        let mut changes = vec![
            Change::edit(contested, &mut self.choices),
            Change::edit(contested, &mut self.choices),
            Change::edit(contested, &mut self.choices),
        ];
        changes.push(Change::random(&present, &absent, &mut self.choices));
        let pages = self.kept.keys().sample(&mut self.choices, READ_MEANWHILE);
        let reading = pages
            .into_iter()
            .map(|(at, target)| self.page(&self.frontends[*at], *at, target, None));
        let sending = changes.iter().zip(self.frontends.iter().cycle());
        let sending = sending.map(|(change, frontend)| change.send(frontend));
        let (answers, _) = tokio::join!(join_all(sending), join_all(reading));
        for answer in answers {
            // An earlier change may have deleted the recipe.
            assert!(matches!(answer.status, 303 | 404), "{}", answer.text());
        }
        self.tally.changes += changes.len();
        self.note_titles().await;
        AT_THE_SAME_TIME
    }

    fn titles(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        cast::TITLES.iter().partition(|title| self.present.contains(*title))
    }

    /// Updates the list of existing recipes.
    async fn note_titles(&mut self) {
        let list = self.frontends[0].page_with("/api/recipes", &[("x-fresh", "1")]).await;
        let list = list.json();
        let slugs: BTreeSet<&str> =
            list.as_array().expect("a list").iter().filter_map(|it| it["slug"].as_str()).collect();
        let there = |title: &&str| slugs.contains(cast::slug(title).as_str());
        self.present = cast::TITLES.iter().copied().filter(there).collect();
    }

    /// Reads every page from every front end, in random order, and its fresh copy from one of them.
    async fn read(&mut self, change: &'static str) {
        let pages = self.pages.all(&self.frontends[0]).await;
        let count = pages.len();
        let pages = pages.into_iter().sample(&mut self.choices, count);
        let kinds = self.tally.found.len();
        let before = self.tally.became_stale();
        for pages in pages.chunks(AT_ONCE) {
            let visitor = &self.frontends[self.choices.random_range(0..self.frontends.len())];
            let reading = pages.iter().map(async |page| {
                let pairs = self.frontends.iter().enumerate().map(async |(at, frontend)| {
                    let anew = Some(("x-fresh", "1"));
                    let fresh = self.page(visitor, at, &page.target, anew).await;
                    (fresh, self.page(frontend, at, &page.target, None).await)
                });
                (page, join_all(pairs).await)
            });
            for (page, pairs) in join_all(reading).await {
                for (frontend, (fresh, response)) in pairs.into_iter().enumerate() {
                    let status = fresh.cache_status();
                    assert!(status.ends_with("fwd=bypass"), "{status}");
                    self.compare(change, page, frontend, response, &fresh);
                }
            }
        }
        self.tally.staling += usize::from(self.tally.became_stale() > before);
        if self.tally.found.len() > kinds {
            self.audit().await;
        }
    }

    /// Reads a page as the visitor of the front end with this number.
    async fn page(
        &self,
        frontend: &Client,
        number: usize,
        target: &str,
        more: Option<(&str, &str)>,
    ) -> Response {
        let own = self.headers[number].iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<(&str, &str)> = own.chain(more).collect();
        frontend.page_with(target, &headers).await
    }

    /// Has the auditor of each front end compare all pages: it must find those that are stale.
    async fn audit(&self) {
        let json = [("content-type", "application/json")];
        let auditing = self.operators.iter().map(|it| it.ask("POST", "/audit", &json, ""));
        for (frontend, audit) in join_all(auditing).await.into_iter().enumerate() {
            let audit = audit.json();
            assert_eq!(audit["is_complete"], true, "{audit}");
            let findings = audit["findings"].as_array().expect("a list").iter();
            // The address is followed by the variant.
            let address = |key: &'_ str| key.split(' ').next().unwrap_or_default().to_owned();
            let found = findings.filter_map(|it| it["key"].as_str());
            let found: BTreeSet<String> = found.map(address).collect();
            let stale = self.kept.iter().filter(|((of, _), last)| *of == frontend && last.stale);
            let stale: BTreeSet<String> = stale.map(|((_, target), _)| target.clone()).collect();
            assert_eq!(found, stale, "the findings of the auditor, and the stale pages");
        }
    }

    fn compare(
        &mut self,
        change: &'static str,
        page: &Page,
        frontend: usize,
        response: Response,
        fresh: &Response,
    ) {
        let Tally { reads, hits, stale, remade, wasted, found, in_vain, .. } = &mut self.tally;
        *reads += 1;
        *hits += usize::from(response.is_hit());
        let before = self.kept.get(&(frontend, page.target.clone()));
        let is_stale = !same(&response, fresh);
        *stale += usize::from(is_stale);
        assert!(response.is_hit() || !is_stale, "{}: {}", page.target, response.cache_status());
        if let Some(before) = before {
            // A page that was stale before has been counted already.
            if is_stale && !before.stale {
                let example = || (0, page.target.clone());
                found.entry((change, page.kind)).or_insert_with(example).0 += 1;
            }
            // Several changes may cancel each other out, so an unchanged page is not wasted then.
            if before.kept && !response.is_hit() && change != AT_THE_SAME_TIME {
                *remade += 1;
                if same(&before.response, &response) {
                    *wasted += 1;
                    *in_vain.entry((change, page.kind)).or_default() += 1;
                }
            }
        }
        let kept = response.is_hit() || response.cache_status().contains("stored");
        let last = Last { response, kept, stale: is_stale };
        self.kept.insert((frontend, page.target.clone()), last);
    }
}

/// Returns whether two answers are the same to a reader.
fn same(one: &Response, other: &Response) -> bool {
    one.status == other.status && one.body == other.body
}
