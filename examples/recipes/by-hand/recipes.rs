//! One recipe: its page, and the forms that make and edit it.

use headwater::prelude::*;

use crate::form::{CommentForm, FavouriteForm, RecipeForm};
use crate::kitchen::{Kitchen, KitchenView, Recipe};

/// A recipe with its comments and the readers who keep it.
#[controller("recipes.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    page(&site, &slug)
}

/// The form of a new recipe.
#[controller("recipes.new")]
pub async fn new() -> Reply {
    form_page(RecipeForm::empty_form())
}

/// The form that edits a recipe.
#[controller("recipes.form")]
pub async fn form(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    let recipe = find(&site, &slug)?;
    let form = RecipeForm::filled(&recipe.title, &recipe.body, &recipe.author, &recipe.tags);
    let page = form_page(form).with("slug", &slug);
    Ok(page.group(format!("recipe:{slug}")))
}

/// The page of a form.
pub fn form_page(form: FilledForm) -> Reply {
    template("form.html").with("form", form)
}

/// The page of a recipe.
pub fn page(site: &KitchenView, slug: &str) -> Result<Reply> {
    let recipe = find(site, slug)?;
    let page = template("recipe.html")
        .with("comments", &recipe.comments)
        .with("favourites", &recipe.favourites)
        .with("recipe", recipe)
        .with("comment", CommentForm::empty_form())
        .with("favourite", FavouriteForm::empty_form());
    Ok(page.group(format!("recipe:{slug}")))
}

/// The recipe with this slug. Where there is none, one may be published next, so the 404 is in the
/// group of the list.
pub fn find<'a>(site: &'a KitchenView, slug: &str) -> Result<&'a Recipe> {
    site.recipes.get(slug).ok_or_else(|| not_found().group("recipes"))
}
