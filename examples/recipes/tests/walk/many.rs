//! Many concurrent changes, and the auditor after them.

use std::fmt;
use std::time::Instant;

use futures_util::future::join_all;
use headwater_tests::{Client, Cluster, Node, Seed};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::cast;
use crate::change::Change;
use crate::pages::{Page, Pages};

/// The number of concurrent callers. Each publishes and deletes recipes of its own, and changes those of all.
const CALLERS: usize = 6;

/// The number of pages that a caller reads after each change to fill the caches.
const READ_AFTER: usize = 3;

/// The number of changes that each caller makes before all stop and the auditor of each front end compares all pages.
const BETWEEN_AUDITS: usize = 30;

/// The work done and the findings.
#[derive(Debug, Default)]
pub struct Audited {
    changes: usize,
    /// The number of changes whose recipe had been deleted.
    missed: usize,
    reads: usize,
    hits: usize,
    /// The number of pages that the auditors have compared.
    compared: u64,
    /// Their findings, and the pages that they could not compare.
    pub findings: Vec<String>,
    seconds: f64,
}

/// Makes this number of changes at all front ends concurrently while pages are read, and runs the auditors.
pub async fn change_and_audit(cluster: &Cluster, changes: usize, seed: Seed) -> Audited {
    let began = Instant::now();
    let mut audited = Audited::default();
    let mut callers: Vec<Caller> = (0..CALLERS).map(|it| Caller::new(cluster, it, seed)).collect();
    let operators: Vec<Client> = cluster.frontends.iter().map(Node::operator).collect();
    let mut pages = Pages::new();
    for _ in 0..changes.div_ceil(CALLERS * BETWEEN_AUDITS) {
        let all = pages.all(&cluster.visitor(0)).await;
        let calling = callers.iter_mut().map(|caller| caller.run(BETWEEN_AUDITS, &all));
        for counts in join_all(calling).await {
            audited.changes += BETWEEN_AUDITS;
            audited.missed += counts.missed;
            audited.reads += counts.reads;
            audited.hits += counts.hits;
        }
        for operator in &operators {
            let json = [("content-type", "application/json")];
            let audit = operator.ask("POST", "/audit", &json, "").await.json();
            assert_eq!(audit["is_complete"], true, "{audit}");
            audited.compared += audit["checked"].as_u64().expect("a number");
            for found in ["findings", "unclear"] {
                let found = audit[found].as_array().expect("a list");
                audited.findings.extend(found.iter().map(ToString::to_string));
            }
        }
    }
    audited.seconds = began.elapsed().as_secs_f64();
    audited
}

/// A visitor of all front ends that reads and changes the site.
struct Caller {
    visitors: Vec<Client>,
    choices: StdRng,
    /// The caller's own titles, each with whether a recipe with it exists.
    titles: Vec<(&'static str, bool)>,
}

impl Caller {
    fn new(cluster: &Cluster, number: usize, seed: Seed) -> Caller {
        let visitors = cluster.frontends.iter().map(|node| node.visitor().keep_alive());
        let own = cast::TITLES.iter().enumerate().filter(|(place, _)| place % CALLERS == number);
        Caller {
            visitors: visitors.collect(),
            choices: seed.choices(number as u64),
            titles: own.map(|(place, title)| (*title, place < cast::PUBLISHED)).collect(),
        }
    }

    async fn run(&mut self, changes: usize, pages: &[Page]) -> Audited {
        let mut counts = Audited::default();
        for _ in 0..changes {
            let change = self.change();
            let answer = change.send(self.visitor()).await;
            // Another caller may have deleted the recipe.
            assert!(matches!(answer.status, 303 | 404), "{}: {}", change.kind, answer.text());
            counts.missed += usize::from(answer.status == 404);
            for _ in 0..READ_AFTER {
                let page = pages.choose(&mut self.choices).expect("there are some");
                let response = self.visitor().page(&page.target).await;
                counts.reads += 1;
                counts.hits += usize::from(response.is_hit());
            }
        }
        counts
    }

    fn visitor(&mut self) -> &Client {
        self.visitors.choose(&mut self.choices).expect("there are some")
    }

    fn change(&mut self) -> Change {
        let kind = match self.choices.random_range(0..10) {
            0..3 => {
                let own = self.choices.random_range(0..self.titles.len());
                let (title, is_there) = &mut self.titles[own];
                let kind = match *is_there {
                    false => "publish",
                    true if self.choices.random_bool(0.4) => "delete",
                    true => "edit",
                };
                *is_there = kind != "delete";
                return Change::of(kind, &[title], &[title], &mut self.choices);
            }
            3..6 => "edit",
            6..9 => "comment",
            _ => "favourite",
        };
        Change::of(kind, &cast::TITLES, &[], &mut self.choices)
    }
}

impl fmt::Display for Audited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Audited { changes, missed, reads, hits, compared, findings, seconds } = self;
        writeln!(f, "{changes} changes ({missed} of nothing), {reads} reads ({hits} hits)")?;
        writeln!(f, "{compared} pages were audited, {} findings, {seconds:.0} s", findings.len())
    }
}
