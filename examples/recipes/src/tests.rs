//! The site as its readers meet it: pages, forms, JSON.

use headwater::test::{Site, Visitor};
use serde_json::{Value, json};

use crate::app;

/// A visitor who has just published a recipe, at its page.
fn author_of(site: &Site, title: &str) -> Visitor {
    let mut visitor = site.visitor();
    visitor.open("/new").fill("Title", title).fill("Recipe", "Stir.").fill("Your name", "Ada");
    visitor.press("Publish").follow().page().has("h1", title);
    visitor
}

#[test]
fn every_link_leads_somewhere() {
    let pages = Site::of(app()).check_links();
    for page in ["/?page=2", "/tags/supper", "/authors/Ruth", "/recipes/plum-crumble", "/new"] {
        assert!(pages.iter().any(|known| known == page), "nothing links to {page}: {pages:?}");
    }
}

#[test]
fn a_list_without_recipes_is_not_there_unless_it_is_that_of_all() {
    let site = Site::of(app());
    for list in ["/tags/none", "/authors/Nobody", "/tags/supper?page=9"] {
        site.visitor().open(list).page().is(404);
    }
    site.visitor().open("/tags/supper").page().is(200).has("h1", "supper");
}

#[test]
fn what_lacks_something_comes_back_with_what_was_entered() {
    let site = Site::of(app());
    let mut visitor = site.visitor();
    visitor.open("/new").fill("Title", "Toast").fill("Your name", "<b>").press("Publish");
    let text = visitor.page().is(422).has("[role=alert]", "Recipe: Please fill in").to_string();
    assert!(
        text.contains("\nTitle: \"Toast\"\n") && text.contains("\nYour name: \"<b>\"\n"),
        "{text}"
    );
    visitor.open("/recipes/plum-crumble").within("#favourites").press("Keep it");
    visitor.page().is(422).has("[role=alert]", "");
    visitor
        .open("/recipes/plum-crumble")
        .within("#comments")
        .fill("Your name", "Ada")
        .press("Post it");
    visitor.page().is(422).has("[role=alert]", "Your comment: Please fill in");
    visitor
        .open("/recipes/plum-crumble/edit")
        .fill("Title", "Toast")
        .fill("Recipe", "")
        .press("Save");
    visitor
        .page()
        .is(422)
        .has("[role=alert]", "Recipe: Please fill in")
        .has("[aria-invalid=true]", "");
}

#[test]
fn a_recipe_is_commented_on_kept_edited_and_deleted() {
    let site = Site::cluster(app(), 2);
    let mut visitor = author_of(&site, "Short life");
    let address = visitor.page().address().to_owned();
    visitor
        .within("#comments")
        .fill("Your name", "Bo")
        .fill("Your comment", "Fine.")
        .press("Post it");
    for _ in 0..2 {
        visitor.follow().within("#favourites").fill("Your name", "Bo").press("Keep it");
    }
    visitor.follow().click("Edit").fill("Title", "Long life").press("Save").follow();
    visitor.page().has("h1", "Long life").has("h2", "Kept by 1").has("h2", "1 comment");
    let recipe: Value = visitor.open(&format!("/api{address}")).page().json();
    assert_eq!(recipe["favourites"], json!(["Bo"]));
    assert_eq!(recipe["comments"][0]["body"], "Fine.");

    visitor.open(&address).click("Edit").press("Delete this recipe").follow();
    assert_eq!(visitor.page().address(), "/");
    for page in [address.clone(), format!("{address}/edit"), format!("/api{address}")] {
        visitor.open(&page).page().is(404);
    }
    site.audit();
}
