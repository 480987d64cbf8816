//! The example site in a browser.

use std::path::Path;

use headwater_tests::{Browser, Cluster, Site};

/// Starts a back end and a front end with the site's own files, and returns the front end's address with them.
async fn cluster() -> (Cluster, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = ["project.toml", "dispatch.conf", "templates", "locales", "example-site/docroot"];
    let site = Site::new(env!("CARGO_BIN_EXE_example-site"));
    let site = files.iter().fold(site, |site, name| site.copy(&root, name));
    let cluster = Cluster::start(site, 1).await;
    let address = format!("http://{}", cluster.frontends[0].http());
    (cluster, address)
}

#[tokio::test]
async fn all_pages_are_accessible_and_without_console_messages() {
    let Some(mut browser) = Browser::start().await else { return };
    let (_cluster, site) = cluster().await;
    let pages = browser.inspect(&site).await;
    assert!(pages.len() > 12, "{pages:?}");
    browser.open(&format!("{site}/nowhere")).await;
    browser.is_sound().await;
}

#[tokio::test]
async fn a_refused_form_shows_errors_and_keeps_its_values_and_a_message_is_shown_once() {
    let Some(mut browser) = Browser::start().await else { return };
    let (_cluster, site) = cluster().await;
    browser.open(&format!("{site}/submit")).await;
    browser.fill("Title", " ").await;
    browser.fill("Story", "Nine herons, one <b>town hall</b>.").await;
    browser.press("Publish the story").await;
    let shown = browser.shown().await;
    assert!(shown.contains("Title: Please fill in this field."), "{shown}");
    assert_eq!(browser.value("Story").await, "Nine herons, one <b>town hall</b>.");
    browser.is_sound().await;

    browser.fill("Title", "Herons").await;
    browser.press("Publish the story").await;
    assert_eq!(browser.text("location.pathname").await, "/stories/herons");
    let message = "Your story is published";
    assert!(browser.shown().await.contains(message), "{}", browser.shown().await);
    browser.is_sound().await;
    browser.open(&format!("{site}/stories/herons")).await;
    assert!(!browser.shown().await.contains(message), "{}", browser.shown().await);

    browser.press("Deutsch").await;
    assert_eq!(browser.text("location.pathname").await, "/stories/herons");
    browser.fill("Ihr Name", " ").await;
    browser.fill("Ihr Kommentar", "Zehn.").await;
    browser.press("Kommentar abschicken").await;
    assert_eq!(browser.value("Ihr Kommentar").await, "Zehn.");
    assert!(browser.shown().await.contains("Ihr Name: Bitte"), "{}", browser.shown().await);
    browser.is_sound().await;
}

#[tokio::test]
async fn the_back_button_shows_nothing_personal_after_a_sign_out() {
    let Some(mut browser) = Browser::start().await else { return };
    let (_cluster, site) = cluster().await;
    browser.open(&format!("{site}/me")).await;
    browser.fill("What is your name?", "Ada Lovelace").await;
    browser.press("Sign in").await;
    for page in ["/", "/faq", "/me"] {
        browser.open(&format!("{site}{page}")).await;
        browser.is_sound().await;
        assert!(browser.shown().await.contains("Ada Lovelace"), "{}", browser.shown().await);
    }
    browser.press("Sign out").await;
    browser.is_sound().await;
    for _ in 0..4 {
        let shown = browser.shown().await;
        assert!(!shown.contains("Ada Lovelace"), "{}", browser.text("location.href").await);
        browser.back().await;
    }
}
