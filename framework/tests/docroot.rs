//! Files that a site in this process writes to its docroot.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use headwater::SyncError;
use headwater::app::SiteService;
use headwater::prelude::*;

/// Writes the body to a file of the docroot and synchronizes it; an empty body removes the file.
#[controller("put")]
#[invalidate(groups = ["front"])]
async fn put(Path(name): Path<String>, cluster: Cluster, content: Bytes) -> Result<Reply> {
    let path = format!("f/{name}");
    let file = cluster.docroot().join(&path);
    match content.is_empty() {
        true => std::fs::remove_file(&file)?,
        false => std::fs::write(&file, &content)?,
    }
    let receipt = cluster.synchronize_docroot(&path).await?;
    Ok(text(receipt.position.to_string()))
}

/// Synchronizes a file without changing it.
#[controller("sync")]
async fn sync(Path(name): Path<String>, cluster: Cluster) -> Reply {
    match cluster.synchronize_docroot(format!("f/{name}")).await {
        Ok(_) => text("done"),
        Err(error @ SyncError::NoDocroot { .. }) => text(error.to_string()).with_status(409),
        Err(error) => text(error.to_string()).with_status(500),
    }
}

/// Stores the body as two files and returns their paths.
#[controller("keep")]
async fn keep(Path(folder): Path<String>, cluster: Cluster, content: Bytes) -> Reply {
    let files = [FormFile::new(content.clone()), FormFile::new(content)];
    match cluster.keep_files(&folder, files).await {
        Ok(paths) => text(paths.join(" ")),
        Err(error) => text(error.to_string()).with_status(409),
    }
}

/// Removes the files with the paths in the body.
#[controller("remove")]
async fn remove(cluster: Cluster, paths: String) -> Reply {
    match cluster.remove_files(paths.split(' ')).await {
        Ok(()) => text("done"),
        Err(error) => text(error.to_string()).with_status(409),
    }
}

/// A page that refers to a file.
#[controller("front")]
async fn front(cluster: Cluster) -> Reply {
    text(std::fs::read_to_string(cluster.docroot().join("f/a.txt")).unwrap_or_default())
}

const ROUTES: &str = r#"
[[route]]
path = "/put/{name}"
methods = ["POST"]
controller = "put"

[[route]]
path = "/sync/{name}"
methods = ["POST"]
controller = "sync"

[[route]]
path = "/keep/{folder}"
methods = ["POST"]
controller = "keep"

[[route]]
path = "/remove"
methods = ["POST"]
controller = "remove"

[[route]]
path = "/front"
controller = "front"
groups = ["front"]
cache = "persistent"

[[route]]
path = "/f/{*path}"
files = "f"
"#;

async fn site(folder: &std::path::Path) -> SiteService {
    std::fs::create_dir_all(folder.join("docroot/f")).unwrap();
    std::fs::write(folder.join("dispatch.conf"), ROUTES).unwrap();
    let site = App::new()
        .controllers(controllers![put, sync, keep, remove, front])
        .into_service(folder)
        .await;
    site.unwrap_or_else(|problems| panic!("{problems}"))
}

