use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use headwater_tests::{Client, Cut, Seed};
use http_body_util::Full;
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::task::JoinSet;

use crate::gallery::{Gallery, picture, served, url};

/// Visitors that request one picture continuously.
struct ContinuousReaders {
    readers: JoinSet<u64>,
    stop: Arc<AtomicBool>,
    /// The last version whose upload was answered.
    answered: Arc<AtomicU64>,
}

impl ContinuousReaders {
    fn start(gallery: &Gallery) -> ContinuousReaders {
        let mut readers = JoinSet::new();
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        for frontend in 0..gallery.frontends.len() {
            let visitor = gallery.visitor(frontend).keep_alive();
            let (stop, answered) = (stop.clone(), answered.clone());
            readers.spawn(async move {
                let mut looks = 0;
                while !stop.load(Ordering::SeqCst) {
                    let least = answered.load(Ordering::SeqCst);
                    let seen = served(&visitor.page(&url("weir.png")).await);
                    assert!(seen >= least, "version {seen} after {least} was answered");
                    looks += 1;
                }
                looks
            });
        }
        ContinuousReaders { readers, stop, answered }
    }

    async fn stop(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        let mut looks = 0;
        while let Some(reader) = self.readers.join_next().await {
            looks += reader.unwrap();
        }
        looks
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_complete_files_and_only_new_ones_after_the_answer() {
    let gallery = Gallery::start(2).await;
    gallery.hang(0, "weir.png", 1, 300_000).await;
    let readers = ContinuousReaders::start(&gallery);
    for version in 2..=15 {
        gallery.hang(version as usize % 2, "weir.png", version, 300_000).await;
        readers.answered.store(version, Ordering::SeqCst);
    }
    let looks = readers.stop().await;
    assert!(looks > 15, "only {looks} looks");
}

/// Requests the page and the files that it refers to, from front ends in any condition. Returns the
/// number of files seen.
async fn watch(visitors: Vec<Client>, mut choices: StdRng, stop: Arc<AtomicBool>) -> u64 {
    let mut seen = 0;
    while !stop.load(Ordering::SeqCst) {
        let page = visitors[choices.random_range(0..visitors.len())].get("/gallery").await;
        let Some(page) = page.ok().filter(|page| page.status == 200) else { continue };
        // A front end most likely lacks the latest files.
        for line in page.text().lines().rev().take(5) {
            let (name, version) = line.split_once(' ').unwrap();
            let visitor = &visitors[choices.random_range(0..visitors.len())];
            let Ok(response) = visitor.get(&url(name)).await else { continue };
            // A front end that is cut off does not know of the file, and answers 503 instead of
            // 404.
            if response.status != 503 {
                assert_eq!(served(&response).to_string(), version);
                seen += 1;
            }
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_a_page_refers_to_are_never_missing_despite_faults() {
    let seed = Seed::take("HEADWATER_DOCROOT_SEED");
    let mut choices = seed.choices(0);
    let mut gallery = Gallery::start(3).await;
    gallery.hang(0, "100.png", 100, 100_000).await;
    let stop = Arc::<AtomicBool>::default();
    let mut watchers = JoinSet::new();
    for task in 1..=4 {
        let visitors = (0..3).map(|frontend| gallery.visitor(frontend)).collect();
        watchers.spawn(watch(visitors, seed.choices(task), stop.clone()));
    }
    let mut hung = 1;
    for number in 101..130 {
        match choices.random_range(0..12) {
            0 => gallery.restart_backend().await,
            1..=2 => gallery.relays[choices.random_range(0..3)].cut(Cut::Reset),
            3..=4 => gallery.relays[choices.random_range(0..3)].cut(Cut::Silence),
            5..=6 => gallery.relays[choices.random_range(0..3)].slow(Some(400_000)),
            7..=9 => gallery.relays.iter().for_each(|relay| {
                relay.heal();
                relay.slow(None);
            }),
            _ => {}
        }
        let frontend = choices.random_range(0..3);
        let (target, body) = (format!("/gallery/{number}.png/{number}"), picture(number, 100_000));
        let request = http::Request::post(target).body(Full::new(body.into())).unwrap();
        let visitor = gallery.visitor(frontend).timeout(Duration::from_secs(2));
        let answer = visitor.send(request).await;
        hung += u64::from(answer.is_ok_and(|answer| answer.status == 200));
    }
    for relay in &gallery.relays {
        relay.heal();
        relay.slow(None);
    }
    gallery.ready().await;
    stop.store(true, Ordering::SeqCst);
    let mut seen = 0;
    while let Some(watcher) = watchers.join_next().await {
        seen += watcher.unwrap();
    }
    println!("{hung} pictures were hung, {seen} seen");
    let page = gallery.visitor(0).page("/gallery").await;
    for line in page.text().lines() {
        let (name, version) = line.split_once(' ').unwrap();
        for frontend in 0..3 {
            let response = gallery.visitor(frontend).page(&url(name)).await;
            assert_eq!(served(&response).to_string(), version);
        }
    }
    assert!(seen > 0, "none was seen: that shows nothing");
}
