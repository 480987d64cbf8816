//! Visitors of a site in the test's process: their actions, and the messages of failed tests.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

mod notes;

use std::panic::{AssertUnwindSafe, catch_unwind};

use headwater::test::{Site, TestVisitor};

use notes::{Account, Notes, Update, app, folder, site};

fn rain() -> Update {
    Update::Write { title: "Rain".to_owned(), kind: "weather".to_owned() }
}

/// Returns the message of a failing test.
fn failure(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).expect_err("it ought to fail");
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string())
}

#[test]
fn a_visitor_sends_a_form_and_sees_the_result_on_every_front_end() {
    let folder = folder(false);
    let site = Site::in_folder(folder.path()).cluster(app(), 2);
    let [mut writer, mut reader] = [site.visitor(), site.visitor()];
    for frontend in [0, 1] {
        reader.on(frontend).open("/");
        assert!(!reader.page().was_hit());
        assert!(reader.open("/").page().has_no("li", "Snow").was_hit());
    }
    writer
        .open("/")
        .click("Write one")
        .within("#form")
        .fill("Title", "Snow")
        .fill("Kind", "Food")
        .press("Publish");
    writer.follow().page().is(200).has("h1", "Snow").has("p", "food, day 10957");
    assert_eq!(writer.page().address(), "/notes/1");
    for frontend in [0, 1] {
        assert!(!reader.on(frontend).open("/").page().has("li a", "Snow").was_hit());
    }
    assert!(site.audit().checked >= 3);
}

#[tokio::test]
async fn a_test_with_a_runtime_of_its_own_may_have_visitors() {
    let site = site();
    site.fill::<Notes>([rain()]);
    tokio::task::yield_now().await;
    site.visitor().open("/notes/1").page().has("h1", "Rain");
}

#[test]
fn a_page_is_displayed_as_its_visible_text() {
    let site = site();
    site.fill::<Notes>([rain()]);
    let mut visitor = site.visitor();
    let page = visitor.open("/").page();
    assert_eq!(page.to_string(), "200 /\n# Notes\n- Rain </notes/1>\nWrite one <new#form>");
    visitor.open("/new").within("#form").fill("Title", "Snow").check("Loud");
    assert_eq!(
        visitor.page().to_string(),
        "200 /new\n# New\nTitle: \"Snow\"\nKind: Weather\n[x] Loud\n[Publish]\nTitle: \"Dot\"\nPicture: \"\"\n[Send]"
    );
    assert_eq!(visitor.press("Publish").page().to_string(), "303 /notes → /notes/2");
    visitor.follow().page().has("h1", "SNOW");
}

#[test]
fn a_file_is_sent_with_its_name() {
    let site = site();
    let mut visitor = site.visitor();
    visitor.open("/new").within("#picture").attach("Picture", "dot.gif", "GIF").press("Send");
    assert_eq!(visitor.page().source(), "title - Dot\npicture dot.gif GIF\n");
}

#[test]
fn a_failed_step_shows_the_existing_content() {
    let site = site();
    let on_form = |ask: fn(&mut TestVisitor)| {
        let mut visitor = site.visitor();
        visitor.open("/new").within("#form");
        failure(|| ask(&mut visitor))
    };
    for (said, expected) in [
        (
            on_form(|visitor| {
                visitor.page().has("h1", "Old");
            }),
            "no `h1` has \"Old\" in it; there is \"New\"\n\n200 /new\n# New\nTitle: \"\"",
        ),
        (
            on_form(|visitor| {
                visitor.page().has("h2", "Old");
            }),
            "there is no `h2`, so none with \"Old\"",
        ),
        (
            on_form(|visitor| {
                visitor.fill("Titel", "x");
            }),
            "there is no field called \"Titel\"; there is \"Title\", \"Kind\", \"Loud\"\n",
        ),
        (
            on_form(|visitor| {
                visitor.fill("Kind", "Snow");
            }),
            "\"Kind\" has no option \"Snow\"; it has \"Weather\", \"Food\"\n",
        ),
        (
            on_form(|visitor| {
                visitor.fill("Loud", "yes");
            }),
            "\"Loud\" is a checkbox, which is checked: `check(\"Loud\")`\n",
        ),
        (
            on_form(|visitor| {
                visitor.open("/new").fill("Title", "x");
            }),
            "field called \"Title\": there are 2; choose one with `within(…)`",
        ),
        (
            on_form(|visitor| {
                visitor.press("Save");
            }),
            "there is no button \"Save\"; there is \"Publish\"\n",
        ),
        (
            on_form(|visitor| {
                visitor.open("/").click("One");
            }),
            "there is no link \"One\"; there is \"Write one\"\n",
        ),
        (
            on_form(|visitor| {
                visitor.follow();
            }),
            "the answer is not a redirect, so there is nothing to follow\n",
        ),
        (
            on_form(|visitor| {
                visitor.page().is(404);
            }),
            "the status is not 404\n\n200 /new",
        ),
    ] {
        assert!(said.starts_with(expected), "{said}");
    }
}

