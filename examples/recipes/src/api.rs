//! The recipes as JSON.

use headwater::prelude::*;
use serde::Serialize;

use crate::kitchen::{Comment, Favourite, Kitchen, KitchenView, Recipe};

/// How many recipes one page of the list holds.
const PER_PAGE: usize = 50;

/// A recipe in the list.
#[derive(Serialize)]
struct Summary<'a> {
    slug: &'a str,
    title: &'a str,
    author: &'a str,
    tags: &'a [String],
    created: u64,
    comments: usize,
}

/// A recipe with all that belongs to it.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    recipe: Ref<Recipe>,
    comments: Rows<Comment>,
    favourites: Rows<String>,
}

/// The recipes, the newest first, fifty at a time; an empty list is past the end.
#[controller("api.list")]
pub async fn list(page: PageNumber, site: Data<Kitchen>) -> Reply {
    let newest = site.recipes.ordered(Recipe::NUMBER).reversed();
    let recipes = newest.existing_page(page.get(), PER_PAGE);
    let recipes = recipes.iter().flat_map(|page| page.iter());
    let summaries: Vec<_> = recipes.map(|recipe| summary(&site, recipe)).collect();
    json(&summaries)
}

/// One recipe with its comments and the readers who keep it.
#[controller("api.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    let recipe = site.recipes.get(&slug).or_not_found()?;
    let comments = site.comments.of(Comment::RECIPE, &slug).all();
    let favourites = site.favourites.of(Favourite::RECIPE, &slug).all();
    let favourites = favourites.map(|kept| kept.reader.clone());
    Ok(json(&Whole { recipe, comments, favourites }))
}

fn summary<'a>(site: &KitchenView, recipe: &'a Recipe) -> Summary<'a> {
    Summary {
        slug: &recipe.slug,
        title: &recipe.title,
        author: &recipe.author,
        tags: &recipe.tags,
        created: recipe.created,
        comments: site.comments.of(Comment::RECIPE, &recipe.slug).count(),
    }
}
