//! The cost of reading and changing a table, with and without the recording for cached pages.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use headwater::internals::cache::{
    Cache, CacheLimits, EntryContent, Fill, Filled, Freshness, HeaderSpec, HeaderTemplate, Key,
    LogOrigin, Lookup, Miss, Page,
};
use headwater::internals::clock;
use headwater::internals::log::{Epoch, LogEpoch, LogId};
use headwater::internals::request::recorded_groups;
use headwater::prelude::*;
use headwater::state::States;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// The number of rows of most tables.
const ROWS: u64 = 100_000;
/// The number of rows that one page reads.
const READS: u64 = 100;

#[derive(Clone, Serialize, Deserialize, Row)]
#[row(index(by_author = (author, number)), index(by_tag = (each tags, number)))]
struct Story {
    #[row(key)]
    slug: String,
    #[row(index)]
    number: u64,
    author: String,
    tags: Vec<String>,
    body: String,
}

#[derive(Clone, Default, State)]
struct Site {
    stories: Table<Story>,
}

impl Updates for Site {
    type Update = Story;
    type Output = ();
    type Refusal = Infallible;

    fn apply(&mut self, story: Story, _: &mut At) -> Result<(), Infallible> {
        let _ = self.stories.upsert(story);
        Ok(())
    }
}

fn slug(number: u64) -> String {
    format!("story-{number}")
}

fn story(number: u64) -> Story {
    let author = format!("author-{}", number % 1000);
    let tags = vec![format!("tag-{}", number % 50), format!("tag-{}", number % 7)];
    Story { slug: slug(number), number, author, tags, body: "x".repeat(100) }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be built")
}

/// Returns a site with [`ROWS`] stories.
fn site() -> Arc<headwater::request::SiteAccess> {
    let mut states = States::new();
    states.add::<Site>().expect("it is the only state");
    let site = Arc::new(headwater::request::SiteAccess::in_memory(states));
    runtime().block_on(async {
        let mut data = DataMut::<Site>::of(&site).expect("it is there");
        let stories = (0..ROWS).map(story).collect();
        data.update_many(stories).await.expect("nothing can fail");
    });
    site
}

/// Returns the data as in a controller, and the function that ends the recording: on a cached route, or on an uncached
/// one.
fn data(
    site: &Arc<headwater::request::SiteAccess>,
    is_cached: bool,
    runtime: &tokio::runtime::Runtime,
) -> (Data<Site>, impl Fn() -> Vec<String> + use<>) {
    let request = Request::builder().site(Arc::clone(site));
    let request = if is_cached { request.cached("story", None, &[]) } else { request };
    let mut parts = request.build().expect("it is a request").parts;
    let data = runtime.block_on(Data::<Site>::from_request_parts(&mut parts));
    (data.expect("it is there"), recorded_groups(&parts))
}

fn pages(bencher: Bencher<'_, '_>, is_cached: bool, page: impl Fn(&SiteView, u64) + Sync) {
    let (site, runtime) = (site(), runtime());
    let mut begin = 0;
    bencher
        .counter(ItemsCount::new(READS))
        .with_inputs(|| {
            begin = (begin + 7919) % ROWS;
            (begin, data(&site, is_cached, &runtime))
        })
        .bench_local_refs(|(begin, (data, _))| page(data, *begin));
}

/// Measures pages with the end of the recording, in which the names of the groups are made.
fn closed_pages(bencher: Bencher<'_, '_>, page: impl Fn(&SiteView, u64) + Sync) {
    let (site, runtime) = (site(), runtime());
    let mut begin = 0;
    bencher
        .counter(ItemsCount::new(READS))
        .with_inputs(|| {
            begin = (begin + 7919) % ROWS;
            (begin, data(&site, true, &runtime))
        })
        .bench_local_refs(|(begin, (data, close))| {
            page(data, *begin);
            close()
        });
}

fn read_rows(site: &SiteView, begin: u64) {
    for number in 0..READS {
        black_box(site.stories.get(slug((begin + number * 611) % ROWS)));
    }
}

fn read_newest(site: &SiteView, _: u64) {
    for number in 0..READS / 10 {
        black_box(site.stories.of(Story::BY_AUTHOR, format!("author-{number}")).newest(10));
    }
}

#[divan::bench]
fn rows_unrecorded(bencher: Bencher<'_, '_>) {
    pages(bencher, false, read_rows);
}

#[divan::bench]
fn rows_recorded(bencher: Bencher<'_, '_>) {
    pages(bencher, true, read_rows);
}

#[divan::bench]
fn rows_recorded_and_named(bencher: Bencher<'_, '_>) {
    closed_pages(bencher, read_rows);
}

/// Pages of 100 rows, each with its data, its recording and the names of its groups, on two threads concurrently.
#[divan::bench(sample_count = 20)]
fn rows_recorded_on_two_cores(bencher: Bencher<'_, '_>) {
    const PAGES: u64 = 1_000;
    let site = site();
    let slugs: Vec<String> = (0..ROWS).map(slug).collect();
    let page = |runtime: &tokio::runtime::Runtime, number: u64| {
        let (data, close) = data(&site, true, runtime);
        for read in 0..READS {
            let slug = (number * 7919 + read * 611) % ROWS;
            black_box(data.stories.get(&slugs[slug as usize]));
        }
        black_box(close());
    };
    bencher.counter(ItemsCount::new(2 * PAGES * READS)).bench_local(|| {
        std::thread::scope(|scope| {
            for half in 0..2 {
                let page = &page;
                scope.spawn(move || {
                    let runtime = runtime();
                    (0..PAGES).for_each(|number| page(&runtime, 2 * number + half));
                });
            }
        });
    });
}

