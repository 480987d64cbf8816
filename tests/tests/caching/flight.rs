//! Many visitors that request the same page at the same time.

use headwater_tests::until;

use crate::{CLUSTER, invalidate};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_made_once_for_many_concurrent_requests() {
    let target = "/flight/popular/400";
    let requests: Vec<_> = (0..100)
        .map(|_| tokio::spawn(async move { CLUSTER.borrow().visitor(0).page(target).await }))
        .collect();
    let mut collapsed = 0;
    for request in requests {
        let response = request.await.unwrap();
        assert_eq!((response.status, response.text()), (200, "1"));
        collapsed += usize::from(response.cache_status().ends_with("; collapsed"));
    }
    let runs = CLUSTER.borrow().visitor(0).page("/runs/popular").await;
    assert_eq!(runs.text(), "1");
    assert!(collapsed > 0, "no request has waited for another one's flight");
}

#[tokio::test]
async fn a_request_after_an_invalidation_does_not_share_an_older_flight() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let target = "/flight/overtaken/800";
    let early = tokio::spawn(async move { CLUSTER.borrow().visitor(0).page(target).await });
    until("the flight has started", async || {
        (visitor.page("/runs/overtaken").await.text() == "1").then_some(())
    })
    .await;
    invalidate(&visitor, "group=flight:overtaken").await;
    let late = visitor.page(target).await;
    assert_eq!(late.text(), "2", "{}", late.cache_status());
    assert_eq!(early.await.unwrap().status, 200);
    let after = visitor.page(target).await;
    assert!(after.is_hit() && after.text() == "2", "{}: {}", after.cache_status(), after.text());
}
