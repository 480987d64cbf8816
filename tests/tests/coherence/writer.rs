use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_tests::{Client, Failed};
use rand::RngExt;
use rand::rngs::StdRng;

use crate::LEASE;
use crate::trial::Trial;

/// The timeout of a writer. After that the outcome of the write is unknown.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest time for a write if the front end and the back end are not disturbed.
const LONGEST: Duration = LEASE.saturating_add(Duration::from_secs(1));

/// Writes random pages until the trial is over.
pub(crate) async fn write(trial: Arc<Trial>, mut choices: StdRng) {
    while !trial.is_over() {
        let frontend = choices.random_range(..trial.frontends());
        let page = trial.pages.to_write(&mut choices);
        write_once(&trial, frontend, page).await;
        tokio::time::sleep(Duration::from_millis(choices.random_range(0..30))).await;
    }
}

async fn write_once(trial: &Trial, frontend: usize, page: usize) {
    let client = Client::new(trial.entrance(frontend)).timeout(PATIENCE);
    let before = trial.calm.before(frontend);
    trial.pages.sent(page);
    let start = Instant::now();
    let outcome = client.post(&format!("/page/{page}"), "").await;
    let took = start.elapsed();
    let failure = match outcome {
        Ok(response) if response.status == 200 => match response.text().parse() {
            Ok(version) if trial.pages.answered(page, version) => None,
            answer => {
                trial.verdict.breach(format_args!("page {page} became {answer:?} twice"));
                return;
            }
        },
        Ok(response) => Some(format!("write: status {}", response.status)),
        Err(Failed::Timeout) => Some("write: timeout".to_owned()),
        Err(error @ Failed::Connection(_)) => Some(format!("write: {error}")),
    };
    let calm = trial.calm.since(before);
    let name = frontend + 1;
    if let Some(failure) = &failure
        && calm
    {
        trial.verdict.breach(format_args!("a failure in peace: f{name}, page {page}: {failure}"));
    }
    if calm && took > LONGEST + trial.metronome.lost_since(start) {
        trial.verdict.breach(format_args!(
            "a write was held too long: f{name}, page {page}: {took:?} since {}",
            trial.verdict.time(start)
        ));
    }
    let mut tally = trial.verdict.tally();
    match failure {
        Some(failure) => *tally.failures.entry(failure).or_default() += 1,
        None => tally.writes += 1,
    }
    if calm {
        tally.longest = tally.longest.max(took);
    }
}
