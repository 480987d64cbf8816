//! The site's data in maps, whose reads are not recorded, and the groups that each update invalidates, named by hand.
//!
//! Six are missing, among them the tags that a recipe had before an edit, and the author of a recipe that is
//! deleted.

use headwater::prelude::*;
use imbl::{OrdMap, OrdSet, Vector};
use serde::{Deserialize, Serialize};

use crate::changes::Update;
use crate::form::{Author, NewComment, RecipeForm};

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
            Update::Publish(form) => {
                let slug = self.free_slug(&form.title, at.position);
                let (tags, RecipeForm { title, body, by, .. }) = (form.tags(), form);
                self.newest.push_front(slug.clone());
                let (comments, favourites) = (Vector::new(), OrdSet::new());
                let recipe = Recipe {
                    slug: slug.clone(),
                    title,
                    body,
                    author: by.author,
                    tags,
                    created,
                    comments,
                    favourites,
                };
                self.recipes.insert(slug.clone(), recipe);
                Ok(slug)
            }
            Update::Edit(slug, form) => {
                let (tags, RecipeForm { title, body, by, .. }) = (form.tags(), form);
                let recipe = self.recipe(&slug)?;
                *recipe = Recipe { title, body, author: by.author, tags, ..recipe.clone() };
                Ok(slug)
            }
            Update::Delete(slug) => {
                self.recipe(&slug)?;
                self.recipes.remove(&slug);
                self.newest.retain(|other| *other != slug);
                Ok(slug)
            }
            Update::Comment(slug, NewComment { by: Author { author }, body }) => {
                let comment = Comment { author, body, written: created };
                self.recipe(&slug)?.comments.push_back(comment);
                Ok(slug)
            }
            Update::Favourite(slug, Author { author }) => {
                self.recipe(&slug)?.favourites.insert(author);
                Ok(slug)
            }
        }
    }
}

/// The groups of the pages that an update changes, but for six.
fn invalidates(update: &Update) -> Invalidation {
    match update {
        Update::Publish(form) => listed(form),
        Update::Edit(slug, form) => listed(form).group(format!("recipe:{slug}")),
        Update::Delete(slug) => {
            Invalidation::new().group("recipes").group(format!("recipe:{slug}"))
        }
        Update::Comment(slug, _) | Update::Favourite(slug, _) => {
            Invalidation::new().group(format!("recipe:{slug}"))
        }
    }
}

/// The lists that a recipe is in. A new one is on the first page of a tag.
fn listed(form: &RecipeForm) -> Invalidation {
    let author = format!("author:{}", form.by.author);
    let lists = Invalidation::new().group("recipes").group(author);
    form.tags().iter().fold(lists, |lists, tag| lists.group(format!("tag:{tag}:1")))
}

impl Kitchen {
    /// A slug for a recipe with this title, as a table would find it.
    fn free_slug(&self, title: &str, position: Position) -> String {
        let slug = slug(title);
        let taken = [slug.clone(), format!("{slug}-2")];
        let free = taken.into_iter().find(|slug| !self.recipes.contains_key(slug));
        free.unwrap_or_else(|| format!("{slug}-{}", position.0))
    }

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
