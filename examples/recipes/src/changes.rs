//! What readers send: recipes, edits, comments, favourites.

use headwater::prelude::*;

use crate::form::{CommentForm, FavouriteForm, RecipeForm};
use crate::kitchen::Kitchen;
use crate::recipes;
use crate::update::Update;

/// Publishes a recipe.
#[controller("changes.publish")]
pub async fn publish(mut site: DataMut<Kitchen>, form: Submitted<RecipeForm>) -> Result<Reply> {
    let entry = form.valid(recipes::form_page)?.entry();
    change(&mut site, Update::Publish(entry)).await
}

/// Changes the text, the author or the tags of a recipe.
#[controller("changes.edit")]
pub async fn edit(
    Path(slug): Path<String>,
    mut site: DataMut<Kitchen>,
    form: Submitted<RecipeForm>,
) -> Result<Reply> {
    let entry = form.valid(|form| recipes::form_page(form).with("slug", &slug))?.entry();
    change(&mut site, Update::Edit { slug, entry }).await
}

/// Deletes a recipe.
#[controller("changes.delete")]
pub async fn delete(Path(slug): Path<String>, mut site: DataMut<Kitchen>) -> Result<Reply> {
    site.update(Update::Delete { slug }).await??;
    Ok(redirect_to("/"))
}

/// Posts a comment.
#[controller("changes.comment")]
pub async fn comment(
    Path(slug): Path<String>,
    mut site: DataMut<Kitchen>,
    form: Submitted<CommentForm>,
) -> Result<Reply> {
    let page = |form| recipes::page(&site, &slug).map(|page| page.with("comment", form));
    let (author, body) = form.valid(page)?.entered();
    change(&mut site, Update::Comment { slug, author, body }).await
}

/// Keeps a recipe as a favourite.
#[controller("changes.favourite")]
pub async fn favourite(
    Path(slug): Path<String>,
    mut site: DataMut<Kitchen>,
    form: Submitted<FavouriteForm>,
) -> Result<Reply> {
    let page = |form| recipes::page(&site, &slug).map(|page| page.with("favourite", form));
    let author = form.valid(page)?.name();
    change(&mut site, Update::Favourite { slug, author }).await
}

/// Carries out a change and sends the reader to the recipe.
async fn change(site: &mut DataMut<Kitchen>, update: Update) -> Result<Reply> {
    let slug = site.update(update).await??;
    Ok(redirect_to(format!("/recipes/{slug}")))
}
