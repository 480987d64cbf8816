//! The properties of a visitor that the front end determines, and pages that depend on them.

use headwater_tests::Client;
use headwater_tests::Mode;
use serde_json::json;

use crate::{CLUSTER, site};

#[tokio::test]
async fn there_is_one_page_for_each_language_of_the_site() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/key/language/accept-language";
    let ask = async |language: &str| {
        visitor.page_with(target, &[("accept-language", language), ("accept-encoding", "br")]).await
    };
    let german = ask("de-CH, en;q=0.5").await;
    assert!(!german.is_hit());
    assert_eq!(german.json(), json!(["de"]), "the controller sees nothing but the language");
    for same in ["de", "DE-at", "tlh, de;q=0.1", "*;q=0.1, de", "en;q=0.8,de;q=0.9"] {
        assert!(ask(same).await.is_hit(), "{same}");
        assert_eq!(ask(same).await.json(), json!(["de"]), "{same}");
    }
    let english = visitor.page(target).await;
    assert!(!english.is_hit());
    assert_eq!(english.json(), json!(["en"]));
    let long = format!("{}de", "tlh,".repeat(5_000));
    for same in ["en-GB", "", "tlh", ";;q=,,", "\u{fc}", &long, "de;q=0"] {
        let response = ask(same).await;
        assert!(response.is_hit() && response.json() == json!(["en"]), "{same}");
    }
    let vary = german.headers.get_all("vary").iter().map(|name| name.to_str().unwrap());
    let vary = vary.collect::<Vec<_>>().join(", ");
    assert!(vary.contains("accept-language") && vary.contains("accept-encoding"), "{vary}");
}

#[tokio::test]
async fn an_encoding_never_splits_a_page() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/key/language/accept-encoding";
    let made = visitor.page_with(target, &[("accept-encoding", "gzip")]).await;
    assert!(!made.is_hit());
    assert_eq!(made.json(), json!([]), "how it is sent is not the controller's business");
    for encoding in ["br", "zstd;q=0.1, *;q=0", "", "identity", "evil\tencoding"] {
        let response = visitor.page_with(target, &[("accept-encoding", encoding)]).await;
        assert!(response.is_hit(), "{encoding}");
    }
    assert!(visitor.page(target).await.is_hit());
}

/// Returns the variant of a request with these headers.
async fn variant(visitor: &Client, wanted: &str, headers: &[(&str, &str)]) -> String {
    let headers: Vec<_> = headers.iter().copied().chain([("x-variant", wanted)]).collect();
    let response = visitor.page_with("/key/all/visitor", &headers).await;
    response.json()["variant"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_variant_function_can_read_cookies_and_languages() {
    let visitor = CLUSTER.borrow().visitor(0);
    let cookies = [("cookie", "a=b; tone=bl%C3%BC; tone=red")];
    assert_eq!(variant(&visitor, "cookie tone", &cookies).await, "bl%C3%BC");
    assert_eq!(variant(&visitor, "cookie none", &cookies).await, "");
    assert_eq!(variant(&visitor, "language", &[("accept-language", "de-AT")]).await, "de");
    assert_eq!(variant(&visitor, "language", &[]).await, "en");
}

const CLAIMS: [(&str, &str); 4] = [
    ("x-forwarded-for", "198.51.100.9, 192.0.2.1"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "evil.example"),
    ("forwarded", "for=203.0.113.5;proto=https;host=evil.example"),
];

#[tokio::test]
async fn proxy_headers_of_untrusted_addresses_are_ignored() {
    let visitor = CLUSTER.borrow().visitor(0);
    assert_eq!(variant(&visitor, "scheme", &CLAIMS).await, "http");
    assert_eq!(variant(&visitor, "remote", &CLAIMS).await, "127.0.0.1");
    let seen = visitor.page_with("/key/visit/uncached", &CLAIMS).await;
    assert!(seen.text().starts_with("127.0.0.1 "), "{}", seen.text());
    // A cached page is the same for all visitors, whatever they claim.
    let made = visitor.page_with("/key/all/claims", &CLAIMS).await;
    assert!(!made.text().contains("evil") && !made.text().contains("192.0.2"), "{}", made.text());
    assert!(visitor.page("/key/all/claims").await.is_hit());
}

#[tokio::test]
async fn a_trusted_proxy_names_the_visitor() {
    let node = site().node(Mode::SingleNodeWithCache, "n1");
    let node = node.set("HTTP__TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.0/8").start().await;
    node.ready().await;
    let visitor = node.visitor();
    assert_eq!(variant(&visitor, "scheme", &CLAIMS).await, "https");
    assert_eq!(variant(&visitor, "remote", &CLAIMS).await, "192.0.2.1");
    let seen = visitor.page_with("/key/visit/uncached", &CLAIMS).await;
    assert!(seen.text().starts_with("192.0.2.1 "), "{}", seen.text());
    assert_eq!(variant(&visitor, "remote", &CLAIMS[1..]).await, "127.0.0.1");
    // The part of the header that the visitor sent to the proxy is ignored.
    let forged = [("x-forwarded-for", "10.0.0.7, 192.0.2.8, 10.0.0.1")];
    assert_eq!(variant(&visitor, "remote", &forged).await, "192.0.2.8");
    let other = node_of_forwarded().await;
    assert_eq!(variant(&other.visitor(), "remote", &CLAIMS).await, "203.0.113.5");
}

async fn node_of_forwarded() -> headwater_tests::Node {
    let node =
        site().node(Mode::SingleNodeWithCache, "n1").set("HTTP__TRUSTED_PROXIES", "127.0.0.1");
    let node = node.set("HTTP__PROXY_HEADERS", "forwarded").start().await;
    node.ready().await;
    node
}