async fn ask(
    site: &SiteService,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> http::Response<Bytes> {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    let (parts, body) = site.answer(request).await.into_parts();
    http::Response::from_parts(parts, body.collect(1 << 20).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_and_the_page_that_refers_to_it_change_together() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    for content in ["one", "two", "three"] {
        assert_eq!(ask(&site, "POST", "/put/a.txt", &[], content).await.status(), 200);
        // The synchronized content is served, not the present content of the folder.
        std::fs::write(folder.path().join("docroot/f/a.txt"), content.to_uppercase()).unwrap();
        assert_eq!(ask(&site, "GET", "/f/a.txt", &[], "").await.body(), content);
        assert_eq!(*ask(&site, "GET", "/front", &[], "").await.body(), content.to_uppercase());
    }
    assert_eq!(ask(&site, "POST", "/put/a.txt", &[], "").await.status(), 200);
    assert_eq!(ask(&site, "GET", "/f/a.txt", &[], "").await.status(), 404);
    assert_eq!(ask(&site, "GET", "/front", &[], "").await.body(), "");
    std::fs::write(folder.path().join("docroot/f/a.txt"), "only here").unwrap();
    assert_eq!(ask(&site, "GET", "/f/a.txt", &[], "").await.status(), 404);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_stored_file_has_its_own_name_until_it_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    for (content, ending, media_type) in [
        (&b"\x89PNG\r\n\x1a\n"[..], ".png", "image/png"),
        (b"GIF89a", ".gif", "image/gif"),
        (b"<script>", ".bin", "application/octet-stream"),
        (b"", ".bin", "application/octet-stream"),
    ] {
        let kept = ask(&site, "POST", "/keep/f", &[], content.to_vec()).await;
        let kept = String::from_utf8(kept.body().to_vec()).unwrap();
        let paths: Vec<&str> = kept.split(' ').collect();
        assert!(paths.len() == 2 && paths[0] != paths[1], "{kept}");
        for path in &paths {
            assert!(path.starts_with("f/") && path.ends_with(ending), "{kept}");
            let answer = ask(&site, "GET", &format!("/{path}"), &[], "").await;
            assert_eq!((answer.body().as_ref(), answer.status().as_u16()), (content, 200));
            assert_eq!(answer.headers()["content-type"], media_type);
        }
        // The second time there is nothing left to remove.
        for _ in 0..2 {
            assert_eq!(ask(&site, "POST", "/remove", &[], kept.clone()).await.body(), "done");
        }
        for path in paths {
            let answer = ask(&site, "GET", &format!("/{path}"), &[], "").await;
            assert_eq!(answer.status(), 404);
            assert!(!folder.path().join("docroot").join(path).exists());
        }
    }
    assert_eq!(std::fs::read_dir(folder.path().join("docroot/f")).unwrap().count(), 0);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_stored_or_removed_outside_of_the_docroot() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let outside = folder.path().join("dispatch.conf");
    for path in ["../dispatch.conf", outside.to_str().unwrap(), "f/../../dispatch.conf"] {
        let answer = ask(&site, "POST", "/remove", &[], path.to_owned()).await;
        assert_eq!(answer.status(), 409, "{path}");
    }
    assert!(outside.exists());
    assert_eq!(ask(&site, "POST", "/keep/.hidden", &[], "x").await.status(), 409);
    std::fs::remove_dir_all(folder.path().join("docroot")).unwrap();
    let answer = ask(&site, "POST", "/keep/f", &[], "x").await;
    assert!(std::str::from_utf8(answer.body()).unwrap().contains("there is no folder"));
    assert!(!folder.path().join("docroot").exists());
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn synchronized_files_exist_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = site(folder.path()).await;
    assert_eq!(ask(&first, "POST", "/put/a.txt", &[], "one").await.status(), 200);
    assert_eq!(ask(&first, "POST", "/put/b.txt", &[], "two").await.status(), 200);
    assert_eq!(ask(&first, "POST", "/put/b.txt", &[], "").await.status(), 200);
    first.stop().await;
    std::fs::remove_file(folder.path().join("docroot/f/a.txt")).unwrap();
    std::fs::write(folder.path().join("docroot/f/b.txt"), "back again").unwrap();
    let second = site(folder.path()).await;
    assert_eq!(ask(&second, "GET", "/f/a.txt", &[], "").await.body(), "one");
    assert_eq!(ask(&second, "GET", "/f/b.txt", &[], "").await.status(), 404);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_docroot_removes_no_synchronized_file() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    assert_eq!(ask(&site, "POST", "/put/a.txt", &[], "one").await.status(), 200);
    std::fs::remove_dir_all(folder.path().join("docroot")).unwrap();
    let answer = ask(&site, "POST", "/sync/a.txt", &[], "").await;
    assert_eq!(answer.status(), 409);
    assert!(std::str::from_utf8(answer.body()).unwrap().contains("there is no folder"));
    assert_eq!(ask(&site, "GET", "/f/a.txt", &[], "").await.body(), "one");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_concurrent_synchronizations_end_with_the_content_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let file = folder.path().join("docroot/f/a.txt");
    for round in 0..20 {
        let calls = (0..8).map(|writer| {
            let (site, file) = (site.clone(), file.clone());
            tokio::spawn(async move {
                let draft = file.with_file_name(format!(".{writer}"));
                std::fs::write(&draft, format!("{round} {writer}")).unwrap();
                std::fs::rename(&draft, &file).unwrap();
                assert_eq!(ask(&site, "POST", "/sync/a.txt", &[], "").await.status(), 200);
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
        let served = ask(&site, "GET", "/f/a.txt", &[], "").await;
        assert_eq!(served.body(), &std::fs::read(&file).unwrap());
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoded_sibling_is_sent_for_no_other_content() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path()).await;
    let in_docroot = |name: &str| folder.path().join("docroot/f").join(name);
    let gzip = |content: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(content.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let put = async |name: &str, content: &[u8]| {
        std::fs::write(in_docroot(name), content).unwrap();
        assert_eq!(ask(&site, "POST", &format!("/sync/{name}"), &[], "").await.status(), 200);
    };
    let coding = async || {
        let response = ask(&site, "GET", "/f/a.css", &[("accept-encoding", "gzip")], "").await;
        let coding = response.headers().get("content-encoding").cloned();
        (response.status().as_u16(), coding.map(|coding| coding.to_str().unwrap().to_owned()))
    };
    let (one, two) = ("one {} ".repeat(100), "two {} ".repeat(100));
    // A matching sibling of the site's own files is not a sibling of the file in the log.
    std::fs::write(in_docroot("a.css.gz"), gzip(&one)).unwrap();
    put("a.css", one.as_bytes()).await;
    assert_eq!(coding().await, (200, None));
    put("a.css.gz", &gzip(&one)).await;
    assert_eq!(coding().await, (200, Some("gzip".to_owned())));
    put("a.css", two.as_bytes()).await;
    assert_eq!(coding().await, (200, None));
    // A sibling that is synchronized after the original must still match its content.
    put("a.css.gz", &gzip(&one)).await;
    assert_eq!(coding().await, (200, None));
    // A matching sibling may be synchronized before the original.
    put("a.css.gz", &gzip(&one)).await;
    put("a.css", one.as_bytes()).await;
    assert_eq!(coding().await, (200, Some("gzip".to_owned())));
    std::fs::remove_file(in_docroot("a.css")).unwrap();
    assert_eq!(ask(&site, "POST", "/sync/a.css", &[], "").await.status(), 200);
    assert_eq!(coding().await, (404, None));
    site.stop().await;
}
