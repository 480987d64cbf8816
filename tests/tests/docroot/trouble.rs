use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use headwater_tests::{Cut, until};
use http_body_util::Full;

use crate::gallery::{Gallery, fetched, patiently, picture, served, url, whole};

/// Large enough to take a while over a slow link.
const LARGE: usize = 8 << 20;
/// Bytes per second over a slow link.
const SLOW: u32 = 2 << 20;

#[tokio::test]
async fn a_front_end_that_is_cut_off_delays_writers_no_longer_than_its_lease() {
    for cut in [Cut::Reset, Cut::Silence] {
        let gallery = Gallery::start(2).await;
        gallery.hang(0, "old.png", 1, 50_000).await;
        gallery.relays[1].cut(cut);
        let start = Instant::now();
        gallery.hang(0, "new.png", 1, 50_000).await;
        gallery.hang(0, "old.png", 2, 50_000).await;
        assert!(start.elapsed() < Duration::from_secs(10), "{cut:?}: {:?}", start.elapsed());
        assert_eq!(served(&gallery.visitor(0).page(&url("old.png")).await), 2);
        // It does not know of the new file, and serves the old version of the other.
        let visitor = gallery.visitor(1);
        assert_eq!(visitor.page(&url("new.png")).await.status, 503, "{cut:?}");
        assert_eq!(served(&visitor.page(&url("old.png")).await), 1, "{cut:?}");
        assert_eq!(visitor.page("/files/hello.txt").await.text(), "hello from f2\n");
        gallery.relays[1].heal();
        gallery.frontends[1].ready().await;
        assert_eq!(served(&visitor.page(&url("new.png")).await), 1, "{cut:?}");
        assert_eq!(served(&visitor.page(&url("old.png")).await), 2, "{cut:?}");
    }
}

