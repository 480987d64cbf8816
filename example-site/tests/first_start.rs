//! A site that is killed during its first start, while it writes its first data.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use headwater_tests::Mode;
use headwater_tests::{PATIENCE, Seed, Site};
use rand::RngExt;

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-site");

/// Returns the site with its own files.
fn site() -> Site {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = ["project.toml", "dispatch.conf", "templates", "locales", "example-site/docroot"];
    files.iter().fold(Site::new(PROGRAM), |site, name| site.copy(&root, name))
}

/// Starts the site and kills it some time after its log appears.
fn kill_at_first_start(site: &Site, after: Duration) {
    let mut command = site.command();
    command.args(["serve", "--mode", "single-node", "--name", "n1"]);
    command.env("HEADWATER_HTTP__LISTEN", "127.0.0.1:0");
    command.env("HEADWATER_ADMIN__LISTEN", "127.0.0.1:0");
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the site starts");
    let (log, began) = (site.path("data/log.redb"), Instant::now());
    while !log.exists() {
        assert!(began.elapsed() < PATIENCE, "the log does not appear");
        std::thread::sleep(Duration::from_micros(200));
    }
    std::thread::sleep(after);
    child.kill().expect("it is ours to kill");
    child.wait().expect("it was started here");
}

/// Returns the stories after the next start, with their numbers of comments.
async fn stories(site: &Site) -> Vec<(String, String)> {
    let node = site.node(Mode::SingleNode, "n1").start().await;
    node.ready().await;
    let stories = node.visitor().page("/api/stories").await.json();
    let stories = stories.as_array().expect("a list").iter();
    stories.map(|story| (story["slug"].to_string(), story["comments"].to_string())).collect()
}

#[tokio::test]
async fn a_site_killed_during_its_first_start_has_all_first_data_after_the_next() {
    let rounds = std::env::var("HEADWATER_KILLS").map_or(6, |rounds| rounds.parse().unwrap());
    let mut choices = Seed::take("HEADWATER_FIRST_START_SEED").choices(0);
    let expected = stories(&site()).await;
    assert_eq!(expected.len(), 6);
    for round in 0..rounds {
        let after = Duration::from_micros(choices.random_range(0..120_000));
        let site = site();
        kill_at_first_start(&site, after);
        assert_eq!(stories(&site).await, expected, "round {round}: killed after {after:?}");
    }
}
