//! The stories as JSON.

use headwater::prelude::*;
use serde::Serialize;

use crate::site::{Comment, Site, Story};

/// The number of stories on one page of the list.
const PER_PAGE: usize = 100;

/// A story in the list.
#[derive(Serialize)]
struct Listed {
    slug: String,
    title: String,
    published: u64,
    comments: usize,
}

/// One story with its comments.
#[derive(Serialize)]
struct FullStory {
    #[serde(flatten)]
    story: Ref<Story>,
    comments: Rows<Comment>,
}

/// The stories, the newest first, a hundred at a time; the list after the last page is empty.
#[controller("api.list")]
pub async fn list(page: PageNumber, site: Data<Site>) -> Reply {
    json(&site.newest().page(page.get(), PER_PAGE).rows.map(listed))
}

/// One story with its comments.
#[controller("api.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    let story = site.stories.get(&slug).or_not_found()?;
    let comments = site.comments_on(&story);
    Ok(json(&FullStory { story, comments }))
}

fn listed(story: &Story) -> Listed {
    Listed {
        slug: story.slug.clone(),
        title: story.title.clone(),
        published: story.published,
        comments: story.comments,
    }
}