#[tokio::test]
async fn a_front_end_without_a_lease_asks_a_back_end_that_it_can_reach() {
    let gallery = Gallery::start(2).await;
    gallery.hang(0, "weir.png", 1, 50_000).await;
    gallery.relays[1].cut(Cut::Reset);
    gallery.hang(0, "weir.png", 2, 50_000).await;
    gallery.relays[1].heal();
    // Whether calls or the feed work first: once a page can be made, no answer contains the old
    // file.
    let visitor = gallery.visitor(1);
    until("a page can be made", async || {
        (visitor.page("/uncached/1").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(served(&visitor.page(&url("weir.png")).await), 2);
}

#[tokio::test]
async fn a_transfer_is_resumed_after_its_back_end_was_killed() {
    let mut gallery = Gallery::start(2).await;
    gallery.relays[1].slow(Some(SLOW));
    let hanging = {
        let visitor = gallery.visitor(0);
        tokio::spawn(async move {
            let body = picture(1, LARGE);
            let request = http::Request::post("/gallery/weir.png/1");
            visitor.send(request.body(Full::new(body.into())).unwrap()).await
        })
    };
    for _ in 0..2 {
        let before = fetched(&gallery.frontends[1]).await;
        until("the transfer is under way", async || {
            (fetched(&gallery.frontends[1]).await > before + (1 << 20)).then_some(())
        })
        .await;
        gallery.restart_backend().await;
    }
    gallery.relays[1].slow(None);
    hanging.await.unwrap().ok();
    whole(&gallery.frontends[1]).await;
    gallery.ready().await;
    assert_eq!(fetched(&gallery.frontends[1]).await, LARGE as u64, "no byte came twice");
    assert_eq!(served(&gallery.visitor(1).page(&url("weir.png")).await), 1);
}

#[tokio::test]
async fn a_transfer_is_resumed_after_its_front_end_was_killed() {
    let mut gallery = Gallery::with(2, &[("DOCROOT__SYNC_DEADLINE", "100ms")]).await;
    gallery.relays[1].slow(Some(SLOW));
    let answer = gallery.try_hang(0, "weir.png", 1, LARGE).await;
    assert_eq!(answer.status, 500);
    until("the transfer is under way", async || {
        (fetched(&gallery.frontends[1]).await > 1 << 20).then_some(())
    })
    .await;
    gallery.frontends[1].kill().await;
    let parts: Vec<u64> = std::fs::read_dir(gallery.store("f2"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"))
        .map(|entry| entry.metadata().unwrap().len())
        .collect();
    let [part] = *parts else { panic!("one content has {} parts", parts.len()) };
    assert!(part > 1 << 20);
    gallery.relays[1].slow(None);
    gallery.frontends[1].restart().await;
    gallery.ready().await;
    assert_eq!(served(&gallery.visitor(1).page(&url("weir.png")).await), 1);
    assert_eq!(fetched(&gallery.frontends[1]).await, LARGE as u64 - part, "no byte came twice");
}

#[tokio::test]
async fn a_front_end_that_is_too_slow_is_named_and_its_visitors_wait_for_the_file() {
    let gallery = Gallery::with(2, &[("DOCROOT__SYNC_DEADLINE", "3s")]).await;
    gallery.relays[1].slow(Some(SLOW / 2));
    let answer = gallery.try_hang(0, "weir.png", 2, LARGE).await;
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("f2 still lacked its content"), "{}", answer.text());
    assert_eq!(gallery.frontends[1].status().await["docroot"]["missing"], 1);
    let response = gallery.visitor(1).page(&url("weir.png")).await;
    assert_eq!(served(&response), 2, "it was waited for");
    assert_eq!(served(&gallery.visitor(0).page(&url("weir.png")).await), 2);
}

#[tokio::test]
async fn the_controller_answers_when_the_slowest_front_end_has_the_file() {
    let gallery = Gallery::start(3).await;
    gallery.relays[1].slow(Some(SLOW));
    gallery.relays[2].slow(Some(SLOW / 2));
    gallery.hang(0, "weir.png", 1, LARGE / 8).await;
    for frontend in &gallery.frontends {
        assert_eq!(frontend.status().await["docroot"]["missing"], 0, "{}", frontend.name());
    }
}

#[tokio::test]
async fn a_request_that_waits_too_long_is_a_503() {
    let variables = [("DOCROOT__SYNC_DEADLINE", "300ms"), ("LINK__DEADLINE", "500ms")];
    let gallery = Gallery::with(2, &variables).await;
    gallery.relays[1].slow(Some(SLOW / 8));
    let _ = gallery.try_hang(0, "weir.png", 1, LARGE).await;
    until("the log has it", async || {
        (gallery.visitor(0).page(&url("weir.png")).await.status == 200).then_some(())
    })
    .await;
    let response = gallery.visitor(1).page(&url("weir.png")).await;
    assert_eq!(response.status, 503);
    assert!(!response.header("retry-after").is_empty());
    gallery.relays[1].slow(None);
    assert_eq!(served(&patiently(&gallery.visitor(1), &url("weir.png")).await), 1);
}

#[tokio::test]
async fn a_front_end_with_a_full_disk_fails_no_upload_and_is_not_ready() {
    let gallery = Gallery::start(2).await;
    gallery.hang(0, "small.png", 1, 16).await;
    let content = picture(7, 100_000);
    let part = format!("{}.part", blake3::hash(&content).to_hex());
    std::os::unix::fs::symlink("/dev/full", gallery.store("f2").join(&part)).unwrap();
    let start = Instant::now();
    gallery.hang(0, "weir.png", 7, 100_000).await;
    assert!(start.elapsed() < Duration::from_secs(30), "it was waited for");
    assert_eq!(served(&gallery.visitor(0).page(&url("weir.png")).await), 7);
    assert_eq!(gallery.frontends[1].status().await["docroot"]["failing"], 1);
    until("its last lease is over", async || {
        let status = gallery.frontends[1].status().await;
        (status["lease"] == false).then_some(())
    })
    .await;
    let ready = gallery.frontends[1].operator().page("/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("No space left"), "{}", ready.text());
    assert!(gallery.frontends[0].is_ready().await && gallery.backend.is_ready().await);
    // The file is fetched as soon as there is space.
    std::fs::remove_file(gallery.store("f2").join(&part)).unwrap();
    assert_eq!(served(&patiently(&gallery.visitor(1), &url("weir.png")).await), 7);
    gallery.frontends[1].ready().await;
    gallery.hang(0, "weir.png", 8, 100_000).await;
}

#[tokio::test]
async fn a_lost_file_is_fetched_again_even_when_the_back_end_has_lost_it_too() {
    let gallery = Gallery::start(1).await;
    gallery.hang(0, "weir.png", 1, 50_000).await;
    let name = blake3::hash(&picture(1, 50_000)).to_hex();
    std::fs::remove_file(gallery.store("f1").join(name.as_str())).unwrap();
    assert_eq!(served(&gallery.visitor(0).page(&url("weir.png")).await), 1);
    for node in ["f1", "b1"] {
        std::fs::remove_file(gallery.store(node).join(name.as_str())).unwrap();
    }
    assert_eq!(served(&gallery.visitor(0).page(&url("weir.png")).await), 1);
    assert!(gallery.backend.messages().contain("imported again"));
}

#[tokio::test]
async fn a_request_for_a_file_that_no_node_has_does_not_wait_long() {
    let gallery = Gallery::with(1, &[("LINK__DEADLINE", "100s")]).await;
    gallery.hang(0, "weir.png", 1, 50_000).await;
    gallery.hang(0, "other.png", 2, 50_000).await;
    let name = blake3::hash(&picture(1, 50_000)).to_hex();
    for node in ["f1", "b1"] {
        std::fs::remove_file(gallery.store(node).join(name.as_str())).unwrap();
    }
    let own = gallery.site.path("docroot/files/uploads/weir.png");
    std::fs::rename(&own, own.with_file_name("elsewhere.png")).unwrap();
    let visitor = gallery.visitor(0);
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(visitor.page(&url("weir.png")).await.status, 503);
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
    assert_eq!(served(&visitor.page(&url("other.png")).await), 2);
    std::fs::rename(own.with_file_name("elsewhere.png"), &own).unwrap();
    assert_eq!(served(&patiently(&visitor, &url("weir.png")).await), 1);
}

#[tokio::test]
async fn a_lost_encoded_sibling_is_fetched_again() {
    let gallery = Gallery::start(1).await;
    let content = "body {} ".repeat(1000);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(content.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let visitor = gallery.visitor(0);
    for (path, content) in [("files/a.css", content.as_bytes()), ("files/a.css.gz", &gzip)] {
        std::fs::write(gallery.site.path("docroot").join(path), content).unwrap();
        assert_eq!(visitor.ask("POST", "/synchronize", &[], path).await.status, 200);
    }
    let ask = async || visitor.page_with("/files/a.css", &[("accept-encoding", "gzip")]).await;
    assert_eq!(ask().await.header("content-encoding"), "gzip");
    let name = blake3::hash(&gzip).to_hex();
    std::fs::remove_file(gallery.store("f1").join(name.as_str())).unwrap();
    until("the sibling is back", async || {
        let response = ask().await;
        assert_eq!(response.status, 200, "the file itself is there all the time");
        (response.headers.get("content-encoding")? == "gzip").then_some(())
    })
    .await;
}

#[tokio::test]
async fn two_nodes_with_one_name_cannot_share_a_folder() {
    let gallery = Gallery::start(1).await;
    gallery.hang(0, "weir.png", 1, 50_000).await;
    let node = gallery.site.node(headwater_tests::Mode::Frontend, "f1");
    let node = node.set("DOCROOT__SYNC", gallery.site.path("sync/f1").display());
    let ended = node.try_start().await.expect_err("it must not start");
    assert!(ended.messages.contain("another process uses this folder"), "{}", ended.messages);
}
