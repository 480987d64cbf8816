//! A whole site in one process.

use headwater_tests::Mode;

use crate::site;

#[tokio::test]
async fn a_single_node_is_a_whole_site() {
    for mode in [Mode::SingleNode, Mode::SingleNodeWithCache] {
        let mut node = site().node(mode, "alone").start().await;
        node.ready().await;
        let visitor = node.visitor();
        assert_eq!(visitor.form("/page/1", "").await.text(), "1", "{mode:?}");
        visitor.page("/page/1").await;
        let second = visitor.page("/page/1").await;
        assert_eq!(second.text(), "1");
        assert_eq!(second.is_hit(), mode == Mode::SingleNodeWithCache, "{mode:?}");
        assert!(second.cache_status().starts_with("headwater; "), "{mode:?}");
        assert_eq!(visitor.form("/page/1", "").await.text(), "2");
        for target in ["/page/1", "/pattern/1", "/timeout/1", "/stale/1"] {
            assert_eq!(visitor.page(target).await.text(), "2", "{target}");
        }
        assert_eq!(visitor.form("/counter/always", "").await.text(), "forgotten");
        let receipt = visitor.form("/invalidate", "group=x&pattern=^/y").await;
        assert_eq!(receipt.status, 200, "{}", receipt.text());
        assert_eq!(visitor.page("/files/hello.txt").await.status, 200);
        assert_eq!(visitor.page("/nowhere").await.status, 404);
        assert_eq!(node.status().await["mode"], mode.as_str());
        node.restart().await;
        node.ready().await;
        assert_eq!(node.visitor().page("/page/1").await.text(), "2");
        assert!(node.stop().await.success());
    }
}

#[tokio::test]
async fn without_a_cache_a_page_is_made_anew_each_time() {
    let node = site().node(Mode::SingleNode, "alone").start().await;
    node.ready().await;
    let first = node.visitor().page("/counter").await;
    let second = node.visitor().page("/counter").await;
    assert_ne!(first.text(), second.text());
}
