//! Controllers: their arguments and replies, the steps around them, and their failures.

use std::sync::LazyLock;

use headwater::form::COMPONENTS;
use headwater_tests::{Client, Cluster, Shared, Site, until};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/probe/query"
controller = "probe.query"

[[route]]
path = "/probe/form"
methods = ["POST"]
controller = "probe.form"

[[route]]
path = "/probe/json"
methods = ["POST"]
controller = "probe.json"

[[route]]
path = "/probe/day/{year}/{month}/{day}"
controller = "probe.day"

[[route]]
path = "/probe/multipart"
methods = ["POST"]
controller = "probe.multipart"

[[route]]
path = "/probe/visit"
controller = "probe.visit"
cache = "no_cache"

[[route]]
path = "/probe/headers"
controller = "probe.headers"
cache = "no_cache"

[[route]]
path = "/answers/file"
controller = "answers.file"
cache = "no_cache"

[[route]]
path = "/answers/{kind}"
controller = "answers.give"
cache = "no_cache"

[[route]]
path = "/cached/{kind}"
controller = "answers.give"

[[route]]
path = "/join"
controller = "forms.show"
query = []

[[route]]
path = "/join"
methods = ["POST"]
controller = "forms.take"

[[route]]
path = "/numbers/{list}"
controller = "forms.number"
query = ["page", "of"]

[[route]]
path = "/framed"
controller = "answers.framed"
"#;

const JOIN: &str = r#"<form method="post" enctype="{{ form.enctype }}">
{{ <errors /> }}{% for name in ["name", "password", "age", "about", "picture"] %}{{ <field name={name} /> }}{% endfor %}
</form>"#;

fn site() -> Site {
    let site = Site::test_site(PROGRAM).route(ROUTES);
    site.template("components.html", COMPONENTS).template("join.html", JOIN)
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(|| Cluster::start(site(), 2)));

/// Starts a node in development, which shows the causes of errors, and returns it with a visitor.
async fn developer(site: Site) -> (headwater_tests::Node, Client) {
    let mode = headwater_tests::Mode::SingleNodeWithCache;
    let node = site.node(mode, "dev").set("ENVIRONMENT", "development").start().await;
    node.ready().await;
    let visitor = node.visitor();
    (node, visitor)
}

#[tokio::test]
async fn typed_values_are_extracted_from_query_form_json_and_path() {
    let visitor = CLUSTER.borrow().visitor(0);
    let cup = json!({ "thing": "cup & saucer", "count": 3, "gift": true });
    let query = visitor.page("/probe/query?thing=cup+%26%20saucer&count=3&gift=true").await;
    assert_eq!(query.json(), cup);
    let form = visitor.form("/probe/form", "thing=cup+%26+saucer&count=3&gift=true").await;
    assert_eq!(form.json(), cup);
    let media_type = [("content-type", "application/json; charset=utf-8")];
    let sent = visitor.ask("POST", "/probe/json", &media_type, cup.to_string()).await;
    assert_eq!(sent.json(), cup);
    assert_eq!(visitor.page("/probe/day/2026/7/9").await.text(), "2026-07-09");
}

#[tokio::test]
async fn values_of_the_wrong_type_are_client_errors() {
    let visitor = CLUSTER.borrow().visitor(0);
    let json = [("content-type", "application/json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (method, target, headers, body, status) in [
        ("GET", "/probe/query?thing=cup&count=many", &[][..], "", 400),
        ("GET", "/probe/query?thing=cup", &[], "", 400),
        ("GET", "/probe/query?thing=cup&count=-1", &[], "", 400),
        ("GET", "/probe/day/2026/300/1", &[], "", 400),
        ("GET", "/page/x", &[], "", 400),
        ("POST", "/probe/form", &form, "thing=cup", 422),
        ("POST", "/probe/form", &form, "thing=cup&count=x", 422),
        ("POST", "/probe/form", &[], "thing=cup&count=1", 415),
        ("POST", "/probe/form", &json, "{}", 415),
        ("POST", "/probe/json", &json, "{", 400),
        ("POST", "/probe/json", &json, "{\"thing\":7,\"count\":1}", 422),
        ("POST", "/probe/json", &form, "{}", 415),
    ] {
        let response = visitor.ask(method, target, headers, body).await;
        assert_eq!(response.status, status, "{method} {target} {body}: {}", response.text());
    }
}

#[tokio::test]
async fn forms_with_files_are_read_field_by_field() {
    let visitor = CLUSTER.borrow().visitor(0);
    let file = "x".repeat(300_000);
    let body = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA picture\r\n\
         --limit\r\nContent-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\n\
         Content-Type: image/png\r\n\r\n{file}\r\n--limit--\r\n"
    );
    let media_type = [("content-type", "multipart/form-data; boundary=limit")];
    let response = visitor.ask("POST", "/probe/multipart", &media_type, body.clone()).await;
    let shown = json!([["title", null, 9], ["picture", "a.png", 300_000]]);
    assert_eq!(response.json(), shown);
    let cut = body[..body.len() - 20].to_owned();
    let response = visitor.ask("POST", "/probe/multipart", &media_type, cut).await;
    assert_eq!(response.status, 400, "{}", response.text());
    let none = [("content-type", "multipart/form-data")];
    assert_eq!(visitor.ask("POST", "/probe/multipart", &none, "").await.status, 400);
    assert_eq!(visitor.ask("POST", "/probe/multipart", &[], "").await.status, 415);
}

