//! Pages that an answered unsafe request invalidates.

use headwater_tests::Cluster;

use super::{CLUSTER, hit};

/// Makes both front ends cache a page.
async fn kept(cluster: &Cluster, target: &str) {
    for frontend in 0..2 {
        hit(&cluster.visitor(frontend), target).await;
    }
}

/// Returns on which front ends a page is still cached.
async fn keepers(cluster: &Cluster, target: &str) -> [bool; 2] {
    let mut keepers = [false; 2];
    for (frontend, keeper) in keepers.iter_mut().enumerate() {
        *keeper = cluster.visitor(frontend).page(target).await.is_hit();
    }
    keepers
}

#[tokio::test]
async fn a_changed_page_is_invalidated_on_every_front_end() {
    let cluster = CLUSTER.borrow();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (number, method) in ["POST", "PUT", "DELETE"].into_iter().enumerate() {
        for status in [200, 204, 303] {
            let (target, beside) = (format!("/own/{number}-{status}"), "/own/beside");
            kept(&cluster, &target).await;
            kept(&cluster, &format!("{target}?page=2")).await;
            kept(&cluster, beside).await;
            let body = format!("status={status}");
            let answer = cluster.visitor(1).ask(method, &target, &form, body).await;
            assert_eq!(answer.status, status);
            assert_eq!(keepers(&cluster, &target).await, [false, false], "{method} {status}");
            let second = format!("{target}?page=2");
            assert_eq!(keepers(&cluster, &second).await, [false, false], "{method} {status}");
            assert_eq!(keepers(&cluster, beside).await, [true, true], "{method} {status}");
        }
    }
}

#[tokio::test]
async fn a_failed_request_invalidates_nothing() {
    let cluster = CLUSTER.borrow();
    for status in [400, 404, 500, 503] {
        let target = format!("/own/failed-{status}");
        kept(&cluster, &target).await;
        let answer = cluster.visitor(0).form(&target, &format!("status={status}")).await;
        assert_eq!(answer.status, status);
        assert_eq!(keepers(&cluster, &target).await, [true, true], "{status}");
    }
}

#[tokio::test]
async fn a_request_that_failed_after_a_write_invalidates_its_page() {
    let cluster = CLUSTER.borrow();
    kept(&cluster, "/own/written").await;
    let answer = cluster.visitor(0).form("/own/written", "status=500&write=something").await;
    assert_eq!(answer.status, 500);
    assert_eq!(keepers(&cluster, "/own/written").await, [false, false]);
}

#[tokio::test]
async fn the_page_of_an_unsafe_request_is_the_one_that_get_returns() {
    let cluster = CLUSTER.borrow();
    kept(&cluster, "/alias/aliased").await;
    assert_eq!(keepers(&cluster, "/own/aliased").await, [true, true], "it is one page");
    let answer = cluster.visitor(0).form("/alias/aliased", "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(keepers(&cluster, "/own/aliased").await, [false, false]);
}

#[tokio::test]
async fn a_reply_to_an_unsafe_request_may_invalidate_groups() {
    let cluster = CLUSTER.borrow();
    let encoded = |groups: &str| groups.replace('"', "%22").replace(' ', "+");
    for (form, kept_on) in [
        ("groups=\"x\", \"named:one\";p=1".to_owned(), false),
        ("groups=\"x\", \"named:one\"&status=500".to_owned(), false),
        ("groups=\"named:one\"&write=something".to_owned(), false),
        // These are not lists of strings, so they name nothing.
        ("groups=named:one".to_owned(), true),
        ("groups=\"named:one\",".to_owned(), true),
        ("groups=\"other\"".to_owned(), true),
    ] {
        kept(&cluster, "/named/one").await;
        let answer = cluster.visitor(1).form("/elsewhere", &encoded(&form)).await;
        assert!(answer.headers.contains_key("cache-group-invalidation"), "it goes on, too");
        assert_eq!(keepers(&cluster, "/named/one").await, [kept_on; 2], "{form}");
    }
}

#[tokio::test]
async fn a_reply_to_a_safe_request_cannot_invalidate_groups() {
    let cluster = CLUSTER.borrow();
    kept(&cluster, "/named/two").await;
    let answer = cluster.visitor(0).page("/reads").await;
    assert_eq!(answer.header("cache-group-invalidation"), "\"named:two\"");
    assert_eq!(keepers(&cluster, "/named/two").await, [true, true]);
}
