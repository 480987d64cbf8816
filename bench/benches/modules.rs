//! The cost of single steps of a request, each in isolation.
//!
//! The steps are accessible through `headwater::internals`, which exposes private items of the framework.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use divan::{Bencher, black_box};
use headwater::internals::cache::{
    Cache, CacheLimits, EntryContent, Fill, Filled, Freshness, HeaderSpec, HeaderTemplate, Key,
    LogOrigin, Lookup, Page,
};
use headwater::internals::clock;
use headwater::internals::dispatch::{CanonicalPath, Resolution, Table};
use headwater::internals::link::{self, Answer, Call};
use headwater::internals::log::{Epoch, LogEpoch, LogId};
use headwater::internals::pieces::{Fragment, Pieces};
use headwater::internals::request::RequestScope;
use headwater::internals::templates::{
    Engine, EngineOptions, FragmentFill, FragmentKey, FragmentType, Fragments, NoFragments, Values,
};
use headwater::{Invalidation, Position};
use http::Method;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// 100 routes with paths, 30 with patterns.
fn table() -> Table {
    let mut text = String::new();
    for number in 0..100 {
        let path = match number % 3 {
            0 => format!("/section-{number}"),
            1 => format!("/section-{number}/{{slug}}"),
            _ => format!("/section-{number}/{{year}}/{{slug}}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "[[route]]\npath = \"{path}\"\ncontroller = \"c{number}\"");
    }
    for number in 0..30 {
        let pattern = format!("^/archive-{number}/(?<year>[0-9]{{4}})/(?<slug>[a-z0-9-]+)$");
        let _ = writeln!(text, "[[route]]\npattern = '{pattern}'\ncontroller = \"p{number}\"");
    }
    match Table::parse(&text, "dispatch.conf") {
        Ok(table) => table,
        Err(problems) => panic!("{problems}"),
    }
}

#[divan::bench(args = [
    "/section-0",
    "/section-97/the-river-is-high",
    "/section-98/2026/the-river-is-high",
    "/archive-0/2026/the-river-is-high",
    "/archive-29/2026/the-river-is-high",
    "/nowhere/to/be/found",
])]
fn dispatch_130_routes(bencher: Bencher<'_, '_>, path: &str) {
    let table = table();
    bencher.bench_local(|| {
        let Ok(path) = CanonicalPath::new(black_box(path)) else { panic!("{path} is not a path") };
        matches!(table.resolve(&Method::GET, path), Resolution::Route(_))
    });
}

const LOG: LogEpoch = LogEpoch { id: LogId(1), epoch: Epoch(1) };

fn cache() -> Cache {
    let limits =
        CacheLimits { bytes: 1 << 30, persistent_bytes: 1 << 20, groups: 10_000, patterns: 20_000 };
    let cache = Cache::new(limits);
    cache.follow(LOG, Position::START);
    cache.renew(clock::now(), Duration::from_secs(24 * 3600));
    cache
}

/// Stores a page whose `as_of` is the start of the log.
fn fill(cache: &Cache, id: &str, groups: &[String]) {
    let body = Bytes::from_static(&[b'x'; 8192]);
    let filled = cache.fill(Fill {
        key: Key::of_id(id),
        generation: cache.generation(),
        origin: LogOrigin { log: LOG, as_of: Position::START },
        groups,
        freshness: Freshness {
            lifetime: Some(Duration::from_secs(24 * 3600)),
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            persistent: false,
            timed: false,
        },
        contains: Box::default(),
        content: EntryContent::Page(Page::new(
            Arc::new(HeaderTemplate::new(HeaderSpec::default())),
            body.into(),
            SystemTime::now(),
        )),
        now: clock::now(),
    });
    assert!(matches!(filled, Filled::Stored(_)), "{filled:?}");
}

fn is_hit(cache: &Cache, id: &str) -> bool {
    matches!(cache.lookup(&Key::of_id(id), false, clock::now()), Lookup::Hit(_))
}

/// Invalidates by patterns that match no entry.
fn send_patterns(cache: &Cache, count: u64, pattern: impl Fn(u64) -> String) {
    for number in 1..=count {
        let invalidation = Invalidation::new().pattern(pattern(number));
        cache.apply([(Position(number), &invalidation)], Position(number), clock::now());
    }
}

/// Returns a pattern for the address of a page and all addresses below it.
fn address(number: u64) -> String {
    format!("^/stories/{number}(/|$)")
}

