//! Recipes in lists: all, with a tag, by an author.

use headwater::prelude::*;
use serde::Serialize;

use crate::kitchen::{Kitchen, Recipe};
use crate::paging::{Listed, PER_PAGE, PageNumber};

/// A recipe in a list.
#[derive(Serialize)]
struct Card<'a> {
    recipe: &'a Recipe,
    comments: usize,
    favourites: usize,
}

/// All recipes.
#[controller("lists.all")]
pub async fn all(Query(page): Query<PageNumber>, site: Data<Kitchen>) -> Result<Reply> {
    let recipes = site.newest().collect();
    list("all", "", &page, recipes, "recipes".to_owned())
}

/// The recipes with a tag.
#[controller("lists.tag")]
pub async fn tag(
    Path(tag): Path<String>,
    Query(page): Query<PageNumber>,
    site: Data<Kitchen>,
) -> Result<Reply> {
    let recipes = site.newest().filter(|recipe| recipe.tags.contains(&tag)).collect();
    list("tag", &tag, &page, recipes, format!("tag:{tag}:{}", page.number()))
}

/// The recipes of an author.
#[controller("lists.author")]
pub async fn author(
    Path(name): Path<String>,
    Query(page): Query<PageNumber>,
    site: Data<Kitchen>,
) -> Result<Reply> {
    let recipes = site.newest().filter(|recipe| recipe.author == name).collect();
    list("author", &name, &page, recipes, format!("author:{name}"))
}

/// A page of a list, in its group and in those of the recipes on it. A page without any is not found,
/// except the first of a site without recipes.
fn list(
    kind: &str,
    name: &str,
    page: &PageNumber,
    recipes: Vec<&Recipe>,
    group: String,
) -> Result<Reply> {
    let listed = Listed::new(page, recipes.len());
    let start = (page.number() - 1).saturating_mul(PER_PAGE);
    let on_page: Vec<&Recipe> = recipes.into_iter().skip(start).take(PER_PAGE).collect();
    if on_page.is_empty() && (kind != "all" || page.number() > 1) {
        return Err(not_found().group(group));
    }
    let cards: Vec<Card<'_>> = on_page.iter().copied().map(card).collect();
    let list = template!("list.html").with("kind", kind).with("name", name);
    let reply = list.with("cards", cards).with("page", listed).group(group);
    Ok(on_page.iter().fold(reply, |reply, recipe| reply.group(format!("recipe:{}", recipe.slug))))
}

fn card(recipe: &Recipe) -> Card<'_> {
    Card { recipe, comments: recipe.comments.len(), favourites: recipe.favourites.len() }
}
