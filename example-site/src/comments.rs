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

/// Posts a comment.
#[controller("comments.create")]
pub async fn create(
    Path(slug): Path<String>,
    mut site: DataMut<Site>,
    Form(draft): Form<Draft>,
) -> Result<Reply> {
    let story = site.stories.get(&slug).or_not_found()?;
    let mut problems = Problems::new();
    let author = field::AUTHOR.read(&draft.author, &mut problems);
    let body = field::BODY.read(&draft.body, &mut problems);
    if !problems.is_empty() {
        return Ok(stories::page(story, &site)
            .with("draft", draft)
            .with("problems", problems)
            .with_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let slug = site.update(Update::Comment { slug, author, body }).await??;
    Ok(redirect_to(format!("/stories/{slug}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn post(site: &DataMut<Site>, slug: &str, author: &str) -> Result<Reply> {
        let draft = Draft { author: author.to_owned(), body: "Yes.".to_owned() };
        create(Path(slug.to_owned()), site.clone(), Form(draft)).await
    }

    #[tokio::test]
    async fn only_a_comment_with_an_author_is_accepted() {
        let mut site = DataMut::<Site>::in_memory();
        let (title, body) = ("Rain".to_owned(), "All day.".to_owned());
        site.update(Update::Publish { title, body, picture: None }).await.unwrap().unwrap();

        let refused = post(&site, "rain", "").await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(post(&site, "rain", "Ada").await.unwrap().status(), StatusCode::SEE_OTHER);
        assert_eq!(site.data().comments.count(), 1);
    }

    #[tokio::test]
    async fn a_comment_on_no_story_is_not_found() {
        let error = post(&DataMut::<Site>::in_memory(), "rain", "Ada").await.unwrap_err();
        assert_eq!(error.status(), StatusCode::NOT_FOUND);
    }
}
