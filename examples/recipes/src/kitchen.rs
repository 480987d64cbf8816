//! The site's data: two tables, and what changes them.

use std::collections::BTreeSet;

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::changes::Update;
use crate::form::{Author, NewComment, RecipeForm};

/// All recipes, and what readers have said and done.
#[derive(Clone, Default, State)]
pub struct Kitchen {
    pub recipes: Table<Recipe>,
    pub comments: Table<Comment>,
}

/// A recipe, with the readers who keep it. Newer ones have higher numbers; moments are in milliseconds since 1970.
#[derive(Clone, Default, Serialize, Deserialize, Row)]
#[row(index(by_tag = (each tags, number), by_author = (author, number)))]
pub struct Recipe {
    #[row(key)]
    pub slug: String,
    #[row(index)]
    pub number: u64,
    pub title: String,
    pub body: String,
    pub author: String,
    pub tags: Vec<String>,
    pub created: u64,
    pub favourites: BTreeSet<String>,
}

/// What a reader has said about a recipe.
#[derive(Clone, Serialize, Deserialize, Row)]
pub struct Comment {
    #[row(key)]
    pub number: u64,
    #[row(index)]
    pub recipe: String,
    pub author: String,
    pub body: String,
    pub written: u64,
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
            Update::Publish(form) => {
                let slug = self.recipes.free_slug(&form.title, at);
                let new = Recipe { slug: slug.clone(), number, created: now, ..Recipe::default() };
                self.recipes.insert(new.with(form))?;
                Ok(slug)
            }
            Update::Edit(slug, form) => {
                self.recipes.update(&slug, |recipe| *recipe = recipe.clone().with(form))?;
                Ok(slug)
            }
            Update::Delete(slug) => {
                self.recipes.remove(&slug)?;
                self.comments.remove_all(Comment::RECIPE, &slug);
                Ok(slug)
            }
            Update::Comment(slug, NewComment { by: Author { author }, body }) => {
                let recipe = self.recipes.require(&slug)?.slug.clone();
                self.comments.insert(Comment { number, recipe, author, body, written: now })?;
                Ok(slug)
            }
            Update::Favourite(slug, Author { author }) => {
                self.recipes.update(&slug, |recipe| recipe.favourites.insert(author))?;
                Ok(slug)
            }
        }
    }
}

impl Recipe {
    /// The recipe as its author has written it now.
    fn with(self, form: RecipeForm) -> Recipe {
        let (tags, RecipeForm { title, body, by, .. }) = (form.tags(), form);
        Recipe { title, body, author: by.author, tags, ..self }
    }
}
