//! Stories: reading and publishing them.

use headwater::prelude::*;

use crate::comments::NewComment;
use crate::picture::Picture;
use crate::site::{Site, SiteView, Update};

/// The number of stories on the front page.
const FRONT: usize = 6;
/// The number of stories on one page of the list.
const PER_PAGE: usize = 10;

/// The form of a new story.
#[derive(Form)]
pub struct NewStory {
    #[form(required, maxlength = 120, label = "story-title", autocomplete = "off")]
    title: String,
    #[form(
        required,
        type = "textarea",
        maxlength = 20_000,
        label = "story-body",
        hint = "lead-hint",
        rows = 14
    )]
    body: String,
    #[form(
        accept = "image/png, image/jpeg, image/webp, image/gif",
        max_size = 4_000_000,
        label = "picture",
        hint = "picture-hint"
    )]
    picture: Option<FormFile>,
}

impl NewStory {
    /// Returns the uploaded picture, if the file is one.
    fn picture(&self) -> Option<Picture> {
        self.picture.as_ref().and_then(|file| Picture::of(file.content()))
    }

    fn check(&self, errors: &mut Errors) {
        if self.picture.is_some() && self.picture().is_none() {
            errors.add("picture", "picture-strange");
        }
    }
}

/// The front page.
#[controller("stories.index")]
pub async fn index(site: Data<Site>) -> Reply {
    template!("stories/index.html").with("stories", site.newest().take(FRONT))
}

/// All stories, page by page.
#[controller("stories.list")]
pub async fn list(page: PageNumber, site: Data<Site>) -> Result<Reply> {
    let stories = Pages::of(&site.newest(), page, PER_PAGE)?;
    Ok(template!("stories/list.html").with("stories", stories))
}

/// One story with its comments.
#[controller("stories.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    Ok(page(&site, &slug)?.with("latest", site.newest().first()))
}

/// Renders the page of a story.
pub fn page(site: &SiteView, slug: &str) -> Result<Reply> {
    let story = site.stories.get(slug).or_not_found()?;
    Ok(template!("stories/show.html")
        .with("comments", site.comments_on(&story))
        .with("story", story)
        .with("comment", NewComment::empty_form()))
}

/// The page with the form.
#[controller("stories.new")]
pub async fn new() -> Reply {
    template!("stories/submit.html").with("form", NewStory::empty_form())
}

/// Publishes a story. Its picture is on every front end before the story is visible.
#[controller("stories.create")]
pub async fn create(
    mut site: DataMut<Site>,
    cluster: Cluster,
    request: RequestId,
    form: Submitted<NewStory>,
) -> Result<Reply> {
    let story = form.valid(|form| template!("stories/submit.html").with("form", form))?;
    let picture = story.picture();
    let NewStory { title, body, picture: file } = story;
    if let (Some(picture), Some(file)) = (&picture, file) {
        picture.publish(file.content(), &cluster, request).await?;
    }
    let slug = site.update(Update::Publish { title, body, picture }).await??;
    Ok(redirect_to(format!("/stories/{slug}")).flash("notice", "story-published", ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_story_is_not_found() {
        let site = DataMut::<Site>::in_memory().data();
        let error = show(Path("rain".to_owned()), site).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::NOT_FOUND);
    }
}
