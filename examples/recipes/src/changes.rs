//! The readers' changes: recipes, edits, comments, favourites.

use headwater::prelude::*;

use crate::kitchen::Kitchen;
use crate::pages::recipe_page;

/// The name that a reader enters to sign in or with a form. It can be part of an address.
#[derive(Clone, Serialize, Deserialize, Form, Session)]
pub struct Author {
    #[session(user)]
    #[form(required, maxlength = 80, label = "your-name", autocomplete = "nickname")]
    #[form(pattern = r"[\p{Alphabetic}\p{N}][^\/\p{Cc}]*")]
    pub author: String,
}

/// The form of a recipe.
#[derive(Clone, Serialize, Deserialize, Form)]
pub struct Draft {
    #[form(required, maxlength = 80, label = "title", autocomplete = "off")]
    pub title: String,
    #[form(type = "textarea", required, maxlength = 20_000)]
    #[form(label = "recipe", hint = "recipe-hint")]
    pub body: String,
    #[form(maxlength = 200, autocomplete = "off", label = "tags", hint = "tags-hint")]
    pub tags: String,
    #[form(accept = "image/png, image/jpeg, image/webp, image/gif", max_size = 4_000_000)]
    #[form(label = "picture", hint = "picture-hint")]
    #[serde(skip)]
    pub picture: Option<FormFile>,
    #[form(group)]
    pub by: Author,
}

/// The form of a comment on a recipe.
#[derive(Clone, Serialize, Deserialize, Form)]
#[form(id = "comment")]
pub struct NewComment {
    #[form(group)]
    pub by: Author,
    #[form(type = "textarea", required, maxlength = 20_000, label = "your-comment")]
    pub body: String,
}

/// A change of the data, with the slug of the recipe and the path of its picture. Updates are stored in the log, so
/// every variant must stay, and its fields keep their positions.
#[derive(Clone, Serialize, Deserialize)]
pub enum Update {
    Publish(Draft, Option<String>),
    /// Without a picture, the recipe keeps its present one.
    Edit(String, Draft, Option<String>),
    /// Its comments and favourites are deleted with it.
    Delete(String),
    Comment(String, NewComment),
    /// Keeping a recipe twice changes nothing.
    Favourite(String, Author),
}

#[controller("changes.publish")]
pub async fn publish(site: DataMut<Kitchen>, cluster: Cluster, form: Submitted<Draft>) -> Result {
    let form = form.with_user("author");
    let mut draft = form.valid(|form| template!("form.html").with("form", form))?;
    let picture = cluster.keep_files("uploads", draft.picture.take()).await?.pop();
    change(Update::Publish(draft, picture), site, cluster).await
}

#[controller("changes.edit")]
pub async fn edit(
    Path(slug): Path<String>,
    site: DataMut<Kitchen>,
    cluster: Cluster,
    form: Submitted<Draft>,
) -> Result {
    site.recipes.get(&slug).or_not_found()?;
    let page = |form| template!("form.html").with("form", form).with("slug", &slug);
    let mut draft = form.valid(page)?;
    let picture = cluster.keep_files("uploads", draft.picture.take()).await?.pop();
    change(Update::Edit(slug, draft, picture), site, cluster).await
}

#[controller("changes.delete")]
pub async fn delete(Path(slug): Path<String>, site: DataMut<Kitchen>, cluster: Cluster) -> Result {
    change(Update::Delete(slug), site, cluster).await.map(|_| redirect_to("/"))
}

#[controller("changes.comment")]
pub async fn comment(
    Path(slug): Path<String>,
    site: DataMut<Kitchen>,
    cluster: Cluster,
    form: Submitted<NewComment>,
) -> Result {
    let page = recipe_page(template!("recipe.html"), &site, &slug)?;
    let comment = form.with_user("author").valid(|form| page.with("comment", form))?;
    change(Update::Comment(slug, comment), site, cluster).await
}

#[controller("changes.favourite")]
pub async fn favourite(
    Path(slug): Path<String>,
    site: DataMut<Kitchen>,
    cluster: Cluster,
    form: Submitted<Author>,
) -> Result {
    let page = recipe_page(template!("recipe.html"), &site, &slug)?;
    let reader = form.with_user("author").valid(|form| page.with("favourite", form))?;
    change(Update::Favourite(slug, reader), site, cluster).await
}

/// Makes a change, removes the picture that the recipe no longer has, and redirects the reader to the recipe.
async fn change(update: Update, mut site: DataMut<Kitchen>, cluster: Cluster) -> Result {
    let (slug, old) = site.update(update).await??;
    cluster.remove_files(old).await?;
    Ok(redirect_to(format!("/recipes/{slug}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_equal_those_of_the_framework() {
        let ours = include_str!("../templates/components.html");
        assert_eq!(ours, headwater::form::COMPONENTS);
    }

    #[test]
    fn a_name_can_be_part_of_an_address() {
        let errors = |name| Submitted::<Author>::of(&[("author", name)]).errors().len();
        assert_eq!(["Ada", "Zoë O'Hara-Lund", "1st & 2nd?", "李"].map(errors), [0; 4]);
        assert_eq!(["", "..", "a/b", "a\u{1}b", " \t"].map(errors), [1; 5]);
    }
}
