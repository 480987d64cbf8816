//! A page of cards that are fragments, with all of them cached, with none, and without the tags:
//! the time of the front end for the page, in this process and without a socket. The page itself is
//! never cached and the values of its cards are in memory, so nearly all of the time is spent on
//! rendering.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use headwater::app::{App, SiteService};
use headwater::extract::Body;
use serde::Serialize;

use crate::Result;
use crate::arguments::Arguments;
use crate::figures::{Spread, Times, micros};
use crate::report::{heading, row};

/// The number of cards on the page.
const CARDS: usize = 100;

/// The number of requests for each page in a round.
const PAGES: usize = 40;

/// The results.
#[derive(Debug, Serialize)]
pub(crate) struct Fragments {
    pub(crate) cards: usize,
    pub(crate) page_bytes: usize,
    /// With all cards cached.
    pub(crate) found: Times,
    /// With none cached; all are evaluated and stored.
    pub(crate) evaluated: Times,
    /// Without fragments.
    pub(crate) without: Times,
    /// The ratio of the time with none cached to that with all cached, over the rounds.
    pub(crate) gain: Spread,
}

const DISPATCH: &str = r#"
[[route]]
path = "/cards/{edition}"
template = "cards.html"
cache = "no_cache"

[[route]]
path = "/without"
template = "without.html"
cache = "no_cache"
"#;

const CARDS_PAGE: &str = r#"<!doctype html>
<title>Cards</title>
{% for card in cards %}{% cache id=["card", edition, card.slug], groups="cards, card:" ~ card.slug %}{% include "card.html" %}{% endcache %}
{% endfor %}"#;

const WITHOUT_PAGE: &str = r#"<!doctype html>
<title>Cards</title>
{% for card in cards %}{% include "card.html" %}
{% endfor %}"#;

/// Twenty variables, two loops, one include.
const CARD: &str = r#"<article id="{{ card.slug }}" lang="{{ card.language }}" class="{{ card.kind }}">
<h2><a href="/stories/{{ card.slug }}">{{ card.title }}</a></h2>
<p class="lead">{{ card.lead }}</p>
<p>{{ card.body }}</p>
<dl><dt>Place</dt><dd>{{ card.place }}</dd><dt>Paper</dt><dd>{{ card.paper }}, page {{ card.page }}</dd>
<dt>Section</dt><dd>{{ card.section }}</dd><dt>Read</dt><dd>{{ card.reads }} times, {{ card.minutes }} minutes</dd></dl>
<ul>{% for tag in card.tags %}<li><a href="/tags/{{ tag }}">{{ tag }}</a></li>{% endfor %}</ul>
<ol>{% for comment in card.comments %}<li>{{ comment.name }}: {{ comment.text }}</li>{% endfor %}</ol>
{% include "byline.html" %}
<footer>{{ card.license }} {{ card.source }} {{ card.updated | date(format="%e %B %Y") }}</footer>
</article>"#;

const BYLINE: &str = r#"<p class="by"><img src="{{ card.picture }}" alt="{{ card.caption }}">
by {{ card.author }} ({{ card.email }}), {{ card.published | date(format="%e %B %Y") }}</p>"#;

#[derive(Serialize)]
struct Comment {
    name: String,
    text: String,
}

/// Returns the values of a card.
fn card(number: usize) -> serde_json::Value {
    let words = |count: usize| "The river is high & the ferry does not run. ".repeat(count);
    let comment =
        |n: usize| Comment { name: format!("Reader {n}"), text: format!("{n}: {}", words(1)) };
    serde_json::json!({
        "slug": format!("story-{number}"), "language": "en", "kind": "story", "title": words(1),
        "lead": words(2), "body": words(12), "place": "Upper Ferry", "paper": "The Headwater",
        "page": number, "section": "Local", "reads": number * 17, "minutes": 4,
        "tags": ["river", "ferry", "rain", "people", "roads", "news"],
        "comments": (1..=8).map(comment).collect::<Vec<_>>(), "license": "CC BY 4.0",
        "source": "own report", "updated": "2009-11-03T18:30:00Z", "picture": "/assets/ferry.jpg",
        "caption": "The ferry <in the rain>", "author": "A. Miller", "email": "a@example.org",
        "published": "2009-11-03T18:30:00Z",
    })
}

/// Measures each kind of page in turn in each round.
pub(crate) fn run(arguments: &Arguments) -> Result<Fragments> {
    let folder = tempfile::tempdir()?;
    write_files(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let cards = (0..CARDS).map(card).collect::<Vec<_>>();
    let app = App::new().templates(move |tera| tera.global_context().insert("cards", &cards));
    runtime.block_on(async {
        let opened = app.into_service(folder.path()).await;
        let site = opened.map_err(|problems| problems.to_string())?;
        let figures = measure(&site, arguments.rounds()).await;
        site.stop().await;
        figures
    })
}

fn write_files(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir(folder.join("templates"))?;
    std::fs::write(folder.join("dispatch.conf"), DISPATCH)?;
    for (name, text) in [
        ("cards.html", CARDS_PAGE),
        ("without.html", WITHOUT_PAGE),
        ("card.html", CARD),
        ("byline.html", BYLINE),
    ] {
        std::fs::write(folder.join("templates").join(name), text)?;
    }
    Ok(())
}

async fn measure(site: &SiteService, rounds: u32) -> Result<Fragments> {
    let (known, _) = page(site, "/cards/known").await?;
    let (other, _) = page(site, "/without").await?;
    if known != other {
        return Err("the page with fragments differs from the page without them".into());
    }
    let (mut found, mut evaluated, mut without) = (Vec::new(), Vec::new(), Vec::new());
    let mut gains = Vec::new();
    let mut edition = 0;
    for _ in 0..rounds {
        let round = found.len();
        for _ in 0..PAGES {
            edition += 1;
            evaluated.push(page(site, &format!("/cards/{edition}")).await?.1);
            // Checks that the evaluated fragments have not evicted the others.
            found.push(page(site, "/cards/known").await?.1);
            without.push(page(site, "/without").await?.1);
        }
        let sum = |times: &[Duration]| micros(times[round..].iter().sum());
        gains.push(sum(&evaluated) / sum(&found));
    }
    let of = |times| Times::of(times).ok_or("nothing was measured");
    Ok(Fragments {
        cards: CARDS,
        page_bytes: known.len(),
        found: of(found)?,
        evaluated: of(evaluated)?,
        without: of(without)?,
        gain: Spread::of(gains).ok_or("nothing was measured")?,
    })
}

/// Requests a page and returns it with its duration.
async fn page(site: &SiteService, path: &str) -> Result<(bytes::Bytes, Duration)> {
    let request = http::Request::get(path).body(Body::empty())?;
    let begun = Instant::now();
    let response = site.answer(request).await;
    let status = response.status();
    let body = response.into_body().collect(16 << 20).await?;
    let took = begun.elapsed();
    match status.is_success() {
        true => Ok((body, took)),
        false => Err(format!("{path}: {status}").into()),
    }
}

impl fmt::Display for Fragments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fragments { cards, page_bytes, found, evaluated, without, gain } = self;
        let title = format!("a page of {cards} cards, {page_bytes} bytes, in process");
        heading(f, &title, &["p50 ms", "p99 ms", "p99.9 ms"])?;
        row(f, "all cards cached", &found.millis())?;
        row(f, "none cached: evaluated and stored", &evaluated.millis())?;
        row(f, "without {% cache %}", &without.millis())?;
        writeln!(f, "none cached / all cached, round by round:  {gain}")
    }
}
