//! The site's pages: lists, recipes, forms, and the same data as JSON.

use headwater::prelude::*;

use crate::changes::{Author, Draft, NewComment};
use crate::kitchen::{Comment, Kitchen, KitchenView, Recipe};

/// The recipes of a list: those with a tag, those of an author, or all.
#[derive(Serialize, Deserialize)]
pub struct ListFilter {
    tag: Option<String>,
    author: Option<String>,
}

/// A page of a list, the newest recipe first. A list without recipes is not found, except the list
/// of all.
#[controller("pages.list")]
pub async fn list(Path(filter): Path<ListFilter>, page: PageNumber, site: Data<Kitchen>) -> Result {
    let recipes = match (&filter.tag, &filter.author) {
        (Some(tag), _) => site.recipes.of(Recipe::BY_TAG, tag).or_not_found()?,
        (None, Some(author)) => site.recipes.of(Recipe::BY_AUTHOR, author).or_not_found()?,
        (None, None) => site.recipes.ordered(Recipe::NUMBER),
    };
    let page =
        Pages::of(&recipes.reversed(), page, 6)?.map_with(|recipe| full_recipe(&site, recipe));
    Ok(template!("list.html").with("which", filter).with("page", page))
}

#[controller("pages.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result {
    recipe_page(template!("recipe.html"), &site, &slug)
}

/// The form that edits a recipe.
#[controller("pages.edit")]
pub async fn edit_form(Path(slug): Path<String>, site: Data<Kitchen>) -> Result {
    let recipe = site.recipes.get(&slug).or_not_found()?;
    Ok(template!("form.html").with("form", Draft::form_of(&*recipe)).with("slug", slug))
}

/// The recipes as JSON, the newest first, fifty at a time.
#[controller("api.list")]
pub async fn api_list(page: PageNumber, site: Data<Kitchen>) -> Result {
    let page = Pages::of(&site.recipes.ordered(Recipe::NUMBER).reversed(), page, 50)?;
    Ok(json(&page.rows.map_with(|recipe| full_recipe(&site, recipe))))
}

#[controller("api.show")]
pub async fn api_show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result {
    Ok(json(&full_recipe(&site, site.recipes.get(&slug).or_not_found()?)))
}

/// Renders the page of a recipe, with the empty forms for a comment and to keep it.
pub fn recipe_page(page: Reply, site: &KitchenView, slug: &str) -> Result {
    let page = page.with("recipe", full_recipe(site, site.recipes.get(slug).or_not_found()?));
    let page = page.with("comment", NewComment::empty_form());
    Ok(page.with("favourite", Author::empty_form()))
}

/// Returns a recipe with its comments.
fn full_recipe(site: &KitchenView, recipe: Ref<Recipe>) -> impl Serialize {
    let comments = site.comments.of(Comment::RECIPE, &recipe.slug).all();
    recipe.with("comments", comments)
}
