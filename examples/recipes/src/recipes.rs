//! One recipe: its page, and the forms that make and edit it.

use headwater::prelude::*;

use crate::form::{CommentForm, FavouriteForm, RecipeForm};
use crate::kitchen::{Comment, Favourite, Kitchen, KitchenView};

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
    let recipe = site.recipes.get(&slug).or_not_found()?;
    let form = RecipeForm::filled(&recipe.title, &recipe.body, &recipe.author, &recipe.tags);
    Ok(form_page(form).with("slug", slug))
}

/// The page of a form.
pub fn form_page(form: FilledForm) -> Reply {
    template("form.html").with("form", form)
}

/// The page of a recipe.
pub fn page(site: &KitchenView, slug: &str) -> Result<Reply> {
    let recipe = site.recipes.get(slug).or_not_found()?;
    let favourites = site.favourites.of(Favourite::RECIPE, slug).all();
    Ok(template("recipe.html")
        .with("comments", site.comments.of(Comment::RECIPE, slug).all())
        .with("favourites", favourites.map(|kept| kept.reader.clone()))
        .with("recipe", recipe)
        .with("comment", CommentForm::empty_form())
        .with("favourite", FavouriteForm::empty_form()))
}