#[test]
fn an_audit_finds_a_stale_page_that_nothing_has_invalidated() {
    let site = site();
    site.visitor().open("/forgotten");
    site.audit();
    site.fill::<Notes>([Update::Forget]);
    let said = failure(|| drop(site.audit()));
    assert!(said.contains("/forgotten [en] is in the cache, but a fresh page differs"), "{said}");
}

#[test]
fn records_have_the_time_that_the_test_has_set() {
    let site = site();
    site.at("2026-03-01T18:30:00Z").fill::<Notes>([rain()]);
    assert_eq!(site.data::<Notes>().notes.get(1).unwrap().written, 1_772_389_800_000);
    let said = failure(|| {
        site.at("2026-02-28T00:00:00Z");
    });
    assert!(said.starts_with("the site has a record of 2026-03-01T18:30:00Z already"), "{said}");
    let said = failure(|| {
        site.at("tomorrow");
    });
    assert!(said.starts_with("\"tomorrow\" is not a time"), "{said}");
}

#[test]
fn every_link_is_followed_in_each_language() {
    let site = site();
    site.fill::<Notes>([rain()]);
    assert_eq!(site.check_links(), ["/", "/menu", "/new", "/notes/1"]);
    let folder = folder(true);
    let site = Site::in_folder(folder.path()).of(app());
    let said = failure(|| drop(site.check_links()));
    let expected = "5 broken links:\n  /new#there (no such fragment) [de], on /broken\n  /new#there (no such fragment) \
                    [en], on /broken\n  /nirgends.png (404) [de], on /broken\n  /nowhere (404) [de], on /broken\n  \
                    /nowhere (404) [en], on /broken";
    assert_eq!(said, expected);
}

#[test]
fn links_are_followed_with_the_visitors_session() {
    let site = site();
    site.fill::<Notes>([rain()]);
    let mut visitor = site.visitor();
    visitor.sign_in(&Account { name: "Ana".to_owned() }).open("/account");
    let said = failure(|| drop(visitor.check_links()));
    let expected =
        "2 broken links:\n  /settings (404) [de], on /menu\n  /settings (404) [en], on /menu";
    assert_eq!(said, expected);
    visitor.page().has("h1", "Ana");
}

#[test]
fn a_visitor_may_have_a_session_without_a_sign_in() {
    let folder = folder(false);
    let site = Site::in_folder(folder.path()).cluster(app(), 2);
    let mut visitor = site.visitor();
    assert_eq!(
        visitor.open("/account").page().to_string(),
        "303 /account → /sign-in?back=%2Faccount"
    );
    visitor.sign_in(&Account { name: "Ana".to_owned() });
    for _ in 0..2 {
        visitor.open("/account").page().has("h1", "Ana");
    }
}

#[test]
fn all_problems_of_a_site_are_reported_at_the_start() {
    let folder = folder(false);
    std::fs::write(
        folder.path().join("dispatch.conf"),
        "[[route]]\npath = \"/\"\ncontroller = \"notes.lst\"\n",
    )
    .unwrap();
    let said = failure(|| drop(Site::in_folder(folder.path()).of(app())));
    assert!(said.contains("did you mean `notes.list`?"), "{said}");
}
