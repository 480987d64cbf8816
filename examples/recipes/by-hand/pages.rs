//! The site's pages: lists, recipes, forms, and the same data as JSON.

use headwater::prelude::*;

use crate::changes::{Author, Draft, NewComment};
use crate::kitchen::{Comment, Kitchen, KitchenView, Recipe};

/// The number of recipes on one page.
const PER_PAGE: usize = 6;
/// The number of recipes on one page of the JSON list.
const PER_LONG_PAGE: usize = 50;

/// The recipes of a list: those with a tag, those of an author, or all.
#[derive(Serialize, Deserialize)]
pub struct ListFilter {
    tag: Option<String>,
    author: Option<String>,
}

/// A recipe with its comments and the readers who keep it.
#[derive(Serialize)]
struct FullRecipe<'a> {
    #[serde(flatten)]
    recipe: &'a Recipe,
    comments: Vec<&'a Comment>,
    favourites: Vec<&'a String>,
}

/// A page of a list.
#[derive(Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    pages: Pages,
    rows: Vec<FullRecipe<'a>>,
}

/// A page of a list, in the list's group and in those of its recipes. A page without recipes is not found, except the
/// first page of a site without recipes.
#[controller("pages.list")]
pub async fn list(
    Path(filter): Path<ListFilter>,
    page: PageNumber,
    site: Data<Kitchen>,
) -> Result<Reply> {
    let (recipes, group): (Vec<&Recipe>, _) = match (&filter.tag, &filter.author) {
        (Some(tag), _) => (
            site.newest().filter(|recipe| recipe.tags.contains(tag)).collect(),
            format!("tag:{tag}:{}", page.get()),
        ),
        (None, Some(author)) => (
            site.newest().filter(|recipe| recipe.author == *author).collect(),
            format!("author:{author}"),
        ),
        (None, None) => (site.newest().collect(), "recipes".to_owned()),
    };
    let Ok(pages) = Pages::new(page, PER_PAGE, recipes.len()) else {
        return Err(not_found().group(group));
    };
    let on_page = &recipes[pages.range()];
    if on_page.is_empty() && group != "recipes" {
        return Err(not_found().group(group));
    }
    let rows = on_page.iter().copied().map(full_recipe).collect();
    let list = template!("list.html").with("which", filter).with("page", Listed { pages, rows });
    let list = list.group(group);
    Ok(on_page.iter().fold(list, |reply, recipe| reply.group(format!("recipe:{}", recipe.slug))))
}

/// A recipe with its comments and the readers who keep it.
#[controller("pages.show")]
pub async fn show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    recipe_page(template!("recipe.html"), &site, &slug)
}

/// The form that edits a recipe.
#[controller("pages.edit")]
pub async fn edit_form(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    let form = Draft::form_of(find(&site, &slug)?);
    let page = template!("form.html").with("form", form).with("slug", &slug);
    Ok(page.group(format!("recipe:{slug}")))
}

/// The recipes, the newest first, fifty at a time; the list after the last page is empty.
#[controller("api.list")]
pub async fn api_list(page: PageNumber, site: Data<Kitchen>) -> Reply {
    let start = (page.get() - 1).saturating_mul(PER_LONG_PAGE);
    let recipes = site.newest().skip(start).take(PER_LONG_PAGE).map(full_recipe);
    json(&recipes.collect::<Vec<_>>()).group("recipes")
}

/// One recipe with its comments and the readers who keep it.
#[controller("api.show")]
pub async fn api_show(Path(slug): Path<String>, site: Data<Kitchen>) -> Result<Reply> {
    Ok(json(&full_recipe(find(&site, &slug)?)).group(format!("recipe:{slug}")))
}

/// Renders the page of a recipe, with the empty forms for a comment and to keep it.
pub fn recipe_page(page: Reply, site: &KitchenView, slug: &str) -> Result<Reply> {
    let page = page
        .with("recipe", full_recipe(find(site, slug)?))
        .with("comment", NewComment::empty_form())
        .with("favourite", Author::empty_form());
    Ok(page.group(format!("recipe:{slug}")))
}

/// Returns the recipe with this slug. A missing one may be published later, so the 404 is in the group of the list.
fn find<'a>(site: &'a KitchenView, slug: &str) -> Result<&'a Recipe> {
    site.recipes.get(slug).ok_or_else(|| not_found().group("recipes"))
}

fn full_recipe(recipe: &Recipe) -> FullRecipe<'_> {
    let comments = recipe.comments.iter().collect();
    FullRecipe { recipe, comments, favourites: recipe.favourites.iter().collect() }
}
