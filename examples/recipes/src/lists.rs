//! Recipes in lists: all, with a tag, by an author.

use headwater::prelude::*;
use serde::Serialize;

use crate::kitchen::{Comment, Favourite, Kitchen, KitchenView, Recipe};

/// How many recipes one page shows.
const PER_PAGE: usize = 6;

/// A recipe in a list.
#[derive(Serialize)]
struct Card {
    recipe: Ref<Recipe>,
    comments: usize,
    favourites: usize,
}

/// All recipes.
#[controller("lists.all")]
pub async fn all(page: PageNumber, site: Data<Kitchen>) -> Result<Reply> {
    list("all", "", page, &site, site.recipes.ordered(Recipe::NUMBER))
}

/// The recipes with a tag.
#[controller("lists.tag")]
pub async fn tag(Path(tag): Path<String>, page: PageNumber, site: Data<Kitchen>) -> Result<Reply> {
    list("tag", &tag, page, &site, site.recipes.of(Recipe::BY_TAG, &tag))
}

/// The recipes of an author.
#[controller("lists.author")]
pub async fn author(
    Path(name): Path<String>,
    page: PageNumber,
    site: Data<Kitchen>,
) -> Result<Reply> {
    list("author", &name, page, &site, site.recipes.of(Recipe::BY_AUTHOR, &name))
}

/// A page of a list, the newest recipe first. Only the list of all is there without recipes.
fn list(
    kind: &str,
    name: &str,
    page: PageNumber,
    site: &KitchenView,
    recipes: Selection<Recipe>,
) -> Result<Reply> {
    if kind != "all" && recipes.is_empty() {
        return Err(not_found());
    }
    let page =
        Pages::of(&recipes.reversed(), page, PER_PAGE)?.map_with(|recipe| card(site, recipe));
    Ok(template!("list.html").with("kind", kind).with("name", name).with("page", page))
}

fn card(site: &KitchenView, recipe: Ref<Recipe>) -> Card {
    let comments = site.comments.of(Comment::RECIPE, &recipe.slug).count();
    let favourites = site.favourites.of(Favourite::RECIPE, &recipe.slug).count();
    Card { recipe, comments, favourites }
}
