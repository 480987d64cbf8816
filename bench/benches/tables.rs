//! What reading and changing a table costs, with and without what a cached page needs.

use std::convert::Infallible;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use headwater::prelude::*;
use headwater::request::RequestBuilder;
use headwater::state::States;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// How many rows the table has.
const ROWS: u64 = 100_000;
/// How many rows one page reads.
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

/// The data as a controller has them: on a route that caches, or on one that does not.
fn pages(bencher: Bencher<'_, '_>, is_cached: bool, page: impl Fn(&SiteView, u64) + Sync) {
    let mut states = States::new();
    states.add::<Site>().expect("it is the only state");
    let site = std::sync::Arc::new(headwater::request::Site::in_memory(states));
    let runtime = runtime();
    runtime.block_on(async {
        let mut data = DataMut::<Site>::of(&site).expect("it is there");
        let stories = (0..ROWS).map(story).collect();
        data.update_many(stories).await.expect("nothing can fail");
    });
    let request = || -> RequestBuilder {
        let request = Request::builder().site(site.clone());
        if is_cached { request.cached("story", None, &[]) } else { request }
    };
    let mut begin = 0;
    bencher
        .counter(ItemsCount::new(READS))
        .with_inputs(|| {
            begin = (begin + 7919) % ROWS;
            let mut parts = request().build().expect("it is a request").parts;
            let data = runtime.block_on(Data::<Site>::from_request_parts(&mut parts));
            (begin, data.expect("it is there"))
        })
        .bench_local_refs(|(begin, data)| page(data, *begin));
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
fn newest_unrecorded(bencher: Bencher<'_, '_>) {
    pages(bencher, false, read_newest);
}

#[divan::bench]
fn newest_recorded(bencher: Bencher<'_, '_>) {
    pages(bencher, true, read_newest);
}

/// The whole way of an update in memory: encode, decode, apply, compare, publish.
#[divan::bench(args = [1_000, 100_000])]
fn update(bencher: Bencher<'_, '_>, rows: u64) {
    let runtime = runtime();
    let mut data = DataMut::<Site>::in_memory();
    runtime.block_on(async {
        data.update_many((0..rows).map(story).collect()).await.expect("nothing can fail");
    });
    let mut number = 0;
    bencher
        .with_inputs(|| {
            number = (number + 7919) % rows;
            Story { body: "y".repeat(100), ..story(number) }
        })
        .bench_local_values(|story| {
            let updated = runtime.block_on(data.update(story));
            black_box(updated.is_ok())
        });
}