/// Returns the body of a multipart form with a file.
fn with_picture(fields: &[(&str, &str)], picture: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!(
            "--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
    }
    let file = "form-data; name=\"picture\"; filename=\"a.png\"; filename*=UTF-8''%C3%A4.png";
    body + &format!(
        "--limit\r\nContent-Disposition: {file}\r\nContent-Type: image/png\r\n\r\n{picture}\r\n--limit--\r\n"
    )
}

#[tokio::test]
async fn an_invalid_form_is_returned_with_its_page_at_its_address() {
    let visitor = CLUSTER.borrow().visitor(0);
    let empty = visitor.page("/join").await;
    for text in
        ["maxlength=\"20\"", "min=\"18\"", "enctype=\"multipart/form-data\"", "type=\"password\""]
    {
        assert!(empty.text().contains(text), "{text}: {}", empty.text());
    }
    let fields = "name=%3Cb%3E%3Ci%3E&password=hidden&age=17&about=a%0D%0Ab";
    let refused = visitor.form("/join", fields).await;
    assert_eq!((refused.status, refused.header("cache-control")), (422, "no-store"));
    assert_eq!(refused.header("content-type"), "text/html; charset=utf-8");
    for text in [
        "value=\"&lt;b&gt;&lt;i&gt;\"",
        "value=\"17\"",
        ">\na\nb</textarea>",
        "<a href=\"#password\">Password</a>: Please use 8 characters at least; there are 6.",
        "<a href=\"#age\">Age</a>: This must be 18 or more.",
    ] {
        assert!(refused.text().contains(text), "{text}: {}", refused.text());
    }
    assert!(!refused.text().contains("hidden"), "{}", refused.text());
    // The page of the empty form is the same for all visitors and contains no values of the refused
    // form.
    let again = visitor.page("/join").await;
    assert!(again.is_hit(), "{}", again.cache_status());
    assert_eq!(again.text(), empty.text());
    let taken =
        visitor.form("/join", "name=Ana&password=a+secret&age=&about=+1234%0D%0A678+").await;
    assert_eq!(taken.json(), json!(["Ana", 8, null, "1234\n678", null]));
}

#[tokio::test]
async fn a_form_with_a_file_is_checked_while_it_arrives() {
    let visitor = CLUSTER.borrow().visitor(0);
    let media_type = [("content-type", "multipart/form-data; boundary=limit")];
    let send = async |picture: &str| {
        let fields = [("name", "Ana"), ("password", "a secret"), ("age", "")];
        visitor.ask("POST", "/join", &media_type, with_picture(&fields, picture)).await
    };
    // The type of a file follows from its first bytes, whatever its name.
    let taken = send("").await;
    assert_eq!(taken.status, 422, "an empty file with a name is not a picture: {}", taken.text());
    let large = send(&"x".repeat(100_001)).await;
    assert_eq!(large.status, 422, "{}", large.text());
    assert!(large.text().contains("a file of 100,000 bytes at most"), "{}", large.text());
    let other = send("GIF89a").await;
    assert!(other.text().contains("A file of this type is not accepted here."), "{}", other.text());
    let [before, after] = with_picture(&[("name", "Ana"), ("password", "a secret")], "PICTURE")
        .split("PICTURE")
        .map(|part| part.as_bytes().to_vec())
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let body = [before, b"\x89PNG\r\n\x1a\n".repeat(10_000), after].concat();
    let taken = visitor.ask("POST", "/join", &media_type, body).await;
    assert_eq!(taken.json(), json!(["Ana", 8, null, "", ["ä.png", 80_000]]));
}

#[tokio::test]
async fn a_page_of_a_list_has_one_address() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (target, status, to) in [
        ("/numbers/a", 200, ""),
        ("/numbers/a?page=", 200, ""),
        ("/numbers/a?page=12", 200, ""),
        ("/numbers/a?page=1", 308, "/numbers/a"),
        ("/numbers/b?page=1&of=x&utm=y", 308, "/numbers/b?of=x"),
        ("/numbers/a?page=02", 308, "/numbers/a?page=2"),
        ("/numbers/a?page=0", 404, ""),
        ("/numbers/a?page=x", 404, ""),
    ] {
        let answer = visitor.page(target).await;
        assert_eq!((answer.status, answer.header("location")), (status, to), "{target}");
    }
}

