//! The stories as JSON.

use headwater::prelude::*;
use serde::Serialize;

use crate::moment::Moment;
use crate::site::{Site, Story};
use crate::stories::Page;

/// How many stories one page of the list holds.
const PER_PAGE: usize = 100;

#[derive(Serialize)]
struct Listed {
    slug: String,
    title: String,
    published: String,
    comments: usize,
}

#[derive(Serialize)]
struct Whole {
    slug: String,
    title: String,
    body: String,
    published: String,
    comments: Vec<Comment>,
}

#[derive(Serialize)]
struct Comment {
    author: String,
    body: String,
    written: String,
}

/// The stories, the newest first, a hundred at a time; an empty list is past the end.
#[controller("api.list")]
pub async fn list(Query(query): Query<Page>, site: Data<Site>) -> Reply {
    let start = query.page.unwrap_or(1).saturating_sub(1).saturating_mul(PER_PAGE);
    let stories: Vec<Listed> =
        site.query(|site| site.newest(start, PER_PAGE).map(listed).collect());
    json(&stories)
}

/// One story with its comments.
#[controller("api.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    let story = site.query(|site| site.stories.get(&slug).cloned()).or_not_found()?;
    Ok(json(&whole(&story)))
}

fn listed(story: &Story) -> Listed {
    Listed {
        slug: story.slug.clone(),
        title: story.title.clone(),
        published: Moment::from(story.published).iso,
        comments: story.comments.len(),
    }
}

fn whole(story: &Story) -> Whole {
    Whole {
        slug: story.slug.clone(),
        title: story.title.clone(),
        body: story.body.clone(),
        published: Moment::from(story.published).iso,
        comments: story
            .comments
            .iter()
            .map(|comment| Comment {
                author: comment.author.clone(),
                body: comment.body.clone(),
                written: Moment::from(comment.written).iso,
            })
            .collect(),
    }
}
