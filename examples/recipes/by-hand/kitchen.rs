//! The site's data in maps, whose reads are not recorded, and the groups that each update invalidates, named by hand.
//!
//! Six are missing, among them the tags that a recipe had before an edit, and the author of a recipe that is
//! deleted.

use headwater::prelude::*;
use imbl::{OrdMap, OrdSet, Vector};
use serde::{Deserialize, Serialize};

use crate::update::{Entry, Update, slug};

/// All recipes.
#[derive(Clone, Default, State)]
pub struct Kitchen {
    /// The recipes by slug.
    pub recipes: Plain<OrdMap<String, Recipe>>,
    /// Their slugs, the newest first.
    pub newest: Plain<Vector<String>>,
}

/// A recipe as its readers know it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Recipe {
    /// Names the recipe in addresses.
    pub slug: String,
    /// One line of plain text.
    pub title: String,
    /// Plain text: blank lines separate paragraphs, `- ` begins an ingredient.
    pub body: String,
    /// The name that the author gave.
    pub author: String,
    /// Words in lower case, each once.
    pub tags: Vec<String>,
    /// When it appeared, in milliseconds since 1970.
    pub created: u64,
    /// What readers said, the oldest first.
    #[serde(skip)]
    pub comments: Vector<Comment>,
    /// The readers who keep it.
    #[serde(skip)]
    pub favourites: OrdSet<String>,
}

/// What a reader said about a recipe.
#[derive(Clone, Serialize, Deserialize)]
pub struct Comment {
    /// The name that the reader gave.
    pub author: String,
    /// Plain text; blank lines separate paragraphs.
    pub body: String,
    /// When it was posted, in milliseconds since 1970.
    pub written: u64,
}

impl Updates for Kitchen {
    const NAME: &'static str = "kitchen";
    type Update = Update;
    /// The slug of the recipe.
    type Output = String;
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<String, Violation> {
        at.invalidate(invalidates(&update));
        let created = at.millis();
        match update {
            Update::Publish(Entry { title, body, author, tags }) => {
                let slug = slug(&title, at.position.0, |slug| self.recipes.contains_key(slug));
                self.newest.push_front(slug.clone());
                let (comments, favourites) = (Vector::new(), OrdSet::new());
                let recipe = Recipe {
                    slug: slug.clone(),
                    title,
                    body,
                    author,
                    tags,
                    created,
                    comments,
                    favourites,
                };
                self.recipes.insert(slug.clone(), recipe);
                Ok(slug)
            }
            Update::Edit { slug, entry: Entry { title, body, author, tags } } => {
                let recipe = self.recipe(&slug)?;
                *recipe = Recipe { title, body, author, tags, ..recipe.clone() };
                Ok(slug)
            }
            Update::Delete { slug } => {
                self.recipe(&slug)?;
                self.recipes.remove(&slug);
                self.newest.retain(|other| *other != slug);
                Ok(slug)
            }
            Update::Comment { slug, author, body } => {
                let comment = Comment { author, body, written: created };
                self.recipe(&slug)?.comments.push_back(comment);
                Ok(slug)
            }
            Update::Favourite { slug, author } => {
                self.recipe(&slug)?.favourites.insert(author);
                Ok(slug)
            }
        }
    }
}

/// The groups of the pages that an update changes, but for six.
fn invalidates(update: &Update) -> Invalidation {
    match update {
        Update::Publish(entry) => listed(entry),
        Update::Edit { slug, entry } => listed(entry).group(format!("recipe:{slug}")),
        Update::Delete { slug } => {
            Invalidation::new().group("recipes").group(format!("recipe:{slug}"))
        }
        Update::Comment { slug, .. } | Update::Favourite { slug, .. } => {
            Invalidation::new().group(format!("recipe:{slug}"))
        }
    }
}

/// The lists that a recipe is in. A new one is on the first page of a tag.
fn listed(Entry { author, tags, .. }: &Entry) -> Invalidation {
    let lists = Invalidation::new().group("recipes").group(format!("author:{author}"));
    tags.iter().fold(lists, |lists, tag| lists.group(format!("tag:{tag}:1")))
}

impl Kitchen {
    /// The recipe with this slug, to be changed.
    fn recipe(&mut self, slug: &str) -> Result<&mut Recipe, Violation> {
        let missing = Violation::Missing { row: "Recipe", key: slug.to_owned() };
        self.recipes.get_mut(slug).ok_or(missing)
    }
}

impl KitchenView {
    /// The recipes, the newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Recipe> {
        self.newest.iter().filter_map(|slug| self.recipes.get(slug))
    }
}
