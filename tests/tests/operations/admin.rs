//! The admin ports of nodes, and their messages.

use headwater_tests::Mode;
use serde_json::json;

use crate::{CLUSTER, site};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[tokio::test]
async fn every_node_reports_its_status() {
    let cluster = CLUSTER.borrow();
    for node in [&cluster.backend, &cluster.frontends[0], &cluster.frontends[1]] {
        let operator = node.operator();
        for target in ["/health", "/ready"] {
            assert_eq!(operator.page(target).await.status, 200, "{target} of {}", node.name());
        }
        assert_eq!(node.status().await["name"], node.name());
        let wrong = operator.form("/health", "").await;
        assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, HEAD"));
        let nothing = operator.page("/nothing").await;
        assert!(nothing.status == 404 && nothing.text().contains("/metrics"), "{}", nothing.text());
    }
    let frontend = cluster.frontends[0].status().await;
    assert_eq!(frontend["mode"], "frontend");
    assert_eq!(frontend["backends"][0]["connected"], true);
    let backend = cluster.backend.status().await;
    assert_eq!(backend["mode"], "backend");
    let members: Vec<_> = backend["members"].as_array().unwrap().iter().collect();
    for name in ["f1", "f2"] {
        let is_serving = |m: &&&serde_json::Value| m["name"] == name && m["state"] == "serving";
        assert_eq!(members.iter().filter(is_serving).count(), 1, "{members:?}");
    }
}

#[tokio::test]
async fn metrics_are_counted_in_the_format_of_prometheus() {
    let cluster = CLUSTER.borrow();
    let frontend = &cluster.frontends[0];
    let hits = "headwater_responses_total{cache=\"hit\"}";
    let before = frontend.metric(hits).await;
    for _ in 0..5 {
        frontend.visitor().page("/page/100").await;
    }
    assert!(frontend.metric(hits).await >= before + 4.0);
    let records = cluster.backend.metric("headwater_log_records_total").await;
    frontend.visitor().form("/page/100", "").await;
    assert!(cluster.backend.metric("headwater_log_records_total").await > records);
    for node in [frontend, &cluster.backend] {
        let metrics = node.operator().page("/metrics").await;
        assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
        for line in metrics.text().lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                assert!(
                    comment.starts_with("HELP headwater_")
                        || comment.starts_with("TYPE headwater_")
                );
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("headwater_"), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[tokio::test]
async fn the_admin_port_of_a_back_end_invalidates() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(1);
    let operator = cluster.backend.operator();
    visitor.page("/grouped/200").await;
    assert!(visitor.page("/grouped/200").await.is_hit());
    for (headers, body, status) in [
        (&JSON[..], json!({ "groups": ["page:200"], "patterns": ["^/(a"] }), 400),
        (&JSON, json!({ "groups": [], "patterns": [] }), 400),
        (&JSON, json!({ "group": ["page:200"] }), 400),
        (&JSON, json!("page:200"), 400),
        (&[("content-type", "text/plain")], json!({ "groups": ["page:200"] }), 415),
        (&[], json!({ "groups": ["page:200"] }), 415),
    ] {
        let response = operator.ask("POST", "/invalidate", headers, body.to_string()).await;
        assert_eq!(response.status, status, "{body}: {}", response.text());
        assert!(response.json()["error"].is_string(), "{body}: {}", response.text());
        assert!(visitor.page("/grouped/200").await.is_hit(), "{body} invalidates nothing");
    }
    let elsewhere = cluster.frontends[0].operator();
    let body = json!({ "groups": ["page:200"] }).to_string();
    assert_eq!(elsewhere.ask("POST", "/invalidate", &JSON, body.clone()).await.status, 404);
    let receipt = operator.ask("POST", "/invalidate", &JSON, body).await;
    assert_eq!(receipt.status, 200, "{}", receipt.text());
    assert!(receipt.text().contains("f1") && receipt.text().contains("f2"));
    assert!(!visitor.page("/grouped/200").await.is_hit());
}

#[tokio::test]
async fn an_operator_can_audit_the_pages_of_a_front_end() {
    let cluster = CLUSTER.borrow();
    let frontend = &cluster.frontends[0];
    for page in ["/page/300", "/page/301"] {
        frontend.visitor().page(page).await;
    }
    let operator = frontend.operator();
    let audit = operator.ask("POST", "/audit", &JSON, "").await;
    assert_eq!(audit.status, 200, "{}", audit.text());
    let audit = audit.json();
    assert!(audit["checked"].as_u64().unwrap() >= 2, "{audit}");
    let found = audit["findings"].as_array().unwrap();
    let is_one_of_ours =
        |found: &&serde_json::Value| found["key"].as_str().unwrap().starts_with("/page/30");
    assert!(!found.iter().any(|found| is_one_of_ours(&found)), "{audit}");
    assert!(frontend.metric("headwater_audit_checked_total").await >= 2.0);
    assert_eq!(operator.form("/audit", "").await.status, 415);
    assert_eq!(operator.page("/audit").await.status, 405);
    let backend = cluster.backend.operator().ask("POST", "/audit", &JSON, "").await;
    assert_eq!(backend.status, 404);
}

#[tokio::test]
async fn messages_can_be_json() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("TRACE__FORMAT", "json");
    let mut node = node.start().await;
    node.ready().await;
    node.visitor().page("/error/500").await;
    assert!(node.stop().await.success());
    let messages = node.messages().to_string();
    assert!(messages.contains("the address says so"), "{messages}");
    for line in messages.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}
