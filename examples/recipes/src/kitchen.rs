//! The site's data: two tables and their updates.

use std::collections::BTreeSet;

use headwater::prelude::*;

use crate::changes::{Author, NewComment, Update};

/// All recipes with their comments and favourites.
#[derive(Clone, Default, State)]
pub struct Kitchen {
    pub recipes: Table<Recipe>,
    pub comments: Table<Comment>,
}

/// A recipe, with the readers who keep it. Newer recipes have higher numbers; times are in milliseconds since 1970.
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
    /// The path of the file in the docroot.
    pub picture: Option<String>,
    pub created: u64,
    pub favourites: BTreeSet<String>,
}

/// A reader's comment on a recipe.
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
    /// The slug of the recipe, and the picture that it no longer has.
    type Output = (String, Option<String>);
    type Refusal = Violation;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<Self::Output, Violation> {
        let (number, created) = (at.position.0, at.millis());
        match update {
            Update::Publish(draft, picture) => {
                let slug = self.recipes.free_slug(&draft.title, at);
                let empty = Recipe { slug: slug.clone(), number, created, ..Recipe::default() };
                self.recipes.insert(empty)?;
                self.apply(Update::Edit(slug, draft, picture), at)
            }
            Update::Edit(slug, draft, picture) => {
                let old = self.recipes.update(&slug, |recipe| {
                    recipe.tags = slugs(&draft.tags);
                    (recipe.title, recipe.body) = (draft.title, draft.body);
                    recipe.author = draft.by.author;
                    picture.and_then(|new| recipe.picture.replace(new))
                })?;
                Ok((slug, old))
            }
            Update::Delete(slug) => {
                let recipe = self.recipes.remove(&slug)?;
                self.comments.remove_all(Comment::RECIPE, &slug);
                Ok((slug, recipe.picture))
            }
            Update::Comment(slug, NewComment { by: Author { author }, body }) => {
                let recipe = self.recipes.require(&slug)?.slug.clone();
                self.comments.insert(Comment { number, recipe, author, body, written: created })?;
                Ok((slug, None))
            }
            Update::Favourite(slug, Author { author }) => {
                self.recipes.update(&slug, |recipe| recipe.favourites.insert(author))?;
                Ok((slug, None))
            }
        }
    }
}
