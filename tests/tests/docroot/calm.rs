use headwater_tests::Mode;
use headwater_tests::Site;

use crate::gallery::{Gallery, fetched, picture, served, url};

#[tokio::test]
async fn a_file_is_on_every_front_end_when_the_controller_answers() {
    let gallery = Gallery::start(3).await;
    gallery.hang(0, "weir.png", 1, 300_000).await;
    let mut tags = Vec::new();
    for frontend in 0..3 {
        let response = gallery.visitor(frontend).page(&url("weir.png")).await;
        assert_eq!(served(&response), 1);
        assert_eq!(response.header("content-type"), "image/png");
        assert_eq!(response.header("cache-control"), "no-cache");
        tags.push(response.header("etag").to_owned());
        let status = gallery.frontends[frontend].status().await;
        assert_eq!(
            (&status["docroot"]["held"], &status["docroot"]["missing"]),
            (&1.into(), &0.into())
        );
        assert_eq!(gallery.visitor(frontend).page("/gallery").await.text(), "weir.png 1\n");
    }
    tags.dedup();
    let [tag] = &*tags else { panic!("one file has several tags: {tags:?}") };
    let known = [("if-none-match", tag.as_str())];
    assert_eq!(gallery.visitor(1).page_with(&url("weir.png"), &known).await.status, 304);
    let head = gallery.visitor(1).ask("HEAD", &url("weir.png"), &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, "300000"));
    assert_eq!(
        gallery.frontends[2].metric("headwater_docroot_contents{state=\"held\"}").await,
        1.0
    );
    // A file that was not synchronized is each front end's own.
    assert_eq!(gallery.visitor(1).page("/files/hello.txt").await.text(), "hello from f2\n");
}

#[tokio::test]
async fn a_replaced_or_removed_file_changes_everywhere_at_once() {
    let gallery = Gallery::start(2).await;
    for round in 0..5 {
        for version in [10 * round + 1, 10 * round + 2] {
            gallery.hang(0, "weir.png", version, 50_000).await;
            for frontend in 0..2 {
                let response = gallery.visitor(frontend).page(&url("weir.png")).await;
                assert_eq!(served(&response), version);
            }
        }
        gallery.remove(1, "weir.png").await;
        for frontend in 0..2 {
            assert_eq!(gallery.visitor(frontend).page(&url("weir.png")).await.status, 404);
        }
    }
}

#[tokio::test]
async fn a_synchronized_file_takes_precedence_over_a_front_ends_own() {
    let gallery = Gallery::start(2).await;
    let synchronize = async || {
        let visitor = gallery.visitor(0);
        let response = visitor.ask("POST", "/synchronize", &[], "files/hello.txt").await;
        assert_eq!(response.status, 200, "{}", response.text());
        let receipt = response.json()["acknowledgements"].to_string();
        assert!(receipt.contains("f1") && receipt.contains("f2"), "{receipt}");
    };
    let hello = gallery.site.path("docroot/files/hello.txt");
    synchronize().await;
    for frontend in 0..2 {
        assert_eq!(
            gallery.visitor(frontend).page("/files/hello.txt").await.text(),
            "hello, world\n"
        );
    }
    std::fs::remove_file(hello).unwrap();
    synchronize().await;
    for frontend in 0..2 {
        assert_eq!(gallery.visitor(frontend).page("/files/hello.txt").await.status, 404);
    }
}

