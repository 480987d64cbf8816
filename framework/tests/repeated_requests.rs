//! Repeated requests with an `Idempotency-Key`: complete sites in this process.

use futures_util::future::join_all;
use headwater::app::SiteService;
use headwater::prelude::*;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Clone, Serialize, Deserialize, Row)]
struct Order {
    #[row(key)]
    number: u64,
    item: String,
}

#[derive(Clone, Default, State)]
struct Shop {
    orders: Table<Order>,
    is_open: Value<bool>,
}

#[derive(Serialize, Deserialize)]
enum Change {
    Order { item: String },
    Open,
    Close,
}

impl Updates for Shop {
    type Update = Change;
    type Output = u64;
    type Refusal = Violation;

    fn apply(&mut self, change: Change, at: &mut At) -> Result<u64, Violation> {
        match change {
            Change::Order { item } if item == "nothing" => {
                self.orders.remove(0)?;
            }
            Change::Order { item } => self.orders.insert(Order { number: at.position.0, item })?,
            Change::Open => self.is_open.set(true),
            Change::Close => self.is_open.set(false),
        }
        Ok(at.random())
    }
}

#[derive(Deserialize)]
struct Wish {
    item: String,
}

/// Answers with values that only the first run of the request can have.
#[controller("order")]
async fn order(mut shop: DataMut<Shop>, Form(Wish { item }): Form<Wish>) -> Result<Reply> {
    let (number, receipt) = shop.update_with_receipt(Change::Order { item }).await?;
    Ok(text(format!("{} at {}", number?, receipt.position)))
}

#[controller("toggle")]
async fn toggle(mut shop: DataMut<Shop>) -> Result<Reply> {
    let change = if *shop.is_open { Change::Close } else { Change::Open };
    shop.update(change).await??;
    Ok(status(204))
}

#[controller("list")]
async fn list(shop: Data<Shop>) -> Reply {
    let items = shop.orders.all().iter().map(|order| order.item.clone()).collect::<Vec<_>>();
    text(format!("{} {}", items.join(","), *shop.is_open))
}

const ROUTES: &str = r#"
[[route]]
path = "/orders"
controller = "order"
methods = ["POST", "PUT"]

[[route]]
path = "/others"
controller = "order"
methods = ["POST"]

[[route]]
path = "/toggle"
controller = "toggle"
methods = ["POST"]

[[route]]
path = "/"
controller = "list"
"#;

async fn site(settings: &str) -> (TempDir, SiteService) {
    let app = App::new().state::<Shop>().controllers(controllers![order, toggle, list]);
    site_of(app, ROUTES, settings).await
}

async fn site_of(app: App, routes: &str, settings: &str) -> (TempDir, SiteService) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    std::fs::write(folder.path().join("project.toml"), settings).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let site = app.into_service(folder.path()).await;
    (folder, site.unwrap_or_else(|problems| panic!("{problems}")))
}

const FORM: &str = "application/x-www-form-urlencoded";
const KEY: (&str, &str) = ("idempotency-key", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"");

async fn send(
    site: &SiteService,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut request = http::Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", FORM);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // In pieces, as from a network.
    let pieces: Vec<_> = body.as_bytes().chunks(3).map(bytes::Bytes::copy_from_slice).collect();
    let frames =
        pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(piece)));
    let body = http_body_util::StreamBody::new(futures_util::stream::iter(frames));
    let request = request.body(Body::stream(body)).unwrap();
    let (parts, body) = site.answer(request).await.into_parts();
    let text = String::from_utf8(body.collect(1 << 20).await.unwrap().to_vec()).unwrap();
    (parts.status.as_u16(), text)
}

async fn post(site: &SiteService, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    send(site, ("POST", "/orders"), headers, body).await
}

async fn orders(site: &SiteService) -> String {
    send(site, ("GET", "/"), &[], "").await.1
}

