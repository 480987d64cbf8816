//! Comments of readers on a story.

use headwater::prelude::*;

use crate::site::{Site, Update};
use crate::stories;

/// The form of a new comment.
#[derive(Form)]
#[form(id = "comment")]
pub struct NewComment {
    #[form(required, maxlength = 60, label = "your-name", autocomplete = "nickname")]
    author: String,
    #[form(
        required,
        type = "textarea",
        maxlength = 20_000,
        label = "your-comment",
        hint = "text-hint",
        rows = 5
    )]
    body: String,
}

/// Posts a comment.
#[controller("comments.create")]
pub async fn create(
    Path(slug): Path<String>,
    mut site: DataMut<Site>,
    form: Submitted<NewComment>,
) -> Result<Reply> {
    let page = |form| stories::page(&site, &slug).map(|page| page.with("comment", form));
    let NewComment { author, body } = form.valid(page)?;
    let slug = site.update(Update::Comment { slug, author, body }).await??;
    Ok(redirect_to(format!("/stories/{slug}#comments")).flash("notice", "comment-posted", ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn post(site: &DataMut<Site>, slug: &str, author: &str) -> Result<Reply> {
        let form = Submitted::of(&[("author", author), ("body", "Yes.")]);
        create(Path(slug.to_owned()), site.clone(), form).await
    }

    #[tokio::test]
    async fn only_a_comment_with_an_author_is_accepted() {
        let mut site = DataMut::<Site>::in_memory();
        let (title, body) = ("Rain".to_owned(), "All day.".to_owned());
        site.update(Update::Publish { title, body, picture: None }).await.unwrap().unwrap();

        let refused = post(&site, "rain", "").await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(post(&site, "rain", "Ada").await.unwrap().status(), StatusCode::SEE_OTHER);
        assert_eq!(site.data().comments.count(), 1);
    }

    #[tokio::test]
    async fn a_comment_on_no_story_is_not_found() {
        for author in ["", "Ada"] {
            let error = post(&DataMut::<Site>::in_memory(), "rain", author).await.unwrap_err();
            assert_eq!(error.status(), StatusCode::NOT_FOUND);
        }
    }
}