#[tokio::test]
async fn headers_reach_the_controller_except_those_of_the_connection() {
    let visitor = CLUSTER.borrow().visitor(0);
    let sent =
        [("x-shown", "hello"), ("x-local", "no"), ("connection", "x-local"), ("te", "trailers")];
    let seen = visitor.page_with("/probe/headers", &sent).await.json();
    assert_eq!(seen["x-shown"], "hello");
    assert!(seen["host"].is_string());
    for name in ["x-local", "connection", "te"] {
        assert!(seen[name].is_null(), "{name}: {seen}");
    }
}

#[tokio::test]
async fn a_controller_can_read_the_visitors_address() {
    let cluster = CLUSTER.borrow();
    let first = cluster.visitor(0).page("/probe/visit").await;
    let second = cluster.visitor(0).page("/probe/visit").await;
    let (address, id) = first.text().split_once(' ').unwrap();
    assert_eq!(address, "127.0.0.1");
    assert!(!id.is_empty() && !second.text().ends_with(id));
}

#[tokio::test]
async fn every_kind_of_answer_arrives() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (kind, status, media_type, body) in [
        ("html", 200, "text/html; charset=utf-8", "<p>by hand</p>"),
        ("text", 200, "text/plain; charset=utf-8", "grüße"),
        ("json", 200, "application/json", "[\"a\",\"b\"]"),
        ("bytes", 200, "application/pdf", "%PDF"),
        ("created", 201, "text/plain; charset=utf-8", "made"),
        ("nothing", 204, "", ""),
        ("redirect", 303, "", ""),
        ("permanent", 308, "", ""),
    ] {
        let response = visitor.page(&format!("/answers/{kind}")).await;
        assert_eq!(response.status, status, "{kind}");
        assert_eq!((response.header("content-type"), response.text()), (media_type, body));
        assert_eq!(response.cache_status(), "headwater; fwd=bypass", "{kind}");
    }
    assert_eq!(visitor.page("/answers/redirect").await.header("location"), "/answers/text");
    let page = visitor.page("/answers/template").await;
    assert!(page.text().contains("The version of page 7 is <b>&lt;one&gt;</b>"), "{}", page.text());
    let marked = visitor.page("/answers/headers").await;
    let marks: Vec<_> = marked.headers.get_all("x-mark").iter().collect();
    assert_eq!(marks, ["one", "two"]);
    assert_eq!(marked.header("cache-control"), "max-age=60");
}

#[tokio::test]
async fn headers_that_a_controller_must_not_set_are_corrected() {
    let visitor = CLUSTER.borrow().visitor(0).keep_alive();
    for prefix in ["/answers", "/cached"] {
        for (kind, status, body) in [
            ("too-short", 200, "hello"),
            ("too-long", 200, "hello"),
            ("connection", 200, "hello"),
            ("bodiless", 204, ""),
            ("unchanged", 304, ""),
            ("own-cache-status", 200, "hello"),
        ] {
            let response = visitor.page(&format!("{prefix}/{kind}")).await;
            assert_eq!((response.status, response.text()), (status, body), "{kind}");
            assert!(response.cache_status().starts_with("headwater; fwd="), "{kind}");
            for name in ["connection", "transfer-encoding", "upgrade", "x-mark"] {
                assert!(!response.headers.contains_key(name), "{name} of {kind}");
            }
        }
        for kind in ["informal", "switching"] {
            let response = visitor.page(&format!("{prefix}/{kind}")).await;
            assert_eq!(response.status, 500, "{kind}");
        }
    }
}

#[tokio::test]
async fn cookies_go_both_ways() {
    let visitor = CLUSTER.borrow().visitor(0);
    let response = visitor.page("/answers/cookies").await;
    let set: Vec<_> = response.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["first=one%20two; Path=/", "second=2; HttpOnly; Path=/"]);
    let sent = [("cookie", "other=1; name=one%20two")];
    assert_eq!(visitor.page_with("/cookie/uncached", &sent).await.text(), "one%20two");
    assert_eq!(visitor.page("/cookie/uncached").await.text(), "nobody");
}

