//! The site's data: three tables.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::update::{Entry, Update, slug};

/// All recipes, and what readers have said and done.
#[derive(Clone, Default, State)]
pub struct Kitchen {
    /// The recipes.
    pub recipes: Table<Recipe>,
    /// What was said about them.
    pub comments: Table<Comment>,
    /// Which of them readers keep.
    pub favourites: Table<Favourite>,
}

/// A recipe.
#[derive(Clone, Serialize, Deserialize, Row)]
#[row(index(by_tag = (each tags, number), by_author = (author, number)))]
pub struct Recipe {
    /// Names the recipe in addresses.
    #[row(key)]
    pub slug: String,
    /// Newer recipes have higher numbers.
    #[row(index)]
    pub number: u64,
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
}

/// What a reader said about a recipe.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Comment {
    /// Newer comments have higher numbers.
    #[row(key)]
    pub number: u64,
    /// The recipe's slug.
    #[row(index)]
    pub recipe: String,
    /// The name that the reader gave.
    pub author: String,
    /// Plain text; blank lines separate paragraphs.
    pub body: String,
    /// When it was posted, in milliseconds since 1970.
    pub written: u64,
}

/// A reader keeps a recipe.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Favourite {
    /// The recipe's slug.
    #[row(key, index)]
    pub recipe: String,
    /// The name that the reader gave.
    #[row(key)]
    pub reader: String,
}

impl Updates for Kitchen {
    const NAME: &'static str = "kitchen";
    type Update = Update;
    /// The slug of the recipe.
    type Output = String;
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<String, Violation> {
        let (number, now) = (at.position.0, at.millis());
        match update {
            Update::Publish(Entry { title, body, author, tags }) => {
                let slug = slug(&title, at.position.0, |slug| self.recipes.get(slug).is_some());
                let created = now;
                let recipe =
                    Recipe { slug: slug.clone(), number, title, body, author, tags, created };
                self.recipes.insert(recipe)?;
                Ok(slug)
            }
            Update::Edit { slug, entry: Entry { title, body, author, tags } } => {
                self.recipes.update(&slug, |recipe| {
                    *recipe = Recipe { title, body, author, tags, ..recipe.clone() };
                })?;
                Ok(slug)
            }
            Update::Delete { slug } => {
                self.recipes.remove(&slug)?;
                self.comments.remove_all(Comment::RECIPE, &slug);
                self.favourites.remove_all(Favourite::RECIPE, &slug);
                Ok(slug)
            }
            Update::Comment { slug, author, body } => {
                self.recipes.require(&slug)?;
                let recipe = slug.clone();
                self.comments.insert(Comment { number, recipe, author, body, written: now })?;
                Ok(slug)
            }
            Update::Favourite { slug, author } => {
                self.recipes.require(&slug)?;
                self.favourites.upsert(Favourite { recipe: slug.clone(), reader: author })?;
                Ok(slug)
            }
        }
    }
}