#[tokio::test]
async fn a_repeated_request_is_made_once_and_answered_alike() {
    let (_folder, site) = site("").await;
    let first = post(&site, &[KEY, ("host", "a.example")], "item=tea").await;
    assert_eq!(first.0, 200, "{first:?}");
    for host in ["a.example", "b.example:8001"] {
        assert_eq!(post(&site, &[KEY, ("host", host)], "item=tea").await, first);
    }
    assert_eq!(orders(&site).await, "tea false");
    let another = post(&site, &[("idempotency-key", "\"another\"")], "item=tea").await;
    assert_ne!(another, first);
    post(&site, &[], "item=tea").await;
    post(&site, &[], "item=tea").await;
    assert_eq!(orders(&site).await, "tea,tea,tea,tea false", "without a key each is a new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_with_one_key_are_made_once() {
    let (_folder, site) = site("").await;
    let answers = join_all((0..40).map(|_| post(&site, &[KEY], "item=tea"))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!((answers[0].0, &*orders(&site).await), (200, "tea false"));
}

#[tokio::test]
async fn another_request_with_the_key_is_422_and_changes_nothing() {
    let (_folder, site) = site("").await;
    let (post, put, to_other) = (("POST", "/orders"), ("PUT", "/orders"), ("POST", "/others"));
    let cookie = ("cookie", "session=ann; theme=dark");
    let authorization = ("authorization", "Bearer ann");
    let first = send(&site, post, &[KEY, cookie, authorization], "item=tea").await;
    assert_eq!(first.0, 200, "{first:?}");
    let utf8 = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    for (what, target, headers, body) in [
        ("body", post, &[KEY, cookie, authorization][..], "item=ale"),
        ("longer body", post, &[KEY, cookie, authorization], "item=tea&more=1"),
        ("path", to_other, &[KEY, cookie, authorization], "item=tea"),
        ("query", ("POST", "/orders?a=1"), &[KEY, cookie, authorization], "item=tea"),
        ("method", put, &[KEY, cookie, authorization], "item=tea"),
        ("type", post, &[KEY, cookie, authorization, utf8], "item=tea"),
        ("client", post, &[KEY, ("cookie", "session=bob; theme=dark"), authorization], "item=tea"),
        ("no cookie", post, &[KEY, authorization], "item=tea"),
        ("token", post, &[KEY, cookie, ("authorization", "Bearer bob")], "item=tea"),
        ("no token", post, &[KEY, cookie], "item=tea"),
    ] {
        let (status, text) = send(&site, target, headers, body).await;
        assert_eq!(status, 422, "{what}: {text}");
        assert!(text.contains("Send a new request with a new key"), "{text}");
        assert!(!text.contains(&first.1), "{what}: another client's answer");
    }
    let turned = ("cookie", "theme=dark; session=ann");
    assert_eq!(send(&site, post, &[KEY, turned, authorization], "item=tea").await, first);
    assert_eq!(orders(&site).await, "tea false");
}

#[tokio::test]
async fn only_the_configured_cookies_distinguish_clients() {
    let (_folder, site) = site("[idempotency]\ncookies = [\"session\"]\n").await;
    let first = post(&site, &[KEY, ("cookie", "session=ann; visits=1")], "item=tea").await;
    assert_eq!(first.0, 200, "{first:?}");
    let again = post(&site, &[KEY, ("cookie", "visits=2; session=ann")], "item=tea").await;
    assert_eq!(again, first);
    let bob = post(&site, &[KEY, ("cookie", "session=bob; visits=1")], "item=tea").await;
    assert_eq!(bob.0, 422);
}

#[tokio::test]
async fn an_invalid_key_is_refused_before_the_controller_runs() {
    let (_folder, site) = site("").await;
    let long = format!("\"{}\"", "x".repeat(256));
    for key in ["", "\"\"", "8e03978e-40d5", "token", "17", "\"open", "\"a\", \"b\"", &long] {
        let (status, text) = post(&site, &[("idempotency-key", key)], "item=tea").await;
        assert_eq!(status, 400, "{key}: {text}");
        assert!(text.contains("in quotation marks"), "{text}");
    }
    let twice = post(&site, &[KEY, KEY], "item=tea").await;
    assert_eq!(twice.0, 400, "{twice:?}");
    assert_eq!(orders(&site).await, " false");
    let longest = format!("\"{}\";a=1", "x".repeat(255));
    assert_eq!(post(&site, &[("idempotency-key", &longest)], "item=tea").await.0, 200);
    // The key has no meaning for a safe request.
    let (status, text) = send(&site, ("GET", "/"), &[("idempotency-key", "17")], "").await;
    assert_eq!((status, &*text), (200, "tea false"));
}

#[tokio::test]
async fn a_request_that_was_refused_may_be_corrected_with_the_same_key() {
    let (_folder, site) = site("").await;
    assert_eq!(post(&site, &[KEY], "item=nothing").await.0, 404);
    let corrected = post(&site, &[KEY], "item=tea").await;
    assert_eq!(corrected.0, 200, "{corrected:?}");
    assert_eq!(post(&site, &[KEY], "item=tea").await, corrected);
    assert_eq!(post(&site, &[KEY], "item=nothing").await.0, 422);
    assert_eq!(orders(&site).await, "tea false");
}

#[tokio::test]
async fn a_repeated_request_that_reads_its_own_change_does_not_undo_it() {
    let (_folder, site) = site("").await;
    let toggle = async || send(&site, ("POST", "/toggle"), &[KEY], "").await;
    assert_eq!(toggle().await.0, 204);
    assert_eq!(orders(&site).await, " true");
    let (status, text) = toggle().await;
    assert_eq!(status, 409, "{text}");
    assert!(text.contains("This request was sent before"), "{text}");
    assert_eq!(orders(&site).await, " true");
}

/// Checks that a controller that meets its own change does not take it back, where serde writes the change with this
/// attribute.
macro_rules! meets_its_own_change {
    ($($attribute:meta)?) => {{
        #[derive(Clone, Default, State)]
        struct Door {
            is_open: Value<bool>,
        }

        #[derive(Serialize, Deserialize)]
        $(#[$attribute])?
        enum Push {
            Open { opened_by: String },
            Close { closed_by: String },
        }

        impl Updates for Door {
            type Update = Push;
            type Output = bool;
            type Refusal = Violation;

            fn apply(&mut self, push: Push, _: &mut At) -> Result<bool, Violation> {
                self.is_open.set(matches!(push, Push::Open { .. }));
                Ok(*self.is_open.get())
            }
        }

        #[controller("push")]
        async fn push(mut door: DataMut<Door>) -> Result<Reply> {
            let by = "ann".to_owned();
            let push = match *door.is_open {
                true => Push::Close { closed_by: by },
                false => Push::Open { opened_by: by },
            };
            Ok(text(door.update(push).await??.to_string()))
        }

        #[controller("look")]
        async fn look(door: Data<Door>) -> Reply {
            text(door.is_open.to_string())
        }

        let routes = "[[route]]\npath = \"/door\"\ncontroller = \"push\"\nmethods = [\"POST\"]\n\
                      [[route]]\npath = \"/\"\ncontroller = \"look\"\n";
        let app = App::new().state::<Door>().controllers(controllers![push, look]);
        let (_folder, site) = site_of(app, routes, "").await;
        let push = async || send(&site, ("POST", "/door"), &[KEY], "").await;
        assert_eq!(push().await, (200, "true".to_owned()));
        let (status, text) = push().await;
        assert_eq!(status, 409, "{}: {text}", stringify!($($attribute)?));
        assert!(text.contains("This request was sent before"), "{text}");
        assert_eq!(send(&site, ("GET", "/"), &[], "").await.1, "true");
    }};
}

#[tokio::test]
async fn a_change_is_known_again_however_serde_writes_it() {
    meets_its_own_change!();
    meets_its_own_change!(serde(tag = "kind"));
    meets_its_own_change!(serde(tag = "kind", content = "of"));
    meets_its_own_change!(serde(untagged));
}
