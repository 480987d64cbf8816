//! The stories as JSON.

use headwater::prelude::*;
use serde::Serialize;

use crate::site::{Comment, Site, Story};
use crate::stories::Page;

/// How many stories one page of the list holds.
const PER_PAGE: usize = 100;

/// A story in the list.
#[derive(Serialize)]
struct Listed {
    slug: String,
    title: String,
    published: u64,
    comments: usize,
}

/// One story.
#[derive(Serialize)]
struct Shown<'a> {
    slug: &'a str,
    title: &'a str,
    body: &'a str,
    picture: Option<&'a str>,
    published: u64,
    comments: Rows<Comment>,
}

/// The stories, the newest first, a hundred at a time; an empty list is past the end.
#[controller("api.list")]
pub async fn list(Query(page): Query<Page>, site: Data<Site>) -> Reply {
    json(&site.newest().page(page.number(), PER_PAGE).rows.map(listed))
}

/// One story with its comments.
#[controller("api.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    let story = site.stories.get(&slug).or_not_found()?;
    let Story { slug, title, body, picture, published, .. } = &*story;
    let comments = site.comments_on(&story);
    let picture = picture.as_deref();
    Ok(json(&Shown { slug, title, body, picture, published: *published, comments }))
}

fn listed(story: &Story) -> Listed {
    Listed {
        slug: story.slug.clone(),
        title: story.title.clone(),
        published: story.published,
        comments: story.comments,
    }
}
