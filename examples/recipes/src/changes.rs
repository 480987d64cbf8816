//! What readers send: recipes, edits, comments, favourites.

use headwater::prelude::*;
use serde::{Deserialize, Serialize};

use crate::form::{Author, NewComment, RecipeForm};
use crate::kitchen::Kitchen;
use crate::pages;

/// A change of the data, with the slug of the recipe. Updates are kept in the log: add new ones at the end.
#[derive(Clone, Serialize, Deserialize)]
pub enum Update {
    Publish(RecipeForm),
    Edit(String, RecipeForm),
    /// Its comments and favourites go with it.
    Delete(String),
    Comment(String, NewComment),
    /// Keeping a recipe twice changes nothing.
    Favourite(String, Author),
}

#[controller("changes.publish")]
pub async fn publish(site: DataMut<Kitchen>, form: Submitted<RecipeForm>) -> Result<Reply> {
    let form = form.valid(|form| template!("form.html").with("form", form))?;
    change(Update::Publish(form), site).await
}

#[controller("changes.edit")]
pub async fn edit(
    Path(slug): Path<String>,
    site: DataMut<Kitchen>,
    form: Submitted<RecipeForm>,
) -> Result<Reply> {
    let form = form.valid(|form| template!("form.html").with("form", form).with("slug", &slug))?;
    change(Update::Edit(slug, form), site).await
}

#[controller("changes.delete")]
pub async fn delete(Path(slug): Path<String>, mut site: DataMut<Kitchen>) -> Result<Reply> {
    site.update(Update::Delete(slug)).await??;
    Ok(redirect_to("/"))
}

#[controller("changes.comment")]
pub async fn comment(
    Path(slug): Path<String>,
    site: DataMut<Kitchen>,
    form: Submitted<NewComment>,
) -> Result<Reply> {
    let page = |form| pages::recipe(&site, &slug).map(|page| page.with("comment", form));
    change(Update::Comment(slug.clone(), form.valid(page)?), site).await
}

#[controller("changes.favourite")]
pub async fn favourite(
    Path(slug): Path<String>,
    site: DataMut<Kitchen>,
    form: Submitted<Author>,
) -> Result<Reply> {
    let page = |form| pages::recipe(&site, &slug).map(|page| page.with("favourite", form));
    change(Update::Favourite(slug.clone(), form.valid(page)?), site).await
}

/// Carries out a change and sends the reader to the recipe.
async fn change(update: Update, mut site: DataMut<Kitchen>) -> Result<Reply> {
    let slug = site.update(update).await??;
    Ok(redirect_to(format!("/recipes/{slug}")))
}
