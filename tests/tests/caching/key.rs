//! The keys of pages, and the part of a request that controllers see.

use headwater_tests::until;
use serde_json::json;

use crate::{CLUSTER, invalidate};

#[tokio::test]
async fn a_cached_controller_sees_only_its_key() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let personal = [("cookie", "name=Ada"), ("authorization", "Basic x"), ("x-shown", "Ada")];
    let seen = visitor.page_with("/key/page?utm=1&page=2&fbclid=3", &personal).await.json();
    assert_eq!(seen["uri"], "/key/page?page=2");
    assert!(visitor.page("/key/page?page=2&utm=4").await.is_hit());
    let seen = visitor.page("/key/none?a=b").await.json();
    assert_eq!(seen["uri"], "/key/none");
    assert!(visitor.page("/key/none").await.is_hit());
}

#[tokio::test]
async fn reading_more_than_the_key_is_an_error_that_names_the_missing_declaration() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let all = [("cookie", "name=Ada"), ("x-secret", "1")];
    for (target, advice) in [
        ("/cookie", "the controller asked for the cookies, but the route `/cookie"),
        ("/key/headers", "with the headers that are needed and take them one by one"),
        ("/key/visit", "the controller asked for the visitor's address"),
        ("/key/header/x-secret", "asked for the header `x-secret`"),
        ("/key/header/cookie", "asked for the header `cookie`"),
    ] {
        let response = visitor.page_with(target, &all).await;
        assert_eq!(response.status, 500, "{target}: {}", response.text());
        assert!(!response.text().contains("Ada"), "{target}");
        let messages = cluster.frontends[0].messages();
        until(advice, async || messages.contain(advice).then_some(())).await;
    }
}

#[tokio::test]
async fn each_value_of_a_declared_header_has_its_own_page() {
    let visitor = CLUSTER.borrow().visitor(0);
    let target = "/key/header/x-shade";
    for shade in ["dark", "light", "dark, light;q=0.5"] {
        let headers = [("x-shade", shade)];
        let made = visitor.page_with(target, &headers).await;
        assert!(!made.is_hit(), "{shade}");
        assert_eq!(made.json(), json!([shade]));
        let vary = made.header("vary").to_ascii_lowercase();
        assert!(vary.contains("x-shade"), "vary: {vary:?}");
        assert!(visitor.page_with(target, &headers).await.is_hit(), "{shade}");
    }
    assert_eq!(visitor.page(target).await.json(), json!([]), "none is a value, too");
    let empty = visitor.page_with(target, &[("x-shade", "")]).await;
    assert_eq!(empty.json(), json!([""]));
    // A value that contains another header's spelling is not mistaken for that header.
    let headers = [("x-shade", "x\n"), ("x-mark", "y")];
    let sent = headers.map(|(name, value)| (name, value.trim()));
    assert_eq!(visitor.page_with(target, &sent).await.json(), json!(["x"]));
    assert_eq!(visitor.page_with(target, &sent[..1]).await.json(), json!(["x"]));
    assert!(visitor.page_with(target, &sent).await.is_hit());
}

#[tokio::test]
async fn a_query_has_one_spelling_in_the_cache() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (first, same) in [
        ("?a=1&b=2", ["?b=2&a=1", "?%61=1&b=%32", "?a=1&b=2&"]),
        ("?c=x%20y", ["?c=x+y", "?c=x%20y", "?&c=x%20y"]),
        ("?d=%C3%BC", ["?d=%c3%bc", "?d=%C3%BC", "?%64=%C3%bc"]),
    ] {
        let made = visitor.page(&format!("/key/all/query{first}")).await;
        assert!(!made.is_hit(), "{first}");
        for other in same {
            let response = visitor.page(&format!("/key/all/query{other}")).await;
            assert!(response.is_hit() && response.body == made.body, "{first} and {other}");
        }
    }
    let made = visitor.page("/key/all/empty").await;
    let response = visitor.page("/key/all/empty?").await;
    assert!(response.is_hit() && response.body == made.body);
}

#[tokio::test]
async fn queries_that_differ_have_different_pages() {
    let visitor = CLUSTER.borrow().visitor(0);
    let queries = ["?a=1", "?a=2", "?a=1&a=2", "?a=2&a=1", "?a=1%26a=2", "?a", "?b=1", "?a=1&b="];
    for query in queries {
        let made = visitor.page(&format!("/key/all/differ{query}")).await;
        assert!(!made.is_hit(), "{query}");
        assert!(visitor.page(&format!("/key/all/differ{query}")).await.is_hit(), "{query}");
    }
}

#[tokio::test]
async fn the_variant_function_determines_caching_and_keys() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let plain = visitor.page("/key/all/variants").await.json();
    assert_eq!(plain["variant"], json!(null));
    let ask = async |variant: &str| {
        visitor.page_with("/key/all/variants", &[("x-variant", variant)]).await
    };

    for name in ["blue", "red"] {
        let made = ask(&format!("named {name}")).await;
        assert!(!made.is_hit(), "{name}");
        assert_eq!(made.json()["variant"], name);
        assert!(ask(&format!("named {name}")).await.is_hit(), "{name}");
    }

    for _ in 0..2 {
        let alone = ask("no").await;
        assert_eq!(alone.cache_status(), "headwater; fwd=bypass");
    }

    let made = ask("key the-same").await;
    assert!(!made.is_hit());
    let elsewhere = visitor.page_with("/key/all/others", &[("x-variant", "key the-same")]).await;
    assert!(elsewhere.is_hit() && elsewhere.body == made.body, "the key takes the URL's place");
    invalidate(&visitor, "group=keyed").await;
    assert!(!ask("key the-same").await.is_hit(), "the variant's group is the entry's");
    assert!(ask("named blue").await.is_hit());
    invalidate(&visitor, "pattern=^/key/all/variants$").await;
    assert!(!ask("named blue").await.is_hit(), "a pattern finds a page in all its variants");
}