#[tokio::test]
async fn the_index_of_a_folder_can_be_synchronized() {
    let gallery = Gallery::start(1).await;
    std::fs::create_dir_all(gallery.site.path("docroot/files/tour")).unwrap();
    std::fs::write(gallery.site.path("docroot/files/tour/index.html"), "<h1>Tour").unwrap();
    let visitor = gallery.visitor(0);
    let answer = visitor.ask("POST", "/synchronize", &[], "files/tour/index.html").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let folder = visitor.page("/files/tour").await;
    assert_eq!((folder.status, folder.header("location")), (302, "/files/tour/"));
    for target in ["/files/tour/", "/files/tour/index.html"] {
        let response = visitor.page(target).await;
        assert_eq!((response.status, response.text()), (200, "<h1>Tour"), "{target}");
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn a_path_that_front_ends_would_not_serve_is_refused_with_a_reason() {
    let gallery = Gallery::start(1).await;
    std::fs::write(gallery.site.path("docroot/.env"), "secret").unwrap();
    std::fs::write(gallery.site.path("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret", gallery.site.path("docroot/link")).unwrap();
    let before = gallery.backend.status().await["position"].clone();
    for (path, reason) in [
        ("../secret", "`.` or `..`"),
        ("/etc/passwd", "start at the docroot"),
        (".env", "begin with a dot"),
        ("link", "not a regular file below the docroot"),
        ("files", "not a regular file below the docroot"),
        ("files/", "names a folder"),
        ("", "empty"),
    ] {
        let answer = gallery.visitor(0).ask("POST", "/synchronize", &[], path).await;
        assert_eq!(answer.status, 500, "{path}");
        assert!(answer.text().contains(reason), "{path}: {}", answer.text());
    }
    assert_eq!(gallery.backend.status().await["position"], before, "nothing was written");
}

#[tokio::test]
async fn a_front_end_that_joins_later_has_every_file_before_it_is_ready() {
    let mut gallery = Gallery::start(1).await;
    for number in 0..20 {
        gallery.hang(0, &format!("{number}.png"), number, 100_000).await;
    }
    gallery.remove(0, "7.png").await;
    gallery.join().await;
    let visitor = gallery.visitor(1);
    // From the start it answers 503 until it knows of the file, or serves the file.
    for number in (0..20).filter(|number| *number != 7).cycle().take(200) {
        let response = visitor.page(&url(&format!("{number}.png"))).await;
        assert!(matches!(response.status, 200 | 503), "{}", response.status);
        if response.status == 200 {
            assert_eq!(served(&response), number);
        }
    }
    gallery.frontends[1].ready().await;
    let status = gallery.frontends[1].status().await;
    assert_eq!(
        (&status["docroot"]["files"], &status["docroot"]["missing"]),
        (&19.into(), &0.into())
    );
    assert_eq!(served(&visitor.page(&url("19.png")).await), 19);
    assert_eq!(visitor.page(&url("7.png")).await.status, 404);
    assert_eq!(fetched(&gallery.frontends[1]).await, 19 * 100_000);
}

#[tokio::test]
async fn a_restarted_front_end_fetches_nothing_twice() {
    let mut gallery = Gallery::start(2).await;
    gallery.hang(0, "weir.png", 1, 100_000).await;
    gallery.frontends[1].restart().await;
    gallery.ready().await;
    assert_eq!(served(&gallery.visitor(1).page(&url("weir.png")).await), 1);
    assert_eq!(fetched(&gallery.frontends[1]).await, 0);
}

#[tokio::test]
async fn a_single_node_keeps_one_copy() {
    let site = Site::test_site(env!("CARGO_BIN_EXE_test-site"));
    let node = site.node(Mode::SingleNodeWithCache, "solo").start().await;
    node.ready().await;
    let visitor = node.visitor();
    for version in [1, 2] {
        let target = format!("/gallery/weir.png/{version}");
        let response = visitor.ask("POST", &target, &[], picture(version, 100_000)).await;
        assert_eq!(response.text(), "hung");
        assert_eq!(served(&visitor.page(&url("weir.png")).await), version);
    }
    assert_eq!(fetched(&node).await, 0);
    let stored = std::fs::read_dir(site.path("data/docroot/solo")).unwrap();
    let lengths: Vec<u64> =
        stored.map(|entry| entry.unwrap().metadata().unwrap().len()).filter(|it| *it > 0).collect();
    assert_eq!(lengths, [100_000; 2]);
}
