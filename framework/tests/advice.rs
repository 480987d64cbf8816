//! Advice in development about code that is valid but probably a mistake.

use headwater::app::SiteService;
use headwater::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Row)]
struct Recipe {
    #[row(key)]
    number: u64,
    #[row(index)]
    tag: String,
}

#[derive(Clone, Default, State)]
struct Kitchen {
    recipes: Table<Recipe>,
    tags: Value<u64>,
}

#[derive(Serialize, Deserialize)]
struct Fill {
    tag: String,
    number: u64,
}

impl Updates for Kitchen {
    type Update = Fill;
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, Fill { tag, number }: Fill, _: &mut At) -> Result<(), Violation> {
        self.tags.update(|tags| *tags += 1);
        (0..number).try_for_each(|number| self.recipes.insert(Recipe { number, tag: tag.clone() }))
    }
}

#[controller("tagged")]
async fn tagged(Path(tag): Path<String>, kitchen: Data<Kitchen>) -> Reply {
    html(format!("{} recipes", kitchen.recipes.of(Recipe::TAG, tag).iter().count()))
        .group("tag:all")
}

#[controller("fill")]
async fn fill(Path(tag): Path<String>, mut kitchen: DataMut<Kitchen>) -> Result<Reply> {
    kitchen.update(Fill { tag, number: 300 }).await??;
    Ok(status(204))
}

#[controller("forget")]
#[invalidate(groups = ["{group}"])]
async fn forget(Path(_group): Path<String>) -> Reply {
    status(204)
}

async fn site(settings: &str) -> (tempfile::TempDir, SiteService) {
    let folder = tempfile::tempdir().unwrap();
    let routes = "[[route]]\npath = \"/tags/{tag}\"\ncontroller = \"tagged\"\n\
                  [[route]]\npath = \"/tags/{tag}\"\nmethods = [\"POST\"]\ncontroller = \"fill\"\n\
                  [[route]]\npath = \"/forget/{group}\"\nmethods = [\"POST\"]\ncontroller = \"forget\"\n";
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    std::fs::write(folder.path().join("project.toml"), settings).unwrap();
    let app = App::new().state::<Kitchen>().controllers(controllers![tagged, fill, forget]);
    let site = app.into_service(folder.path()).await;
    (folder, site.unwrap_or_else(|problems| panic!("{problems}")))
}

async fn ask(site: &SiteService, method: &str, path: &str) -> String {
    let request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let body = site.answer(request).await.into_body().collect(1 << 20).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_page_that_reads_too_much_is_reported_with_its_reads() {
    let (_folder, site) = site("environment = \"development\"").await;
    assert_eq!(ask(&site, "GET", "/tags/soup").await, "0 recipes");
    ask(&site, "POST", "/tags/soup").await;
    // The advice is recorded while this page is made, so the next page shows it.
    ask(&site, "GET", "/tags/soup").await;
    let page = ask(&site, "GET", "/tags/soup").await;
    let said = "dispatch.conf:1) is invalidated more often than necessary: its controller has read more than 256 rows \
                and other things, 301 of them of the rows of `recipes` with tag=soup, so the page depends on \
                `recipes@tag=soup*`";
    assert!(page.starts_with("300 recipes") && page.contains(said), "{page}");
    ask(&site, "POST", "/tags/stew").await;
    assert_eq!(ask(&site, "GET", "/tags/stew").await.matches("more often").count(), 1);
}

#[tokio::test]
async fn an_invalidated_group_that_resembles_one_of_a_page_is_reported() {
    let (_folder, site) = site("environment = \"development\"").await;
    ask(&site, "POST", "/forget/tga:soup").await;
    assert_eq!(ask(&site, "GET", "/tags/soup").await, "0 recipes");
    for right in ["tag:soup", "recipes", "recipes%2F7", "tags%2F7", "weather:hull"] {
        ask(&site, "POST", &format!("/forget/{right}")).await;
        let page = ask(&site, "GET", "/tags/soup").await;
        assert_eq!(page, "0 recipes", "{right}");
    }
    ask(&site, "POST", "/forget/tga:soup").await;
    ask(&site, "POST", "/forget/recipe%2F7").await;
    let page = ask(&site, "GET", "/tags/soup").await;
    assert!(page.contains("did you mean `tag:`?"), "{page}");
    assert!(page.contains("the group `recipe/7` is invalidated"), "{page}");
    site.reload().await.unwrap();
    assert_eq!(ask(&site, "GET", "/tags/soup").await, "0 recipes");
}

#[tokio::test]
async fn in_production_no_page_shows_advice() {
    let (_folder, site) = site("environment = \"production\"").await;
    ask(&site, "POST", "/tags/soup").await;
    ask(&site, "GET", "/tags/soup").await;
    ask(&site, "POST", "/forget/tga:soup").await;
    assert_eq!(ask(&site, "GET", "/tags/soup").await, "300 recipes");
}
