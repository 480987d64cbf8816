//! Recipes in lists: all, with a tag, by an author.

use headwater::prelude::*;
use serde::Serialize;

use crate::kitchen::{Kitchen, Recipe};

/// How many recipes one page shows.
const PER_PAGE: usize = 6;

/// A recipe in a list.
#[derive(Serialize)]
struct Card<'a> {
    recipe: &'a Recipe,
    comments: usize,
    favourites: usize,
}

/// A page of a list.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    pages: Pages,
    rows: Vec<Card<'a>>,
}

/// All recipes.
#[controller("lists.all")]
pub async fn all(page: PageNumber, site: Data<Kitchen>) -> Result<Reply> {
    let recipes = site.newest().collect();
    list("all", "", page, recipes, "recipes".to_owned())
}

/// The recipes with a tag.
#[controller("lists.tag")]
pub async fn tag(Path(tag): Path<String>, page: PageNumber, site: Data<Kitchen>) -> Result<Reply> {
    let recipes = site.newest().filter(|recipe| recipe.tags.contains(&tag)).collect();
    list("tag", &tag, page, recipes, format!("tag:{tag}:{}", page.get()))
}

/// The recipes of an author.
#[controller("lists.author")]
pub async fn author(
    Path(name): Path<String>,
    page: PageNumber,
    site: Data<Kitchen>,
) -> Result<Reply> {
    let recipes = site.newest().filter(|recipe| recipe.author == name).collect();
    list("author", &name, page, recipes, format!("author:{name}"))
}

/// A page of a list, in its group and in those of the recipes on it. A page without any is not found,
/// except the first of a site without recipes.
fn list(
    kind: &str,
    name: &str,
    page: PageNumber,
    recipes: Vec<&Recipe>,
    group: String,
) -> Result<Reply> {
    let Ok(pages) = Pages::new(page, PER_PAGE, recipes.len()) else {
        return Err(not_found().group(group));
    };
    let on_page = &recipes[pages.range()];
    if on_page.is_empty() && kind != "all" {
        return Err(not_found().group(group));
    }
    let rows = on_page.iter().copied().map(card).collect();
    let list = template!("list.html").with("kind", kind).with("name", name);
    let reply = list.with("page", Listed { pages, rows }).group(group);
    Ok(on_page.iter().fold(reply, |reply, recipe| reply.group(format!("recipe:{}", recipe.slug))))
}

fn card(recipe: &Recipe) -> Card<'_> {
    Card { recipe, comments: recipe.comments.len(), favourites: recipe.favourites.len() }
}
