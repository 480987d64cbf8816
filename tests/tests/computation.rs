//! Code of the site that computes for long, and the work that must not wait for it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Node, Site, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

/// The time for which the code computes, in milliseconds.
const LONG: u64 = 3000;
/// Longer than any answer that does not wait for a computation, even on a busy machine, and much shorter than one that
/// does.
const SOON: Duration = Duration::from_millis(1000);

fn site() -> Site {
    Site::test_site(PROGRAM).project("[link]\nlease = \"2s\"\n")
}

/// The code that computes.
#[derive(Clone, Copy)]
enum Slow {
    Template,
    Controller,
    Variant,
}

impl Slow {
    /// Returns the number of concurrent requests: more than the threads of a small machine. Calls of a variant function
    /// are handed over only once one of them has been slow, so there is only one request.
    fn at_once(self) -> u64 {
        match self {
            Slow::Template | Slow::Controller => 4,
            Slow::Variant => 1,
        }
    }

    /// Sends a request that computes for about this number of milliseconds.
    async fn ask(self, visitor: &Client, milliseconds: u64) {
        let response = match self {
            Slow::Template => visitor.page(&format!("/computed/template/{milliseconds}")).await,
            Slow::Controller => visitor.page(&format!("/computed/controller/{milliseconds}")).await,
            Slow::Variant => {
                let variant = format!("spin {milliseconds}");
                visitor.page_with("/page/1", &[("x-variant", &variant)]).await
            }
        };
        assert_eq!(response.status, 200, "{}", response.text());
    }
}

/// The longest duration of each of several operations.
#[derive(Default)]
struct Longest(Vec<(String, Duration)>);

impl Longest {
    async fn time<T>(&mut self, what: &str, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.await;
        let took = begun.elapsed();
        match self.0.iter_mut().find(|(known, _)| known == what) {
            Some((_, longest)) => *longest = took.max(*longest),
            None => self.0.push((what.to_owned(), took)),
        }
        done
    }

    fn check(&self) {
        println!("longest: {:?}", self.0);
        assert!(self.0.iter().all(|(_, took)| *took < SOON), "{:?}", self.0);
    }
}

/// Sends `node` requests that a front end answers by itself.
async fn ask_for_the_rest(node: &Node, longest: &mut Longest) {
    let hit = longest.time("a hit", node.visitor().page("/static")).await;
    assert!(hit.is_hit(), "the lease is lost: {}", hit.cache_status());
    let file = longest.time("a file", node.visitor().page("/files/hello.txt")).await;
    assert_eq!(file.text(), "hello, world\n");
    let health = longest.time("the health", node.operator().page("/health")).await;
    assert_eq!(health.status, 200);
}

/// Checks that nothing else waits while the first front end, or its back end, computes.
async fn nothing_waits(slow: Slow, is_known_as_quick: bool) {
    let cluster = Cluster::start(site(), 2).await;
    for visitor in [cluster.visitor(0), cluster.visitor(1)] {
        for target in ["/static", "/page/1", "/uncached/1"] {
            visitor.page(target).await;
        }
        visitor.form("/page/2", "").await;
    }
    for number in 0..if is_known_as_quick { 3 } else { 0 } {
        // A different page each time, so that none is cached.
        slow.ask(&cluster.visitor(0), number % 2).await;
    }
    let visitors: Vec<Client> = (0..slow.at_once()).map(|_| cluster.visitor(0)).collect();
    let computing = join_all(
        visitors.iter().zip(0..).map(|(visitor, number)| slow.ask(visitor, LONG + number)),
    );
    let rest = async {
        let mut longest = Longest::default();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(LONG) {
            ask_for_the_rest(&cluster.frontends[0], &mut longest).await;
            let operator = cluster.backend.operator();
            let health = longest.time("the back end's health", operator.page("/health")).await;
            assert_eq!(health.status, 200);
            let visitor = cluster.visitor(0);
            let page = longest.time("an uncached page", visitor.page("/uncached/1")).await;
            assert_eq!(page.status, 200);
            let write = longest
                .time("a write elsewhere", async { cluster.visitor(1).form("/page/2", "").await });
            assert_eq!(write.await.status, 200);
        }
        longest
    };
    let (_, longest) = tokio::join!(computing, rest);
    longest.check();
    for node in cluster.frontends.iter().chain([&cluster.backend]) {
        let messages = node.messages().to_string();
        assert!(
            !messages.contains("lease has run out") && !messages.contains("cut off"),
            "{messages}"
        );
    }
}

#[tokio::test]
async fn nothing_waits_for_a_template_that_was_never_rendered() {
    nothing_waits(Slow::Template, false).await;
}

#[tokio::test]
async fn nothing_waits_for_a_template_that_was_quick_so_far() {
    nothing_waits(Slow::Template, true).await;
}

#[tokio::test]
async fn nothing_waits_for_a_controller_that_has_never_run() {
    nothing_waits(Slow::Controller, false).await;
}

#[tokio::test]
async fn nothing_waits_for_a_controller_that_was_quick_so_far() {
    nothing_waits(Slow::Controller, true).await;
}

#[tokio::test]
async fn nothing_waits_for_a_variant_function_that_was_quick_so_far() {
    nothing_waits(Slow::Variant, true).await;
}

#[tokio::test]
async fn nothing_waits_in_a_single_node_either() {
    let node = site().node(Mode::SingleNodeWithCache, "one").start().await;
    node.ready().await;
    node.visitor().page("/static").await;
    until("the page is cached", async || {
        node.visitor().page("/static").await.is_hit().then_some(())
    })
    .await;
    let visitor = node.visitor();
    let computing = async {
        tokio::join!(
            Slow::Template.ask(&visitor, LONG),
            Slow::Template.ask(&visitor, LONG + 1),
            Slow::Controller.ask(&visitor, LONG),
            Slow::Controller.ask(&visitor, LONG),
        )
    };
    let rest = async {
        let mut longest = Longest::default();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(LONG) {
            ask_for_the_rest(&node, &mut longest).await;
            let write = longest.time("a write", async { node.visitor().form("/page/2", "").await });
            assert_eq!(write.await.status, 200);
        }
        longest
    };
    let (_, longest) = tokio::join!(computing, rest);
    longest.check();
}