#[divan::bench]
fn newest_recorded_and_named(bencher: Bencher<'_, '_>) {
    closed_pages(bencher, read_newest);
}

#[divan::bench]
fn newest_unrecorded(bencher: Bencher<'_, '_>) {
    pages(bencher, false, read_newest);
}

#[divan::bench]
fn newest_recorded(bencher: Bencher<'_, '_>) {
    pages(bencher, true, read_newest);
}

/// All steps of an update in memory: encode, decode, apply, compare, publish. Successive rows at a distance are in
/// different memory each time, neighbours in the same.
#[divan::bench(args = [(1_000, 7_919), (100_000, 7_919), (1_000_000, 7_919), (1_000_000, 1)])]
fn update(bencher: Bencher<'_, '_>, (rows, distance): (u64, u64)) {
    let runtime = runtime();
    let mut data = DataMut::<Site>::in_memory();
    runtime.block_on(async {
        data.update_many((0..rows).map(story).collect()).await.expect("nothing can fail");
    });
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number = (number + distance) % rows;
            Story { body: "y".repeat(100), ..story(number) }
        })
        .bench_local_values(|story| {
            let updated = runtime.block_on(data.update(story));
            black_box(updated.is_ok())
        });
}

/// The part of an update that the map takes: a snapshot is taken, and the row of one key is replaced. Successive keys
/// at a distance are in different nodes each time, neighbours in the same ones.
#[divan::bench(args = [(1_000, 7_919), (100_000, 7_919), (1_000_000, 7_919), (1_000_000, 1)])]
fn map_alone(bencher: Bencher<'_, '_>, (rows, distance): (u64, u64)) {
    let key = |number: u64| -> [u8; 24] {
        let mut key = [0; 24];
        let slug = slug(number);
        key[..slug.len()].copy_from_slice(slug.as_bytes());
        key
    };
    let row = |number: u64| (key(number), Arc::new(story(number)));
    let mut map: OrdMap<[u8; 24], Arc<Story>> = (0..rows).map(row).collect();
    let mut snapshot = map.clone();
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number = (number + distance) % rows;
            row(number)
        })
        .bench_local_values(|(key, row)| {
            black_box(map.insert(key, row));
            snapshot = map.clone();
        });
    assert_eq!(snapshot.len() as u64, rows);
}

/// The cost of one record of an update on a front end with this many cached stories, each in the groups of its reads:
/// the update changes the text or the author of a story. The time to read the record from the feed is not included.
#[divan::bench(args = [1_000, 100_000])]
fn record_on_a_front_end(bencher: Bencher<'_, '_>, pages: u64) {
    let cache = cache(pages);
    let (mut number, mut position) = (0, 0);
    bencher
        .with_inputs(|| {
            number = (number + 7919) % pages;
            position += 1;
            (Position(position), changed(&story(number)))
        })
        .bench_local_values(|(position, invalidation)| {
            cache.apply([(position, &invalidation)], position, clock::now());
        });
    let first = cache.lookup(&Key::of_id(slug(7919 % pages)), false, clock::now());
    assert!(matches!(first, Lookup::Miss(Miss::Invalidated)), "{first:?}");
}

/// Returns the groups of an update of this story's text.
fn changed(story: &Story) -> Invalidation {
    let Story { slug, number, author, tags, .. } = story;
    let values = [
        format!("number={number}"),
        format!("by_author={author}"),
        format!("by_tag={}", tags[0]),
        format!("by_tag={}", tags[1]),
    ];
    let values = values.into_iter().map(|value| format!("stories@{value}*"));
    [format!("stories/{slug}"), "stories*".to_owned()]
        .into_iter()
        .chain(values)
        .fold(Invalidation::new(), Invalidation::group)
}

/// Returns a cache of stories, each in the lists of its author and of its first tag.
fn cache(pages: u64) -> Cache {
    let log = LogEpoch { id: LogId(1), epoch: Epoch(1) };
    let limits = CacheLimits {
        bytes: 8 << 30,
        persistent_bytes: 1 << 20,
        groups: 1_000_000,
        patterns: 1_000,
    };
    let cache = Cache::new(limits);
    cache.follow(log, Position::START);
    cache.renew(clock::now(), Duration::from_secs(24 * 3600));
    let head = Arc::new(HeaderTemplate::new(HeaderSpec::default()));
    for number in 0..pages {
        let Story { slug, author, tags, .. } = story(number);
        let groups = [
            format!("stories/{slug}"),
            format!("stories@by_author={author}"),
            format!("stories@by_tag={}", tags[0]),
        ];
        let body = bytes::Bytes::from_static(b"a page");
        let filled = cache.fill(Fill {
            key: Key::of_id(slug),
            generation: cache.generation(),
            origin: LogOrigin { log, as_of: Position::START },
            groups: &groups,
            freshness: Freshness {
                lifetime: Some(Duration::from_secs(24 * 3600)),
                stale_while_revalidate: Duration::ZERO,
                stale_if_error: Duration::ZERO,
                persistent: false,
                timed: false,
            },
            contains: Box::default(),
            content: EntryContent::Page(Page::new(
                Arc::clone(&head),
                body.into(),
                SystemTime::now(),
            )),
            now: clock::now(),
        });
        assert!(matches!(filled, Filled::Stored(_)), "{filled:?}");
    }
    cache
}
