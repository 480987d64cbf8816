//! The site's data in maps, whose reads are not recorded, with the groups of each update named by hand.
//!
//! Six groups are missing, among them the tags that a recipe had before an edit, and the author of a deleted recipe.

use headwater::prelude::*;
use imbl::{OrdMap, OrdSet, Vector};

use crate::changes::{Author, Draft, NewComment, Update};

/// All recipes.
#[derive(Clone, Default, State)]
pub struct Kitchen {
    /// The recipes by slug.
    pub recipes: Plain<OrdMap<String, Recipe>>,
    /// Their slugs, the newest first.
    pub newest: Plain<Vector<String>>,
}

/// A published recipe.
#[derive(Clone, Serialize, Deserialize)]
pub struct Recipe {
    /// The recipe's name in addresses.
    pub slug: String,
    /// One line of plain text.
    pub title: String,
    /// Plain text: blank lines separate paragraphs, `- ` begins an ingredient.
    pub body: String,
    /// The name that the author gave.
    pub author: String,
    /// Words in lower case, each once.
    pub tags: Vec<String>,
    /// The path of the file in the docroot.
    pub picture: Option<String>,
    /// When it was published, in milliseconds since 1970.
    pub created: u64,
    /// The readers' comments, the oldest first.
    #[serde(skip)]
    pub comments: Vector<Comment>,
    /// The readers who keep it.
    #[serde(skip)]
    pub favourites: OrdSet<String>,
}

/// A reader's comment on a recipe.
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
    /// The slug of the recipe, and the picture that it no longer has.
    type Output = (String, Option<String>);
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<Self::Output, Violation> {
        at.invalidate(invalidates(&update));
        let created = at.millis();
        match update {
            Update::Publish(draft, picture) => {
                let slug = self.free_slug(&draft.title, at.position);
                let (tags, Draft { title, body, by, .. }) = (slugs(&draft.tags), draft);
                self.newest.push_front(slug.clone());
                let (comments, favourites) = (Vector::new(), OrdSet::new());
                let recipe = Recipe {
                    slug: slug.clone(),
                    title,
                    body,
                    author: by.author,
                    tags,
                    picture,
                    created,
                    comments,
                    favourites,
                };
                self.recipes.insert(slug.clone(), recipe);
                Ok((slug, None))
            }
            Update::Edit(slug, draft, picture) => {
                let (tags, Draft { title, body, by, .. }) = (slugs(&draft.tags), draft);
                let recipe = self.recipe(&slug)?;
                let old = picture.and_then(|new| recipe.picture.replace(new));
                *recipe = Recipe { title, body, author: by.author, tags, ..recipe.clone() };
                Ok((slug, old))
            }
            Update::Delete(slug) => {
                let picture = self.recipe(&slug)?.picture.take();
                self.recipes.remove(&slug);
                self.newest.retain(|other| *other != slug);
                Ok((slug, picture))
            }
            Update::Comment(slug, NewComment { by: Author { author }, body }) => {
                let comment = Comment { author, body, written: created };
                self.recipe(&slug)?.comments.push_back(comment);
                Ok((slug, None))
            }
            Update::Favourite(slug, Author { author }) => {
                self.recipe(&slug)?.favourites.insert(author);
                Ok((slug, None))
            }
        }
    }
}

/// Returns the groups of the pages that an update changes, with six missing.
fn invalidates(update: &Update) -> Invalidation {
    match update {
        Update::Publish(draft, _) => listed(draft),
        Update::Edit(slug, draft, _) => listed(draft).group(format!("recipe:{slug}")),
        Update::Delete(slug) => {
            Invalidation::new().group("recipes").group(format!("recipe:{slug}"))
        }
        Update::Comment(slug, _) | Update::Favourite(slug, _) => {
            Invalidation::new().group(format!("recipe:{slug}"))
        }
    }
}

/// Returns the groups of the lists that contain a recipe. A new one is on the first page of a tag.
fn listed(draft: &Draft) -> Invalidation {
    let author = format!("author:{}", draft.by.author);
    let lists = Invalidation::new().group("recipes").group(author);
    slugs(&draft.tags).iter().fold(lists, |lists, tag| lists.group(format!("tag:{tag}:1")))
}

impl Kitchen {
    /// Returns the slug that a table would choose for a recipe with this title.
    fn free_slug(&self, title: &str, position: Position) -> String {
        let slug = slug(title);
        let taken = [slug.clone(), format!("{slug}-2")];
        let free = taken.into_iter().find(|slug| !self.recipes.contains_key(slug));
        free.unwrap_or_else(|| format!("{slug}-{}", position.0))
    }

    /// Returns the recipe with this slug for a change.
    fn recipe(&mut self, slug: &str) -> Result<&mut Recipe, Violation> {
        let missing = Violation::Missing { row: "Recipe", key: slug.to_owned() };
        self.recipes.get_mut(slug).ok_or(missing)
    }
}

impl KitchenView {
    /// Returns the recipes, the newest first.
    pub fn newest(&self) -> impl Iterator<Item = &Recipe> {
        self.newest.iter().filter_map(|slug| self.recipes.get(slug))
    }
}
