//! The site's data: its stories and their comments.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::picture::Picture;

/// All data of the site.
#[derive(Clone, Default, State)]
pub struct Site {
    /// The stories by slug.
    pub stories: Table<Story>,
    /// The readers' comments on them.
    pub comments: Table<Comment>,
}

/// A published story.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Story {
    /// The story's name in addresses.
    #[row(key)]
    pub slug: String,
    /// Increases from story to story.
    #[row(index)]
    pub number: u64,
    /// One line of plain text.
    pub title: String,
    /// Plain text; blank lines separate paragraphs.
    pub body: String,
    /// Its picture, if it has one.
    pub picture: Option<Picture>,
    /// When it was published, in milliseconds since 1970.
    pub published: u64,
    /// The number of comments.
    pub comments: usize,
}

/// A reader's comment on a story.
#[derive(Clone, Serialize, Deserialize, Row)]
#[row(index(by_story = (story, number), by_author = (author, number)))]
pub struct Comment {
    /// Increases from comment to comment.
    #[row(key)]
    pub number: u64,
    /// The story's slug.
    pub story: String,
    /// The name that the reader gave.
    pub author: String,
    /// Plain text; blank lines separate paragraphs.
    pub body: String,
    /// When it was posted, in milliseconds since 1970.
    pub written: u64,
}

/// A change of the site's data. Updates are stored in the log, so the names here must not change.
#[derive(Serialize, Deserialize)]
pub enum Update {
    /// A new story.
    Publish {
        /// One line of plain text.
        title: String,
        /// Plain text.
        body: String,
        /// Its picture, if it has one.
        picture: Option<Picture>,
    },
    /// A comment on a story.
    Comment {
        /// The story's slug.
        slug: String,
        /// The name that the reader gave.
        author: String,
        /// Plain text.
        body: String,
    },
}

impl Updates for Site {
    const NAME: &'static str = "site";
    type Update = Update;
    /// The slug of the story that was published or commented on.
    type Output = String;
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<String, Violation> {
        let number = at.position.0;
        match update {
            Update::Publish { title, body, picture } => {
                let slug = self.stories.free_slug(&title, at);
                let (published, comments) = (at.millis(), 0);
                let story =
                    Story { slug: slug.clone(), number, title, body, picture, published, comments };
                self.stories.insert(story)?;
                Ok(slug)
            }
            Update::Comment { slug, author, body } => {
                self.stories.update(&slug, |story| story.comments += 1)?;
                let (story, written) = (slug.clone(), at.millis());
                self.comments.insert(Comment { number, story, author, body, written })?;
                Ok(slug)
            }
        }
    }
}

impl SiteView {
    /// Returns the stories, the newest first.
    pub fn newest(&self) -> Selection<Story> {
        self.stories.ordered(Story::NUMBER).reversed()
    }

    /// Returns the comments on a story, the oldest first.
    pub fn comments_on(&self, story: &Story) -> Rows<Comment> {
        self.comments.of(Comment::BY_STORY, &story.slug).all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn publish(site: &mut DataMut<Site>, title: &str) -> String {
        let (title, body) = (title.to_owned(), "Text.".to_owned());
        site.update(Update::Publish { title, body, picture: None }).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn stories_with_the_same_title_get_numbered_slugs() {
        let mut site = DataMut::in_memory();
        for (title, slug) in [("Rain", "rain"), ("rain!", "rain-2"), ("RAIN", "rain-3")] {
            assert_eq!(publish(&mut site, title).await, slug);
        }
    }

    #[tokio::test]
    async fn the_newest_story_comes_first() {
        let mut site = DataMut::in_memory();
        for title in ["One", "Two", "Three"] {
            publish(&mut site, title).await;
        }
        let titles = |number| {
            let page = site.newest().page(number, 2);
            page.iter().map(|story| story.title.clone()).collect::<Vec<_>>()
        };
        assert_eq!(titles(1), ["Three", "Two"]);
        assert_eq!(titles(2), ["One"]);
        assert!(titles(9).is_empty());
    }

    #[tokio::test]
    async fn a_comment_is_added_to_its_story_and_one_on_no_story_changes_nothing() {
        let mut site = DataMut::in_memory();
        publish(&mut site, "Rain").await;
        let comment = |slug: &str| {
            let (author, body) = ("Ada".to_owned(), "Yes.".to_owned());
            Update::Comment { slug: slug.to_owned(), author, body }
        };
        assert_eq!(site.update(comment("rain")).await.unwrap().unwrap(), "rain");
        let refused = site.update(comment("snow")).await.unwrap();
        assert!(matches!(refused, Err(Violation::Missing { .. })), "{refused:?}");
        let story = site.stories.get("rain").unwrap();
        assert_eq!(
            (story.comments, site.comments_on(&story).len(), site.comments.count()),
            (1, 1, 1)
        );
    }
}
