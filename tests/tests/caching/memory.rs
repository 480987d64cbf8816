//! The memory of the cache.

use headwater_tests::Mode;
use headwater_tests::until;

use crate::site;

#[tokio::test]
async fn the_memory_of_the_cache_is_bounded() {
    const MOST: f64 = (4 << 20) as f64;
    let node = site().node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("CACHE__BYTES", "4 MiB").set("CACHE__PERSISTENT_BYTES", "1 MiB");
    let node = node.start().await;
    node.ready().await;
    let visitor = node.visitor().keep_alive();
    let persistent = visitor.page("/persistent/kept").await;
    for number in 0..200 {
        let response = visitor.page(&format!("/filled/64?number={number}")).await;
        assert_eq!(response.body.len(), 64 << 10);
    }
    until("the cache is within its bounds", async || {
        let bytes = node.metric("headwater_cache_bytes").await;
        let entries = node.metric("headwater_cache_entries").await;
        (bytes <= MOST * 1.25 && entries > 10.0).then_some(())
    })
    .await;
    let still = visitor.page("/persistent/kept").await;
    assert!(still.is_hit() && still.body == persistent.body, "what is persistent goes last");
    let too_long = visitor.page("/filled/5000").await;
    assert_eq!((too_long.status, too_long.body.len()), (200, 64 * (5000 << 10) / 64));
    assert!(!visitor.page("/filled/5000").await.is_hit(), "longer than the longest entry");
}

#[tokio::test]
async fn no_stale_page_is_served_when_groups_and_patterns_are_dropped_to_save_memory() {
    let node = site().node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("CACHE__MAX_GROUPS", 8).set("CACHE__MAX_PATTERNS", 2).start().await;
    node.ready().await;
    let visitor = node.visitor().keep_alive();
    for round in 1..=3 {
        for page in 0..40 {
            visitor.page(&format!("/page/{page}")).await;
            visitor.page(&format!("/pattern/{page}")).await;
        }
        for page in 0..40 {
            let version = visitor.form(&format!("/page/{page}"), "").await;
            assert_eq!(version.text(), round.to_string());
        }
        for page in 0..40 {
            for target in [format!("/page/{page}"), format!("/pattern/{page}")] {
                assert_eq!(visitor.page(&target).await.text(), round.to_string(), "{target}");
            }
        }
    }
    for page in 0..40 {
        visitor.form(&format!("/page/{page}"), "").await;
    }
    until("groups without pages are forgotten", async || {
        (node.metric("headwater_cache_groups").await <= 8.0).then_some(())
    })
    .await;
    assert_eq!(visitor.page("/page/1").await.text(), "4");
}
