//! The site as visitors meet it, in this process: routes, templates, cache and log.

use headwater::app::SiteService;
use headwater::prelude::*;
use tempfile::TempDir;

/// The site with a log of its own, which goes with the folder.
async fn site() -> (SiteService, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "project.toml",
        "dispatch.conf",
        "routes",
        "templates",
        "docroot",
    ] {
        if here.join(name).exists() {
            std::os::unix::fs::symlink(here.join(name), folder.path().join(name)).unwrap();
        }
    }
    let site = crate::app().into_service(folder.path()).await.unwrap();
    (site, folder)
}

async fn get(site: &SiteService, path: &str) -> (StatusCode, String) {
    read(
        site.answer(http::Request::get(path).body(Body::empty()).unwrap())
            .await,
    )
    .await
}

async fn post(site: &SiteService, path: &str, form: &'static str) -> (StatusCode, String) {
    let request =
        http::Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    read(site.answer(request.body(Body::from(form)).unwrap()).await).await
}

async fn read(response: http::Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect(1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_note_is_on_the_front_page_when_the_form_is_answered() {
    let (site, _folder) = site().await;
    let (status, page) = get(&site, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!page.contains("Rain &amp; sun"), "{page}");

    let (status, _) = post(&site, "/", "text=Rain+%26+sun").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let (_, page) = get(&site, "/").await;
    assert!(page.contains("Rain &amp; sun"), "{page}");
    site.stop().await;
}

#[tokio::test]
async fn a_note_that_is_too_long_comes_back_with_a_reason() {
    let (site, _folder) = site().await;
    let (status, page) = post(&site, "/", "text=+").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("1 to 280 characters"), "{page}");
    site.stop().await;
}

#[tokio::test]
async fn an_address_that_does_not_exist_has_the_sites_own_error_page() {
    let (site, _folder) = site().await;
    let (status, page) = get(&site, "/nothing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("There is no such page"), "{page}");
    site.stop().await;
}
