//! Invalidation of pages on every front end.

use crate::{CLUSTER, filled, invalidate};

#[tokio::test]
async fn invalidating_a_group_ends_its_pages_on_every_front_end_and_no_others() {
    let cluster = CLUSTER.borrow();
    let mut old = Vec::new();
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        old.push(filled(&visitor, "/normal/in-the-group").await);
        filled(&visitor, "/normal/beside-it").await;
    }
    let receipt = invalidate(&cluster.visitor(0), "group=normal:in-the-group").await.json();
    let front_ends: Vec<&str> = receipt["acknowledgements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|acknowledgement| acknowledgement["frontend"].as_str().unwrap())
        // The back end of a new log also waits for the front ends of an earlier log that may have
        // been wiped.
        .filter(|name| !name.starts_with('('))
        .collect();
    assert_eq!(front_ends, ["f1", "f2"], "{receipt}");
    for (frontend, old) in old.into_iter().enumerate() {
        let visitor = cluster.visitor(frontend);
        let anew = visitor.page("/normal/in-the-group").await;
        assert!(!anew.is_hit() && anew.text() != old, "{}", anew.cache_status());
        assert!(visitor.page("/normal/beside-it").await.is_hit());
    }
}

#[tokio::test]
async fn invalidating_a_pattern_ends_the_pages_whose_address_matches() {
    let cluster = CLUSTER.borrow();
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        for name in ["tree-1", "tree-22", "tree-x"] {
            filled(&visitor, &format!("/persistent/{name}")).await;
        }
        filled(&visitor, "/key/all/tree-1?leaf=2").await;
    }
    let pattern = "pattern=^/persistent/tree-[0-9]%2B$|leaf=2";
    invalidate(&cluster.visitor(1), pattern).await;
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        for target in ["/persistent/tree-1", "/persistent/tree-22", "/key/all/tree-1?leaf=2"] {
            assert!(!visitor.page(target).await.is_hit(), "{target}");
        }
        assert!(visitor.page("/persistent/tree-x").await.is_hit());
    }
}

#[tokio::test]
async fn an_invalid_pattern_is_an_error_and_invalidates_nothing() {
    let visitor = CLUSTER.borrow().visitor(0);
    filled(&visitor, "/persistent/stays").await;
    let response = visitor.form("/invalidate", "group=persistent:stays&pattern=^/(a").await;
    assert_eq!(response.status, 422);
    assert!(response.text().contains("unclosed group"), "{}", response.text());
    let never =
        visitor.form("/invalidate", "group=persistent:stays&pattern=^/gr%C3%B6%C3%9Fe$").await;
    assert_eq!(never.status, 422, "no address can match it");
    assert!(never.text().contains("`/gr%C3%B6%C3%9Fe`"), "{}", never.text());
    assert!(visitor.page("/persistent/stays").await.is_hit());
}

#[tokio::test]
async fn an_invalidate_attribute_takes_effect_when_its_predicate_holds() {
    let cluster = CLUSTER.borrow();
    let (visitor, other) = (cluster.visitor(0), cluster.visitor(1));
    filled(&other, "/counter?page=a").await;
    assert_eq!(visitor.form("/counter/if/404", "").await.status, 404);
    assert_eq!(visitor.form("/counter/if/500", "").await.status, 500);
    assert!(other.page("/counter?page=a").await.is_hit(), "the predicate does not hold");
    assert_eq!(visitor.form("/counter/if/200", "").await.status, 200);
    assert!(!other.page("/counter?page=a").await.is_hit(), "the predicate holds");
    assert!(other.page("/counter?page=a").await.is_hit());
    assert_eq!(visitor.form("/counter/always", "").await.status, 200);
    assert!(!other.page("/counter?page=a").await.is_hit(), "there is no predicate");
}

#[tokio::test]
async fn a_write_is_seen_on_every_front_end_at_once() {
    let cluster = CLUSTER.borrow();
    let targets = ["page", "templated", "grouped", "pattern", "timeout", "stale"];
    let targets = targets.map(|way| format!("/{way}/800"));
    for round in 0..10 {
        for frontend in 0..2 {
            for target in &targets {
                cluster.visitor(frontend).page(target).await;
            }
        }
        let version = cluster.visitor(round % 2).form("/page/800", "").await;
        for frontend in 0..2 {
            for target in &targets {
                let page = cluster.visitor(frontend).page(target).await;
                let shown = format!("<b>{}</b>", version.text());
                assert!(
                    page.text() == version.text() || page.text().contains(&shown),
                    "{target}: {}",
                    page.text()
                );
            }
        }
    }
}

#[tokio::test]
async fn a_number_has_one_spelling_so_no_page_of_it_survives_a_write() {
    let cluster = CLUSTER.borrow();
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        filled(&visitor, "/page/801").await;
        for other in ["/page/0801", "/page/%2B801", "/templated/0801", "/pattern/0801"] {
            assert_eq!(visitor.page(other).await.status, 404, "{other}");
        }
        assert_eq!(visitor.form("/page/0801", "").await.status, 404, "a write");
        assert!(visitor.page("/page/801").await.is_hit(), "nothing was written");
        let version = cluster.visitor(1 - frontend).form("/page/801", "").await;
        assert_eq!(visitor.page("/page/801").await.text(), version.text());
    }
}
