//! Recipes in lists: all, with a tag, by an author.

use headwater::prelude::*;
use serde::Serialize;

use crate::kitchen::{Comment, Favourite, Kitchen, KitchenView, Recipe};
use crate::paging::{Listed, PER_PAGE, PageNumber};

/// A recipe in a list.
#[derive(Serialize)]
struct Card {
    recipe: Ref<Recipe>,
    comments: usize,
    favourites: usize,
}

/// All recipes.
#[controller("lists.all")]
pub async fn all(Query(page): Query<PageNumber>, site: Data<Kitchen>) -> Result<Reply> {
    list("all", "", &page, &site, site.recipes.ordered(Recipe::NUMBER))
}

/// The recipes with a tag.
#[controller("lists.tag")]
pub async fn tag(
    Path(tag): Path<String>,
    Query(page): Query<PageNumber>,
    site: Data<Kitchen>,
) -> Result<Reply> {
    list("tag", &tag, &page, &site, site.recipes.of(Recipe::BY_TAG, &tag))
}

/// The recipes of an author.
#[controller("lists.author")]
pub async fn author(
    Path(name): Path<String>,
    Query(page): Query<PageNumber>,
    site: Data<Kitchen>,
) -> Result<Reply> {
    list("author", &name, &page, &site, site.recipes.of(Recipe::BY_AUTHOR, &name))
}

/// A page of a list, the newest recipe first. A page without any is not found, except the first of a site
/// without recipes.
fn list(
    kind: &str,
    name: &str,
    page: &PageNumber,
    site: &KitchenView,
    recipes: Selection<Recipe>,
) -> Result<Reply> {
    let recipes = recipes.reversed();
    let recipes = match kind == "all" && page.number() == 1 {
        true => recipes.page(1, PER_PAGE),
        false => recipes.existing_page(page.number(), PER_PAGE).or_not_found()?,
    };
    let listed = Listed::new(page, recipes.total);
    let cards: Vec<Card> = recipes.rows.into_iter().map(|recipe| card(site, recipe)).collect();
    let list = template!("list.html").with("kind", kind).with("name", name);
    Ok(list.with("cards", cards).with("page", listed))
}

fn card(site: &KitchenView, recipe: Ref<Recipe>) -> Card {
    let comments = site.comments.of(Comment::RECIPE, &recipe.slug).count();
    let favourites = site.favourites.of(Favourite::RECIPE, &recipe.slug).count();
    Card { recipe, comments, favourites }
}
