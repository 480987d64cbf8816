//! The site as its readers use it: pages, forms, JSON.

use headwater::prelude::http;
use headwater::test::{Site, TestVisitor};
use serde_json::{Value, json};

use crate::app;
use crate::changes::Author;

/// Returns a visitor who has just published a recipe, at its page.
fn author_of(site: &Site, title: &str) -> TestVisitor {
    let mut visitor = site.visitor();
    visitor.open("/recipes").fill("Title", title).fill("Recipe", "Stir.").fill("Your name", "Ada");
    visitor.press("Publish").follow().page().has("h1", title);
    visitor
}

/// Returns a visitor who has signed in under this name.
fn signed_in(site: &Site, name: &str) -> TestVisitor {
    let mut visitor = site.visitor();
    visitor.sign_in(&Author { author: name.to_owned() });
    visitor
}

#[test]
fn no_link_is_broken() {
    let pages = Site::of(app()).check_links();
    for page in ["/?page=2", "/tags/supper", "/authors/Ruth", "/recipes/plum-crumble", "/recipes"] {
        assert!(pages.iter().any(|known| known == page), "nothing links to {page}: {pages:?}");
    }
}

#[test]
fn a_list_without_recipes_is_not_found_except_the_list_of_all() {
    let site = Site::of(app());
    for list in ["/tags/none", "/authors/Nobody", "/tags/supper?page=9"] {
        site.visitor().open(list).page().is(404);
    }
    site.visitor().open("/tags/supper").page().is(200).has("h1", "supper");
}

#[test]
fn an_incomplete_form_is_returned_with_the_entered_values() {
    let site = Site::of(app());
    let mut visitor = site.visitor();
    visitor.open("/recipes").fill("Title", "Toast").fill("Your name", "<b>").press("Publish");
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
fn a_refused_form_can_be_reloaded_in_each_language() {
    let site = Site::of(app());
    for (language, title) in [("en", "Bring a recipe"), ("de", "Ein Rezept mitbringen")] {
        let mut visitor = site.visitor();
        visitor.speaks(language).open("/recipes").page().has("h1", title);
        visitor.open("/new").follow().page().has("h1", title);
        let recipe = "/recipes/plum-crumble";
        for step in ["comments", "favourite"] {
            visitor.open(&format!("{recipe}/{step}")).page().is(200).has("h1", "Plum crumble");
        }
        for step in ["edit", "delete"] {
            visitor.open(&format!("{recipe}/{step}")).page().is(200).has("form.danger", "");
        }
        visitor.open("/session").page().has("label", "").is(200);
    }
    let mut visitor = site.visitor();
    visitor.open("/recipes/plum-crumble").within("#comments").press("Post it");
    visitor.sends("referer", "http://localhost/recipes/plum-crumble/comments").press("Deutsch");
    visitor.follow().page().is(200).has("button", "Abschicken");
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

#[test]
fn a_visitor_signs_in_by_a_name_is_greeted_and_signs_out() {
    let site = Site::cluster(app(), 2);
    let mut visitor = site.visitor();
    visitor.open("/").click("Sign in").fill("Your name", "a/b").press("Sign in");
    visitor.page().is(422).has("[role=alert]", "Your name: A name begins with");
    visitor.fill("Your name", "Ada <3").press("Sign in").follow();
    visitor.page().has(".visitor", "Ada <3").has(".flash", "Welcome, Ada <3.");
    for page in ["/", "/recipes/plum-crumble", "/tags/supper", "/nowhere"] {
        visitor.open(page).page().has(".visitor", "Ada <3").has_no(".flash", "");
        site.visitor().open(page).page().has_no(".visitor", "").has("nav", "Sign in");
    }
    // The shared page contains no visitor's name.
    signed_in(&site, "Bo").open("/").page().has(".visitor", "Bo").has_no("header", "Ada");
    visitor.open("/").press("Sign out").follow().page().has(".flash", "You have signed out.");
    visitor.page().has_no(".visitor", "").has("nav", "Sign in");
}

#[test]
fn forms_of_a_signed_in_visitor_have_the_name_of_the_session() {
    let site = Site::cluster(app(), 2);
    let mut ada = signed_in(&site, "Ada");
    let form = "/recipes";
    ada.open(form).page().has_no("label", "Your name");
    ada.fill("Title", "Toast").fill("Recipe", "Wait.").press("Publish").follow();
    ada.page().has("h1", "Toast").has(".meta", "by Ada").has_no("label", "Your name");
    ada.within("#favourites").press("Keep it").follow();
    ada.within("#comments").press("Post it").page().is(422).has_no("label", "Your name");
    ada.within("#comments").fill("Your comment", "Mine.").press("Post it").follow();
    ada.page().has("#favourites", "Ada").has("#comments h3", "Ada");

    // Another name in the request is ignored.
    let urlencoded = "application/x-www-form-urlencoded";
    let sent = http::Request::post("/recipes/toast/comments").header("content-type", urlencoded);
    ada.send(sent.body("author=Bo&body=Not+mine.").unwrap()).follow();
    assert_eq!(ada.page().texts("#comments h3").len(), 3, "{}", ada.page());
    ada.page().has_no("#comments h3", "Bo");

    // The recipe keeps its author, whoever edits it.
    let mut bo = signed_in(&site, "Bo");
    bo.open("/recipes/toast").click("Edit").fill("Recipe", "Wait for it.").press("Save").follow();
    bo.page().has(".recipe", "Wait for it.").has(".meta", "by Ada");
    site.audit();
}

#[test]
fn a_picture_is_shown_replaced_and_removed_with_its_recipe() {
    let site = Site::cluster(app(), 2);
    let png = |more: &str| [b"\x89PNG\r\n\x1a\n", more.as_bytes()].concat();
    let mut visitor = site.visitor();
    let form = |visitor: &mut TestVisitor| {
        visitor.open("/recipes").fill("Title", "Eggs").fill("Recipe", "Boil.");
        visitor.fill("Your name", "Ada");
    };
    form(&mut visitor);
    visitor.attach("Picture", "eggs.png", "<svg/>").press("Publish");
    visitor.page().is(422).has("[role=alert]", "Picture: ");
    form(&mut visitor);
    visitor.attach("Picture", "eggs.png", png("1")).press("Publish").follow();
    let address = visitor.page().address().to_owned();
    let picture = |visitor: &mut TestVisitor| -> String {
        let recipe: Value = visitor.open(&format!("/api{address}")).page().json();
        format!("/{}", recipe["picture"].as_str().unwrap())
    };
    let first = picture(&mut visitor);
    for page in ["/", "/authors/Ada", &address] {
        let source = visitor.open(page).page().source();
        assert!(source.contains(&format!("<img src=\"{first}\"")), "{page}: {source}");
    }
    assert_eq!(visitor.open(&first).page().is(200).body(), &png("1"));
    assert_eq!(visitor.page().header("content-type"), "image/png");

    // Without a new picture the recipe keeps the old one.
    visitor.open(&address).click("Edit").fill("Recipe", "Boil them.").press("Save").follow();
    assert_eq!(picture(&mut visitor), first);
    visitor.open(&address).click("Edit").attach("Picture", "b.png", png("2")).press("Save");
    let second = picture(&mut visitor);
    assert_eq!(visitor.open(&second).page().is(200).body(), &png("2"));
    visitor.open(&first).page().is(404);
    visitor.open(&address).click("Edit").press("Delete this recipe").follow();
    visitor.open(&second).page().is(404);
    site.audit();
}
