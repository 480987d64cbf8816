//! Names that are served.

use super::*;

#[tokio::test]
async fn hidden_files_and_files_outside_are_not_found() {
    let (folder, files) = docroot();
    let long = "x".repeat(5000);
    let absolute = folder.path().join("secret.txt");
    for path in [
        "../secret.txt",
        "css/../../secret.txt",
        "css/../index.html",
        "/etc/passwd",
        absolute.to_str().unwrap(),
        ".env",
        "css/.git/config",
        "css//site.css",
        "css\\site.css",
        "index.html/x",
        "index.html\0",
        "nothing",
        "..",
        ".",
        &long,
    ] {
        assert_eq!(get(&files, path).await, None, "{path}");
    }
    assert!(get(&files, ".well-known/security.txt").await.is_some());
}

#[tokio::test]
async fn links_and_pipes_do_not_lead_outside_or_hang() {
    use std::os::unix::fs::symlink;
    let (folder, files) = docroot();
    let root = folder.path().join("root");
    symlink("css/site.css", root.join("inside.css")).unwrap();
    symlink("../secret.txt", root.join("outside.txt")).unwrap();
    symlink("../secret.txt", root.join("css/site.css.gz")).unwrap();
    symlink(folder.path(), root.join("folder")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(root.join("pipe")).status();
    assert!(made.unwrap().success());
    assert!(get(&files, "inside.css").await.is_some());
    for path in ["outside.txt", "folder/secret.txt", "loop", "pipe"] {
        assert_eq!(get(&files, path).await, None, "{path}");
    }
    let accept = [(header::ACCEPT_ENCODING, "gzip")];
    assert_eq!(get_with(&files, "css/site.css", &accept).await.2, "body {}");
}

#[test]
fn a_request_refers_to_a_file_an_index_or_a_file_without_its_fingerprint() {
    for (path, meant) in [
        ("css/site.css", &["css/site.css", "css/site.css/index.html"][..]),
        ("css/", &["css", "css/index.html"]),
        ("", &["index.html"]),
        (
            "a.0123456789abcdef.css",
            &["a.0123456789abcdef.css", "a.0123456789abcdef.css/index.html", "a.css"],
        ),
        ("../a", &[]),
        (".git/config", &[]),
    ] {
        assert_eq!(Files::meant_by(path), meant, "{path}");
    }
}
