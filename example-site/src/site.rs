//! The site's data: its stories and their comments.

use std::sync::Arc;

use headwater::prelude::*;
use imbl::{HashMap, Vector};
use serde::{Deserialize, Serialize};

/// All stories. Copies of it share what they have in common, so it is cheap to clone.
#[derive(Clone, Default)]
pub struct Site {
    /// The stories by slug.
    pub stories: HashMap<String, Arc<Story>>,
    /// The same stories, the newest first.
    pub newest: Vector<Arc<str>>,
}

/// A story as its readers know it.
#[derive(Clone, Serialize)]
pub struct Story {
    /// Names the story in addresses.
    pub slug: String,
    /// One line of plain text.
    pub title: String,
    /// Plain text; blank lines separate paragraphs.
    pub body: String,
    /// Where its picture is in the docroot.
    pub picture: Option<String>,
    /// When it appeared, in milliseconds since 1970.
    pub published: u64,
    /// What readers said, the oldest first.
    pub comments: Vector<Comment>,
}

/// What a reader said about a story.
#[derive(Clone, Serialize)]
pub struct Comment {
    /// The name that the reader gave.
    pub author: String,
    /// Plain text; blank lines separate paragraphs.
    pub body: String,
    /// When it was posted, in milliseconds since 1970.
    pub written: u64,
}

/// A change of the site's data. Updates are kept in the log: add new variants at the end.
#[derive(Serialize, Deserialize)]
pub enum Update {
    /// A new story.
    Publish {
        /// One line of plain text.
        title: String,
        /// Plain text.
        body: String,
        /// Where its picture is in the docroot.
        picture: Option<String>,
    },
    /// A comment on a story.
    Comment {
        /// The story's.
        slug: String,
        /// The name that the reader gave.
        author: String,
        /// Plain text.
        body: String,
    },
}

impl State for Site {
    const NAME: &'static str = "site";
    type Update = Update;
    /// The slug of the story that was published or commented on; `None` if there is no such story.
    type Output = Option<String>;

    fn apply(&mut self, update: Update, at: At) -> Option<String> {
        match update {
            Update::Publish { title, body, picture } => {
                let slug = self.free_slug(&title);
                let published = at.millis();
                let comments = Vector::new();
                let story = Story { slug: slug.clone(), title, body, picture, published, comments };
                self.newest.push_front(slug.as_str().into());
                self.stories.insert(slug.clone(), Arc::new(story));
                Some(slug)
            }
            Update::Comment { slug, author, body } => {
                let story = Arc::make_mut(self.stories.get_mut(&slug)?);
                story.comments.push_back(Comment { author, body, written: at.millis() });
                Some(slug)
            }
        }
    }

    fn invalidates(update: &Update) -> Invalidation {
        match update {
            Update::Publish { .. } => Invalidation::new().group("stories").group("latest"),
            Update::Comment { slug, .. } => Invalidation::new().group(format!("story:{slug}")),
        }
    }
}

impl Site {
    /// The stories from the `start`-th newest on, no more than `count`.
    pub fn newest(&self, start: usize, count: usize) -> impl Iterator<Item = &Story> {
        let end = self.newest.len().min(start.saturating_add(count));
        (start..end)
            .filter_map(|index| self.stories.get(&**self.newest.get(index)?))
            .map(|story| &**story)
    }

    /// The newest story.
    pub fn latest(&self) -> Option<&Story> {
        self.newest(0, 1).next()
    }

    /// A slug for `title` that no story has yet.
    fn free_slug(&self, title: &str) -> String {
        let slug = slug(title);
        if !self.stories.contains_key(&slug) {
            return slug;
        }
        (2..)
            .map(|number| format!("{slug}-{number}"))
            .find(|slug| !self.stories.contains_key(slug))
            .expect("there are more numbers than stories")
    }
}

/// The ASCII letters and digits of `title` in lower case, with a `-` for whatever is between words.
fn slug(title: &str) -> String {
    let title = title.replace(['\'', '’'], "");
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    if slug.is_empty() { "story".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn apply(site: &mut Site, update: Update) -> Option<String> {
        site.apply(update, At { position: Position(1), time: SystemTime::UNIX_EPOCH })
    }

    fn publish(site: &mut Site, title: &str) -> Option<String> {
        let (title, body) = (title.to_owned(), "Text.".to_owned());
        apply(site, Update::Publish { title, body, picture: None })
    }

    fn comment(site: &mut Site, slug: &str) -> Option<String> {
        let (author, body) = ("Ada".to_owned(), "Yes.".to_owned());
        apply(site, Update::Comment { slug: slug.to_owned(), author, body })
    }

    #[test]
    fn a_slug_is_made_of_the_titles_words() {
        assert_eq!(slug("Eels are back, below the Weir!"), "eels-are-back-below-the-weir");
        assert_eq!(slug("Tanner's Lane"), "tanners-lane");
        assert_eq!(slug("  10% more   rain "), "10-more-rain");
        assert_eq!(slug("…"), "story");
    }

    #[test]
    fn stories_with_the_same_title_get_numbered_slugs() {
        let mut site = Site::default();
        let slugs = ["Rain", "rain!", "RAIN"].map(|title| publish(&mut site, title));
        assert_eq!(slugs.map(Option::unwrap), ["rain", "rain-2", "rain-3"]);
    }

    #[test]
    fn the_newest_story_comes_first() {
        let mut site = Site::default();
        for title in ["One", "Two", "Three"] {
            publish(&mut site, title);
        }
        let titles = |start, count| {
            site.newest(start, count).map(|story| story.title.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(titles(0, 2), ["Three", "Two"]);
        assert_eq!(titles(2, 2), ["One"]);
        assert!(titles(9, 2).is_empty());
    }

    #[test]
    fn a_comment_goes_to_its_story() {
        let mut site = Site::default();
        publish(&mut site, "Rain");
        assert_eq!(comment(&mut site, "rain").as_deref(), Some("rain"));
        assert_eq!(site.stories["rain"].comments.len(), 1);
    }

    #[test]
    fn a_comment_on_no_story_changes_nothing() {
        let mut site = Site::default();
        assert_eq!(comment(&mut site, "rain"), None);
        assert!(site.stories.is_empty());
    }

    #[test]
    fn a_copy_does_not_see_later_comments() {
        let mut site = Site::default();
        publish(&mut site, "Rain");
        let before = site.clone();
        comment(&mut site, "rain");
        assert!(before.stories["rain"].comments.is_empty());
    }
}
