//! Stories: reading and publishing them.

use std::num::NonZeroUsize;

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::field::{self, Problem, Problems};
use crate::picture::{Picture, Shown};
use crate::site::{Site, SiteView, Story, Update};

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
    picture: Option<Shown>,
    published: u64,
    comments: usize,
}

/// What the form of a new story sends.
#[derive(Serialize, Deserialize)]
pub struct Draft {
    #[serde(default)]
    title: String,
    #[serde(default)]
    body: String,
    #[serde(skip_serializing)]
    picture: Option<FormFile>,
}

/// Which page of a list is asked for; pages are counted from 1.
#[derive(Deserialize, Serialize)]
pub struct Page {
    page: Option<NonZeroUsize>,
}

impl Page {
    /// Which one, counted from 1.
    pub fn number(&self) -> usize {
        self.page.map_or(1, NonZeroUsize::get)
    }
}

impl Draft {
    /// The picture, if there is one. What is wrong with it is noted in `problems`.
    fn picture(&mut self, problems: &mut Problems) -> Option<Picture> {
        let picture = Picture::new(self.picture.take()?.into_content());
        picture.map_err(|label| problems.insert("picture", Problem::new(label))).ok()
    }
}

/// The front page.
#[controller("stories.index")]
pub async fn index(site: Data<Site>) -> Reply {
    template!("stories/index.html").with("stories", site.newest().take(FRONT).map(card))
}

/// All stories, page by page.
#[controller("stories.list")]
pub async fn list(Query(page): Query<Page>, site: Data<Site>) -> Result<Reply> {
    let stories = site.newest().page(page.number(), PER_PAGE);
    if stories.is_empty() && page.number() > 1 {
        return Err(not_found());
    }
    Ok(template!("stories/list.html").with("stories", stories.map(card)))
}

/// One story with its comments.
#[controller("stories.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Site>) -> Result<Reply> {
    let story = site.stories.get(&slug).or_not_found()?;
    Ok(page(story, &site).with("latest", site.newest().first()))
}

/// The page of a story.
pub fn page(story: Ref<Story>, site: &SiteView) -> Reply {
    template!("stories/show.html")
        .with("picture", story.clone().map(picture))
        .with("comments", site.comments_on(&story))
        .with("story", story)
}

/// Publishes a story. Its picture is on every front end before the story can be seen.
#[controller("stories.create")]
pub async fn create(
    mut site: DataMut<Site>,
    cluster: Cluster,
    request: RequestId,
    Form(mut draft): Form<Draft>,
) -> Result<Reply> {
    let mut problems = Problems::new();
    let title = field::TITLE.read(&draft.title, &mut problems);
    let body = field::BODY.read(&draft.body, &mut problems);
    let picture = draft.picture(&mut problems);
    if !problems.is_empty() {
        if picture.is_some() {
            // Browsers do not keep the file that was chosen.
            problems.insert("picture", Problem::new("picture-again"));
        }
        return Ok(template!("stories/submit.html")
            .with("draft", draft)
            .with("problems", problems)
            .with_status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    let picture = match picture {
        Some(picture) => Some(picture.publish(&cluster, request).await?),
        None => None,
    };
    let slug = site.update(Update::Publish { title, body, picture }).await??;
    Ok(redirect_to(format!("/stories/{slug}")))
}

fn card(story: &Story) -> Card {
    Card {
        slug: story.slug.clone(),
        title: story.title.clone(),
        lead: lead(&story.body),
        picture: picture(story),
        published: story.published,
        comments: story.comments,
    }
}

fn picture(story: &Story) -> Option<Shown> {
    story.picture.as_deref().map(Shown::at)
}

/// The first paragraph of a text, cut after a word if it is long.
fn lead(body: &str) -> String {
    const LONGEST: usize = 240;
    let paragraph = body.split("\n\n").next().unwrap_or_default();
    let Some((end, _)) = paragraph.char_indices().nth(LONGEST) else {
        return paragraph.to_owned();
    };
    let words = paragraph[..end].rsplit_once(char::is_whitespace).map_or("", |(words, _)| words);
    format!("{}…", if words.is_empty() { &paragraph[..end] } else { words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: usize) -> Query<Page> {
        Query(Page { page: NonZeroUsize::new(number) })
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let site = DataMut::<Site>::in_memory().data();
        let error = show(Path("rain".to_owned()), site.clone()).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::NOT_FOUND);
        assert_eq!(list(page(1), site.clone()).await.unwrap().status(), StatusCode::OK);
        assert_eq!(list(page(2), site).await.unwrap_err().status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_long_lead_ends_after_a_word() {
        let body = format!("{}\n\nThe end.", "word ".repeat(60).trim());
        let lead = lead(&body);
        assert!(lead.ends_with("word…"), "{lead}");
        assert!(lead.chars().count() <= 241);
        assert_eq!(super::lead("Short.\n\nThe end."), "Short.");
    }
}
