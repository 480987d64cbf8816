//! The site as visitors meet it, in this process: routes, templates, cache and log.

use headwater::app::SiteService;
use headwater::prelude::*;
use tempfile::TempDir;

/// What a visitor gets.
pub struct Answer {
    pub status: StatusCode,
    /// Where a redirect leads.
    pub location: String,
    pub text: String,
}

/// The site with a log of its own, which goes with the folder.
pub async fn site() -> (SiteService, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "project.toml",
        "dispatch.conf",
        "routes",
        "templates",
        "docroot",
        "locales",
    ] {
        if here.join(name).exists() {
            std::os::unix::fs::symlink(here.join(name), folder.path().join(name)).unwrap();
        }
    }
    let site = crate::app().into_service(folder.path()).await.unwrap();
    (site, folder)
}

/// Asks for a page.
pub async fn get(site: &SiteService, path: &str) -> Answer {
    answer(site, http::Request::get(path).body(Body::empty()).unwrap()).await
}

/// Sends a form.
pub async fn post(site: &SiteService, path: &str, form: &'static str) -> Answer {
    let request =
        http::Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    answer(site, request.body(Body::from(form)).unwrap()).await
}

async fn answer(site: &SiteService, request: http::Request<Body>) -> Answer {
    let response = site.answer(request).await;
    let status = response.status();
    let location = response.headers().get("location");
    let location = location
        .map_or("", |location| location.to_str().unwrap())
        .to_owned();
    let body = response.into_body().collect(1 << 20).await.unwrap();
    Answer {
        status,
        location,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn a_note_is_on_the_front_page_when_the_form_is_answered() {
    let (site, _folder) = site().await;
    let page = get(&site, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text.contains("Rain &amp; sun"), "{}", page.text);

    assert_eq!(post(&site, "/", "text=Rain+%26+sun").await.location, "/");
    let page = get(&site, "/").await;
    assert!(page.text.contains("Rain &amp; sun"), "{}", page.text);
    site.stop().await;
}

#[tokio::test]
async fn a_note_that_says_nothing_comes_back_with_a_reason() {
    let (site, _folder) = site().await;
    let page = post(&site, "/", "text=+").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text.contains("1 to 280 characters"), "{}", page.text);
    site.stop().await;
}

#[tokio::test]
async fn an_address_that_does_not_exist_has_the_sites_own_error_page() {
    let (site, _folder) = site().await;
    let page = get(&site, "/nothing").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("There is no such page"), "{}", page.text);
    site.stop().await;
}