/// Returns a pattern of this kind, as used by sites.
fn pattern(kind: &str, number: u64) -> String {
    match kind {
        "address" => address(number),
        "end" => format!("/comments/{number}$"),
        "anywhere" => format!("tag={number}-"),
        "end behind a class" => format!("^/[a-z]+/comments/{number}$"),
        "only classes" => {
            let class = |digit: u8| format!("[a-{}]", char::from(digit - b'0' + b'k'));
            let classes: String = number.to_string().bytes().map(class).collect();
            format!("^/page/{classes}$")
        }
        other => panic!("{other} is not a kind of pattern"),
    }
}

const KINDS: [&str; 5] = ["address", "end", "anywhere", "end behind a class", "only classes"];

/// A lookup of a valid page, by the number of its groups.
#[divan::bench(args = [0, 1, 8, 32])]
fn lookup_with_groups(bencher: Bencher<'_, '_>, groups: usize) {
    let cache = cache();
    let groups: Vec<String> = (0..groups).map(|number| format!("group:{number}")).collect();
    fill(&cache, "/page", &groups);
    bencher.bench_local(|| assert!(is_hit(&cache, black_box("/page"))));
}

/// A lookup of a valid page, by the number of outstanding patterns that it has been tested against already.
#[divan::bench(args = [0, 100, 10_000])]
fn lookup_with_patterns_met(bencher: Bencher<'_, '_>, patterns: u64) {
    let cache = cache();
    fill(&cache, "/page", &[]);
    send_patterns(&cache, patterns, address);
    assert!(is_hit(&cache, "/page"));
    bencher.bench_local(|| assert!(is_hit(&cache, black_box("/page"))));
}

/// Storing a page that was begun before this many patterns arrived: it is tested against all of them.
#[divan::bench(args = [0, 100, 10_000])]
fn fill_with_patterns_to_test(bencher: Bencher<'_, '_>, patterns: u64) {
    let cache = cache();
    send_patterns(&cache, patterns, address);
    bencher.bench_local(|| fill(&cache, "/page", &[]));
}

/// Storing a page with an id of usual length that must be tested against 10,000 patterns, by kind of pattern.
#[divan::bench(args = KINDS, sample_count = 20)]
fn fill_with_10_000_patterns_to_test(bencher: Bencher<'_, '_>, kind: &str) {
    let cache = cache();
    send_patterns(&cache, 10_000, |number| pattern(kind, number));
    let id = "/page/the-river-is-high?page=2";
    bencher.bench_local(|| fill(&cache, id, &[]));
}

/// Invalidating by a pattern with 10,000 outstanding ones, until it may be acknowledged.
#[divan::bench(args = KINDS, sample_count = 1000, sample_size = 1)]
fn invalidate_pattern(bencher: Bencher<'_, '_>, kind: &str) {
    let cache = cache();
    send_patterns(&cache, 10_000, |number| pattern(kind, number));
    let mut position = Position(10_000);
    bencher.bench_local(|| {
        position = Position(position.0 + 1);
        let invalidation = Invalidation::new().pattern(pattern(kind, position.0));
        cache.apply([(position, &invalidation)], position, clock::now());
    });
}

/// Invalidating a group, until it may be acknowledged.
#[divan::bench]
fn invalidate_group(bencher: Bencher<'_, '_>) {
    let cache = cache();
    fill(&cache, "/page", &["group".to_owned()]);
    let invalidation = Invalidation::new().group("group");
    let mut position = Position::START;
    bencher.bench_local(|| {
        position = Position(position.0 + 1);
        cache.apply([(position, &invalidation)], position, clock::now());
    });
}

fn call() -> Call {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    Call {
        controller: "stories.show".to_owned(),
        method: "GET".to_owned(),
        uri: "/stories/the-river-is-high?page=2".to_owned(),
        params: vec![("slug".to_owned(), "the-river-is-high".to_owned())],
        headers: vec![
            header("accept", "text/html,application/xhtml+xml"),
            header("accept-language", "de-CH,de;q=0.9,en;q=0.7"),
            header("cookie", "session=1c4fe2a9b0d84d3b; theme=dark"),
            header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"),
        ],
        scope: RequestScope::Full,
        variant: None,
        lang: None,
        is_encrypted: None,
        log: Some(LOG),
        applied: Position(4711),
        body_limit: None,
        request_id: "f1-000000000001".to_owned(),
        remote: Some([127, 0, 0, 1].into()),
        session: None,
        deadline: 30_000,
        own_url: None,
        has_fragments: false,
        id: None,
        is_again: false,
        rate: None,
    }
}

