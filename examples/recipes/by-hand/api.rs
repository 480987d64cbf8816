//! The recipes as JSON.

use headwater::prelude::*;
use serde::Serialize;

use crate::kitchen::{Comment, Kitchen, Recipe};
use crate::recipes;

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
struct Whole<'a> {
    #[serde(flatten)]
    recipe: &'a Recipe,
    comments: Vec<&'a Comment>,
    favourites: Vec<&'a String>,
}

/// The recipes, the newest first, fifty at a time; an empty list is past the end.
#[controller("api.list")]
pub async fn list(page: PageNumber, site: Data<Kitchen>) -> Reply {
    let start = (page.get() - 1).saturating_mul(PER_PAGE);
    let recipes = site.newest().skip(start).take(PER_PAGE).map(summary);
    json(&recipes.collect::<Vec<_>>()).group("recipes")
}

/// One recipe with its comments and the readers who keep it.
#[controller("api.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    let recipe = recipes::find(&site, &slug)?;
    let comments = recipe.comments.iter().collect();
    let favourites = recipe.favourites.iter().collect();
    let whole = json(&Whole { recipe, comments, favourites });
    Ok(whole.group(format!("recipe:{slug}")))
}

fn summary(recipe: &Recipe) -> Summary<'_> {
    Summary {
        slug: &recipe.slug,
        title: &recipe.title,
        author: &recipe.author,
        tags: &recipe.tags,
        created: recipe.created,
        comments: recipe.comments.len(),
    }
}