#[tokio::test]
async fn errors_show_the_sites_page_without_their_cause() {
    let cluster = CLUSTER.borrow();
    for (target, status, message) in [
        ("/answers/teapot", 418, "This is a teapot."),
        ("/answers/forbidden", 403, "This is not for you to see or do."),
        ("/answers/unknown", 404, "This page does not exist."),
        ("/answers/failed", 500, "Something went wrong on our side."),
        ("/answers/wrong-header", 500, "Something went wrong on our side."),
        ("/error/500", 500, "It was asked for."),
    ] {
        let response = cluster.visitor(0).page(target).await;
        assert_eq!(response.status, status, "{target}");
        assert!(response.text().contains(message), "{target}: {}", response.text());
        for secret in ["invalid digit", "x-wrong", "the address says so", "class=\"cause\""] {
            assert!(!response.text().contains(secret), "{target}: {}", response.text());
        }
    }
}

#[tokio::test]
async fn the_log_contains_an_errors_cause_under_the_id_that_the_visitor_sees() {
    let cluster = CLUSTER.borrow();
    let page = cluster.visitor(0).page("/error/500").await;
    let id = page.text().split("<p class=\"request\">").nth(1).unwrap();
    let id = id.split('<').next().unwrap().trim().to_owned();
    assert!(id.len() >= 8, "{id}");
    let messages = cluster.frontends[0].messages();
    until("the error is in the log", async || messages.contain(&id).then_some(())).await;
    assert!(messages.contain("the address says so"));
}

#[tokio::test]
async fn a_developer_is_shown_the_cause() {
    let (_node, visitor) = developer(site()).await;
    for (target, cause) in [
        ("/error/500", "the address says so"),
        ("/answers/failed", "invalid digit found in string"),
        ("/panic", "the controller has lost its head"),
        ("/broken-template", "broken.html"),
        ("/no-such-template", "no-such.html"),
    ] {
        let response = visitor.page(target).await;
        assert_eq!(response.status, 500, "{target}");
        assert!(response.text().contains(cause), "{target}: {}", response.text());
    }
}

#[tokio::test]
async fn a_panicking_controller_is_a_500_and_affects_nothing_else() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0).keep_alive();
    let before = visitor.page("/uncached/900").await.text().to_owned();
    let slow = tokio::spawn(async move { CLUSTER.borrow().visitor(0).page("/sleep/300").await });
    for _ in 0..20 {
        let response = visitor.page("/panic").await;
        assert_eq!(response.status, 500);
        assert!(!response.text().contains("lost its head"), "{}", response.text());
    }
    assert_eq!(slow.await.unwrap().text(), "slept", "a request beside the panics goes on");
    assert_eq!(visitor.page("/uncached/900").await.text(), before);
    assert_eq!(visitor.form("/page/900", "").await.status, 200);
    assert!(cluster.backend.messages().contain("panicked: the controller has lost its head"));
}

#[tokio::test]
async fn a_failing_template_is_a_500_and_affects_nothing_else() {
    let cluster = CLUSTER.borrow();
    for target in ["/broken-template", "/no-such-template"] {
        let response = cluster.visitor(0).page(target).await;
        assert_eq!(response.status, 500, "{target}");
        assert!(response.text().contains("the site's page for 500"), "{}", response.text());
        assert!(!response.text().contains(".html"), "{}", response.text());
    }
    assert_eq!(cluster.visitor(0).page("/templated/1").await.status, 200);
}

#[tokio::test]
async fn a_failing_error_page_is_replaced_by_a_plain_one() {
    let site = site().template("error.html", "{{ there.is.no.such.value }}");
    let (_node, visitor) = developer(site).await;
    for (target, status) in [("/nowhere", 404), ("/panic", 500), ("/broken-template", 500)] {
        let response = visitor.page(target).await;
        assert_eq!(response.status, status, "{target}");
        assert!(response.text().contains(&status.to_string()), "{target}: {}", response.text());
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
    }
    assert_eq!(visitor.page("/static").await.status, 200);
}

#[tokio::test]
async fn steps_before_and_after_surround_the_controller() {
    let visitor = CLUSTER.borrow().visitor(0);
    let stranger = visitor.page("/before-after").await;
    assert_eq!((stranger.status, stranger.text()), (403, "what is your name?"));
    assert_eq!(stranger.header("x-stamped"), "yes");
    let known = visitor.page_with("/before-after", &[("x-visitor", "Ada")]).await;
    assert_eq!((known.status, known.text()), (200, "welcome, Ada"));
    assert_eq!(known.header("x-stamped"), "yes");
}

#[tokio::test]
async fn a_sites_own_wrapper_surrounds_the_controller() {
    let visitor = CLUSTER.borrow().visitor(0);
    let response = visitor.page("/framed").await;
    assert_eq!((response.text(), response.header("x-framed")), ("framed", "/framed"));
}

#[tokio::test]
async fn a_file_is_streamed_whole() {
    let visitor = CLUSTER.borrow().visitor(0);
    let response = visitor.page("/answers/file").await;
    assert_eq!(response.body.len() as u64, std::fs::metadata(PROGRAM).unwrap().len());
    assert_eq!(response.header("content-length"), response.body.len().to_string());
}
