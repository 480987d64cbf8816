//! The recipes in a browser.

use std::path::Path;

use headwater_tests::{Browser, Cluster, Site};

#[tokio::test]
async fn all_pages_and_refused_forms_are_accessible_and_without_console_messages() {
    let Some(mut browser) = Browser::start().await else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["project.toml", "dispatch.conf", "templates", "locales", "docroot"];
    let site = Site::new(env!("CARGO_BIN_EXE_recipes"));
    let cluster =
        Cluster::start(files.iter().fold(site, |site, name| site.copy(root, name)), 1).await;
    let site = format!("http://{}", cluster.frontends[0].http());

    let pages = browser.inspect(&site).await;
    for page in ["/?page=2", "/tags/supper", "/authors/Ruth", "/recipes/plum-crumble/edit"] {
        assert!(pages.iter().any(|known| known == page), "{page}: {pages:?}");
    }
    browser.open(&format!("{site}/nowhere")).await;
    browser.is_sound().await;

    browser.open(&format!("{site}/recipes")).await;
    browser.fill("Title", " ").await;
    browser.fill("Recipe", "Stir <b>slowly</b>.").await;
    browser.fill("Your name", "Ada").await;
    browser.press("Publish").await;
    let shown = browser.shown().await;
    assert!(shown.contains("Title: Please fill in this field."), "{shown}");
    assert_eq!(browser.value("Recipe").await, "Stir <b>slowly</b>.");
    browser.is_sound().await;
    browser.fill("Title", "Porridge").await;
    browser.press("Publish").await;
    assert_eq!(browser.text("location.pathname").await, "/recipes/porridge");
    browser.is_sound().await;
}
