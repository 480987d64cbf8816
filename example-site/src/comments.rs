//! Comments: what readers say about a story.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::field::{self, Problems};
use crate::site::{Site, Update};
use crate::stories;

/// What the form of a new comment sends.
#[derive(Serialize, Deserialize)]
pub struct Draft {
    #[serde(default)]
    author: String,
    #[serde(default)]
    body: String,
}

/// Posts a comment. The update itself invalidates the story's page and its card, and so every page
/// with the card; the list for programs shows how many comments there are, and has no cards.
#[controller("comments.create")]
#[invalidate(groups = ["api"], when = accepted)]
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

fn accepted(reply: &Reply) -> bool {
    reply.status().is_redirection()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn post(site: &Data<Site>, slug: &str, author: &str) -> Result<Reply> {
        let draft = Draft { author: author.to_owned(), body: "Yes.".to_owned() };
        create(Path(slug.to_owned()), site.clone(), Form(draft)).await
    }

    #[tokio::test]
    async fn only_an_accepted_comment_makes_the_list_for_programs_wrong() {
        let site = Data::<Site>::in_memory();
        let (title, body) = ("Rain".to_owned(), "All day.".to_owned());
        site.update(Update::Publish { title, body, picture: None }).await.unwrap();

        let refused = post(&site, "rain", "").await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!accepted(&refused));
        assert!(accepted(&post(&site, "rain", "Ada").await.unwrap()));
        assert_eq!(site.snapshot().stories["rain"].comments.len(), 1);
    }

    #[tokio::test]
    async fn a_comment_on_no_story_is_not_found() {
        let error = post(&Data::<Site>::in_memory(), "rain", "Ada").await.unwrap_err();
        assert_eq!(error.status(), StatusCode::NOT_FOUND);
    }
}
