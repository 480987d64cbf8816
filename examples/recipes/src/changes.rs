//! What readers send: recipes, edits, comments, favourites.

use headwater::prelude::*;

use crate::form::{CommentForm, FavouriteForm, Problems, RecipeForm};
use crate::kitchen::Kitchen;
use crate::recipes;
use crate::update::Update;

/// Publishes a recipe.
#[controller("changes.publish")]
pub async fn publish(mut site: DataMut<Kitchen>, Form(form): Form<RecipeForm>) -> Result<Reply> {
    match form.read() {
        Ok(entry) => change(&mut site, Update::Publish(entry)).await,
        Err(problems) => {
            let form = template!("form.html").with("form", form);
            Ok(refused(form, problems))
        }
    }
}

/// Changes the text, the author or the tags of a recipe.
#[controller("changes.edit")]
pub async fn edit(
    Path(slug): Path<String>,
    mut site: DataMut<Kitchen>,
    Form(form): Form<RecipeForm>,
) -> Result<Reply> {
    match form.read() {
        Ok(entry) => change(&mut site, Update::Edit { slug, entry }).await,
        Err(problems) => {
            let form = template!("form.html").with("slug", slug).with("form", form);
            Ok(refused(form, problems))
        }
    }
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
    Form(form): Form<CommentForm>,
) -> Result<Reply> {
    match form.read() {
        Ok((author, body)) => change(&mut site, Update::Comment { slug, author, body }).await,
        Err(problems) => {
            let page = recipes::page(&site, &slug)?.with("comment", form);
            Ok(refused(page, problems))
        }
    }
}

/// Keeps a recipe as a favourite.
#[controller("changes.favourite")]
pub async fn favourite(
    Path(slug): Path<String>,
    mut site: DataMut<Kitchen>,
    Form(form): Form<FavouriteForm>,
) -> Result<Reply> {
    match form.read() {
        Ok(author) => change(&mut site, Update::Favourite { slug, author }).await,
        Err(problems) => {
            let page = recipes::page(&site, &slug)?.with("favourite", form);
            Ok(refused(page, problems))
        }
    }
}

/// Carries out a change and sends the reader to the recipe.
async fn change(site: &mut DataMut<Kitchen>, update: Update) -> Result<Reply> {
    let slug = site.update(update).await??;
    Ok(redirect_to(format!("/recipes/{slug}")))
}

/// A form that comes back, with what ought to be changed.
fn refused(form: Reply, problems: Problems) -> Reply {
    form.with("problems", problems).with_status(StatusCode::UNPROCESSABLE_ENTITY)
}