fn answer() -> Answer {
    Answer {
        status: 200,
        headers: vec![("content-type".to_owned(), b"text/html; charset=utf-8".to_vec())],
        content: link::AnswerContent::Template {
            name: "stories/show.html".to_owned(),
            values: vec![b'x'; 8192],
        },
        groups: vec!["stories".to_owned(), "story:the-river-is-high".to_owned()],
        recorded: Some(Vec::new()),
        widened: None,
        cache: None,
        has_session: false,
        session: None,
        flash: None,
        log: LOG,
        as_of: Position(4711),
    }
}

/// Encodes a message after four bytes for its length, as the link sends it.
fn encode<T: serde::Serialize>(message: &T) -> Vec<u8> {
    match postcard::to_extend(message, vec![0; 4]) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{error}"),
    }
}

#[divan::bench]
fn encode_call(bencher: Bencher<'_, '_>) {
    let call = call();
    bencher.bench_local(|| encode(black_box(&call)));
}

#[divan::bench]
fn decode_call(bencher: Bencher<'_, '_>) {
    let bytes = encode(&call());
    bencher.bench_local(|| postcard::from_bytes::<Call>(black_box(&bytes[4..])).is_ok());
}

#[divan::bench]
fn encode_answer_of_8_kib(bencher: Bencher<'_, '_>) {
    let answer = answer();
    bencher.bench_local(|| encode(black_box(&answer)));
}

#[divan::bench]
fn decode_answer_of_8_kib(bencher: Bencher<'_, '_>) {
    let bytes = encode(&answer());
    bencher.bench_local(|| postcard::from_bytes::<Answer>(black_box(&bytes[4..])).is_ok());
}

const CARD: &str = r#"<article id="{{ card.slug }}"><h2>{{ card.title }}</h2><p>{{ card.lead }}</p>
<p>{{ card.author }}, {{ card.place }}, {{ card.votes }} votes, {{ card.comments }} comments</p></article>"#;

const WITH_FRAGMENTS: &str = "{% for card in cards %}{% cache id=card.slug %}{% include \"card.html\" %}{% endcache %}\n{% endfor %}";

const WITHOUT: &str = "{% for card in cards %}{% include \"card.html\" %}\n{% endfor %}";

/// Fragments in memory.
#[derive(Default)]
struct Kept(RefCell<HashMap<String, Arc<Fragment>>>);

impl Fragments for Kept {
    fn find(&self, key: &FragmentKey, _kind: FragmentType) -> Option<Arc<Fragment>> {
        self.0.borrow().get(&key.id).cloned()
    }

    fn keep(&self, fill: FragmentFill) {
        self.0.borrow_mut().insert(fill.key.id, fill.fragment);
    }
}

/// A page of 100 cards, each a fragment: with all of them cached, with all of them evaluated, and without the tag.
#[divan::bench(args = ["found", "evaluated", "without"])]
fn page_of_100_fragments(bencher: Bencher<'_, '_>, how: &str) {
    let (engine, values) = engine_and_values();
    let template = if how == "without" { "without.html" } else { "with.html" };
    let fragments: Rc<dyn Fragments> =
        if how == "found" { Rc::new(Kept::default()) } else { Rc::new(NoFragments) };
    let render = || -> Pieces {
        match engine.render(template, &values, Rc::clone(&fragments)) {
            Ok(rendered) => rendered.content,
            Err(error) => panic!("{error}"),
        }
    };
    render();
    bencher.bench_local(render);
}

fn engine_and_values() -> (Engine, Values) {
    let written = || -> Result<_, Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        for (name, text) in
            [("card.html", CARD), ("with.html", WITH_FRAGMENTS), ("without.html", WITHOUT)]
        {
            std::fs::write(folder.path().join(name), text)?;
        }
        let engine = Engine::load(folder.path(), &EngineOptions::default());
        let engine = engine.map_err(|problems| problems.to_string())?;
        let cards: Vec<_> = (0..100).map(card).collect();
        Ok((engine, Values::of(&serde_json::json!({ "cards": cards }))?))
    };
    match written() {
        Ok(both) => both,
        Err(error) => panic!("{error}"),
    }
}

fn card(number: usize) -> serde_json::Value {
    serde_json::json!({
        "slug": format!("story-{number}"), "title": "The river & the ferry", "votes": number,
        "lead": "The river is high & the ferry does not run. ".repeat(5), "comments": number,
        "author": "A. Miller", "place": "Upper Ferry",
    })
}
