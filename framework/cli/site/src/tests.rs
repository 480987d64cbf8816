//! Tests of the whole site in this process: routes, templates, cache and log.

use headwater::test::Site;

#[test]
fn a_note_is_on_the_front_page_as_soon_as_the_form_is_answered() {
    let site = Site::of(crate::app());
    let mut visitor = site.visitor();
    visitor.open("/").page().has_no("li", "Rain & sun");
    visitor
        .fill("Leave a note", "Rain & sun")
        .press("Leave it")
        .follow();
    visitor.page().has("li", "Rain & sun");
    assert!(visitor.open("/").page().was_hit());
    site.audit();
}

#[test]
fn an_empty_note_is_refused_with_an_error() {
    let site = Site::of(crate::app());
    let mut visitor = site.visitor();
    visitor
        .open("/")
        .fill("Leave a note", " ")
        .press("Leave it");
    visitor
        .page()
        .is(422)
        .has(".error", "Please fill in this field.");
}

#[test]
fn an_address_that_does_not_exist_has_the_sites_own_error_page() {
    let site = Site::of(crate::app());
    let mut visitor = site.visitor();
    visitor
        .open("/nothing")
        .page()
        .is(404)
        .has("h1", "There is no such page");
}

#[test]
fn every_link_leads_somewhere() {
    Site::of(crate::app()).check_links();
}
