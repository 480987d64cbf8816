//! Comments: what readers say about a story.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::field::{self, Problems};
use crate::moment::Moment;
use crate::site::{Site, Story, Update};
use crate::stories;

/// A comment below its story.
#[derive(Serialize)]
pub struct Shown {
    author: String,
    paragraphs: Vec<String>,
    written: Moment,
}

/// What the form of a new comment sends.
#[derive(Serialize, Deserialize)]
pub struct Draft {
    #[serde(default)]
    author: String,
    #[serde(default)]
    body: String,
}

/// Posts a comment. The update itself invalidates the story's page; the lists of stories show how
/// many comments there are, and so are wrong as well once a comment is accepted.
#[controller("comments.create")]
#[invalidate(groups = ["stories"], when = accepted)]
pub async fn create(
    Path(slug): Path<String>,
    site: Data<Site>,
    Form(draft): Form<Draft>,
) -> Result<Reply> {
    let story = site.query(|site| site.stories.get(&slug).cloned()).or_not_found()?;
    let mut problems = Problems::new();
    let author = field::AUTHOR.read(&draft.author, &mut problems);
    let body = field::BODY.read(&draft.body, &mut problems);
    if !problems.is_empty() {
        return Ok(stories::page(&story)
            .with("draft", draft)
            .with("problems", problems)
            .with_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let slug = site.update(Update::Comment { slug, author, body }).await?.or_not_found()?;
    Ok(redirect_to(format!("/stories/{slug}")))
}

/// The story's comments for its page.
pub fn shown(story: &Story) -> Vec<Shown> {
    story
        .comments
        .iter()
        .map(|comment| Shown {
            author: comment.author.clone(),
            paragraphs: stories::paragraphs(&comment.body).map(str::to_owned).collect(),
            written: comment.written.into(),
        })
        .collect()
}

fn accepted(reply: &Reply) -> bool {
    reply.status().is_redirection()
}
