//! The stories as JSON.

use headwater::prelude::*;
use serde::Serialize;

use crate::site::{Site, Story};
use crate::stories::Page;

/// How many stories one page of the list holds.
const PER_PAGE: usize = 100;

/// A story in the list.
#[derive(Serialize)]
struct Listed<'a> {
    slug: &'a str,
    title: &'a str,
    published: u64,
    comments: usize,
}

/// The stories, the newest first, a hundred at a time; an empty list is past the end.
#[controller("api.list")]
pub async fn list(Query(page): Query<Page>, site: Data<Site>) -> Reply {
    let site = site.snapshot();
    let stories = site.newest(page.start(PER_PAGE), PER_PAGE).map(listed);
    json(&stories.collect::<Vec<_>>())
}

/// One story with its comments.
#[controller("api.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    let story = site.query(|site| site.stories.get(&slug).cloned()).or_not_found()?;
    Ok(json(&story))
}

fn listed(story: &Story) -> Listed<'_> {
    Listed {
        slug: &story.slug,
        title: &story.title,
        published: story.published,
        comments: story.comments.len(),
    }
}
