//! Stories: reading and publishing them.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::comments;
use crate::field::{self, Problems};
use crate::moment::Moment;
use crate::site::{Site, Story, Update};

/// How many stories the front page shows.
const FRONT: usize = 6;
/// How many stories one page of the list shows.
const PER_PAGE: usize = 10;

/// A story in a list.
#[derive(Serialize)]
struct Card {
    slug: String,
    title: String,
    lead: String,
    published: Moment,
    comments: usize,
}

/// A story in full.
#[derive(Serialize)]
struct FullStory {
    slug: String,
    title: String,
    lead: String,
    paragraphs: Vec<String>,
    published: Moment,
}

/// What the form of a new story sends.
#[derive(Serialize, Deserialize)]
pub struct Draft {
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: String,
}

/// Which page of a list is asked for; pages are counted from 1.
#[derive(Deserialize)]
pub struct Page {
    pub page: Option<usize>,
}

/// The front page.
#[controller("stories.index")]
pub async fn index(site: Data<Site>) -> Reply {
    let stories: Vec<Card> = site.query(|site| site.newest(0, FRONT).map(card).collect());
    template("stories/index.html").with("stories", stories)
}

/// All stories, page by page.
#[controller("stories.list")]
pub async fn list(Query(query): Query<Page>, site: Data<Site>) -> Result<Reply> {
    let page = query.page.unwrap_or(1);
    let (stories, pages) = site.query(|site| {
        let start = page.saturating_sub(1).saturating_mul(PER_PAGE);
        let stories: Vec<Card> = site.newest(start, PER_PAGE).map(card).collect();
        (stories, site.newest.len().div_ceil(PER_PAGE).max(1))
    });
    if !(1..=pages).contains(&page) {
        return Err(not_found());
    }
    Ok(template("stories/list.html")
        .with("stories", stories)
        .with("page", page)
        .with("pages", pages))
}

/// One story with its comments.
#[controller("stories.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    let story = site.query(|site| site.stories.get(&slug).cloned()).or_not_found()?;
    Ok(page(&story))
}

/// Publishes a story.
#[controller("stories.create")]
pub async fn create(site: Data<Site>, Form(draft): Form<Draft>) -> Result<Reply> {
    let mut problems = Problems::new();
    let title = field::TITLE.read(&draft.title, &mut problems);
    let body = field::BODY.read(&draft.body, &mut problems);
    if !problems.is_empty() {
        return Ok(template("stories/submit.html")
            .with("draft", draft)
            .with("problems", problems)
            .with_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let slug = site.update(Update::Publish { title, body }).await?.or_not_found()?;
    Ok(redirect_to(format!("/stories/{slug}")))
}

/// The page that shows `story`.
pub fn page(story: &Story) -> Reply {
    template("stories/show.html")
        .with("story", full(story))
        .with("comments", comments::shown(story))
}

/// The paragraphs of a plain text: what blank lines separate.
pub fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

fn card(story: &Story) -> Card {
    Card {
        slug: story.slug.clone(),
        title: story.title.clone(),
        lead: lead(story),
        published: story.published.into(),
        comments: story.comments.len(),
    }
}

fn full(story: &Story) -> FullStory {
    FullStory {
        slug: story.slug.clone(),
        title: story.title.clone(),
        lead: lead(story),
        paragraphs: paragraphs(&story.body).map(str::to_owned).collect(),
        published: story.published.into(),
    }
}

/// The first paragraph, cut after a word if it is long.
fn lead(story: &Story) -> String {
    const LONGEST: usize = 240;
    let paragraph = paragraphs(&story.body).next().unwrap_or_default();
    let Some((end, _)) = paragraph.char_indices().nth(LONGEST) else {
        return paragraph.to_owned();
    };
    let words = paragraph[..end].rsplit_once(char::is_whitespace).map_or("", |(words, _)| words);
    format!("{}…", if words.is_empty() { &paragraph[..end] } else { words })
}
