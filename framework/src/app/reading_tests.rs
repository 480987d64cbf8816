//! The ways in which a site's code reads its data, each up to the cached page.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::App;
use super::service::SiteService;
use crate::body::Body;
use crate::controller::Registration;
use crate::extract::{Data, DataMut, FromRequestParts, Need};
use crate::reply::{IntoReply, Reply, status, template, text};
use crate::request::{Request, RequestParts, SiteAccess};
use crate::state::{At, Row, State, Table, Updates, Value, Violation};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
struct Recipe {
    #[row(key)]
    slug: String,
    title: String,
}

#[derive(Clone, Default, State)]
struct Kitchen {
    recipes: Table<Recipe>,
    motto: Value<String>,
}

#[derive(Serialize, Deserialize)]
enum Change {
    Motto(String),
    Title(String),
}

impl Updates for Kitchen {
    type Update = Change;
    type Output = Recipe;
    type Refusal = Violation;

    fn apply(&mut self, change: Change, _: &mut At) -> Result<Recipe, Violation> {
        match change {
            Change::Motto(motto) => self.motto.set(motto),
            Change::Title(title) => {
                self.recipes.upsert(Recipe { slug: "soup".to_owned(), title })?;
            }
        }
        let soup = self.recipes.get("soup").map(|soup| soup.into_row());
        Ok(soup.unwrap_or_else(|| Recipe { slug: "none".to_owned(), title: "none".to_owned() }))
    }
}

/// The values that templates show of a recipe, without a mark.
#[derive(Serialize)]
struct Card {
    title: String,
}

fn cards(kitchen: &KitchenView) -> Vec<Card> {
    kitchen.recipes.all().iter().map(|recipe| Card { title: recipe.title.clone() }).collect()
}

/// The page with its cards in a fragment.
fn page(motto: &str, cards: Vec<Card>) -> Reply {
    template("page.html").with("motto", motto).with("cards", cards)
}

async fn kitchen(request: Request) -> (Data<Kitchen>, RequestParts) {
    let mut parts = request.parts;
    let kitchen = Data::<Kitchen>::from_request_parts(&mut parts).await;
    (kitchen.unwrap_or_else(|error| panic!("{error}")), parts)
}

async fn kitchen_mut(request: Request) -> DataMut<Kitchen> {
    let mut parts = request.parts;
    let kitchen = DataMut::<Kitchen>::from_request_parts(&mut parts).await;
    kitchen.unwrap_or_else(|error| panic!("{error}"))
}

/// An after-step that reads.
async fn banner(parts: &RequestParts, reply: Reply) -> Reply {
    let kitchen = Data::<Kitchen>::of(&parts.site).unwrap_or_else(|error| panic!("{error}"));
    reply.header("x-banner", &kitchen.motto.to_string())
}

/// An extractor of the site's own.
struct Motto(String);

impl FromRequestParts for Motto {
    type Rejection = crate::extract::NoSuchState;
    const NEEDS: &'static [Need] = &[Need::state::<Kitchen>()];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Motto, Self::Rejection> {
        Ok(Motto(Data::<Kitchen>::of(&parts.site)?.motto.to_string()))
    }
}

const ROUTES: &str = r#"
[[route]]
path = "/page"
controller = "page"

[[route]]
path = "/banner"
controller = "banner"

[[route]]
path = "/own"
controller = "own"

[[route]]
path = "/stream"
controller = "stream"

[[route]]
path = "/late"
controller = "late"

[[route]]
path = "/sly"
controller = "sly"

[[route]]
path = "/copied"
methods = ["POST"]
controller = "copied"

[[route]]
path = "/shown"
methods = ["POST"]
controller = "shown"

[[route]]
path = "/change/{what}/{to}"
methods = ["POST"]
controller = "change"
"#;

const PAGE: &str = "{{ motto }}:{% cache id='cards' %}{% for card in cards %} {{ card.title }}{% endfor %}{% endcache %}";

/// The handles that a controller has kept after its call.
type Kept = Arc<Mutex<Option<(Data<Kitchen>, Arc<SiteAccess>)>>>;

struct Running {
    service: SiteService,
    kept: Kept,
    _folder: TempDir,
}

impl Running {
    async fn new() -> Running {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        for (name, text) in
            [("templates/page.html", PAGE), ("dispatch.conf", ROUTES), ("project.toml", "")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let kept = Arc::new(Mutex::new(None));
        let (keep, made) = (Arc::clone(&kept), Arc::new(AtomicUsize::new(0)));
        let controllers =
            [
                Registration::new("page", async |request: Request| {
                    let (kitchen, _) = kitchen(request).await;
                    page(&kitchen.motto, cards(&kitchen))
                }),
                Registration::new("banner", async |_: Request| text("")).after(banner),
                Registration::new("own", async |mut request: Request| {
                    match Motto::from_request_parts(&mut request.parts).await {
                        Ok(Motto(motto)) => text(motto),
                        Err(error) => error.into_reply(),
                    }
                }),
                Registration::new("stream", move |request: Request| {
                    let number = made.fetch_add(1, Ordering::Relaxed);
                    async move {
                        let (kitchen, _) = kitchen(request).await;
                        let frames = stream::once(async move {
                            let bytes = format!("{number} {}", *kitchen.motto);
                            Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(bytes)))
                        });
                        Body::stream(StreamBody::new(Box::pin(frames)))
                    }
                }),
                Registration::new("late", move |request: Request| {
                    let keep = Arc::clone(&keep);
                    async move {
                        let (kitchen, parts) = kitchen(request).await;
                        let mut keep = keep.lock().unwrap_or_else(PoisonError::into_inner);
                        *keep = Some((kitchen, parts.site));
                        text("")
                    }
                }),
                Registration::new("sly", async |request: Request| {
                    match DataMut::<Kitchen>::of(&request.parts.site) {
                        Ok(mut kitchen) => {
                            let _ = kitchen.update(Change::Motto("sly".to_owned())).await;
                            text("changed")
                        }
                        Err(error) => text(error.to_string()),
                    }
                }),
                Registration::new("copied", async |request: Request| {
                    let kitchen = kitchen_mut(request).await;
                    page(&kitchen.motto, cards(&kitchen.data()))
                }),
                Registration::new("shown", async |request: Request| {
                    let mut kitchen = kitchen_mut(request).await;
                    let soup = kitchen.update(Change::Title("Shown".to_owned())).await.unwrap();
                    page(&kitchen.motto, vec![Card { title: soup.unwrap().title }])
                }),
                Registration::new("change", async |request: Request| {
                    let change = match (request.parts.param("what"), request.parts.param("to")) {
                        (Some("motto"), Some(to)) => Change::Motto(to.to_owned()),
                        (_, to) => Change::Title(to.unwrap_or_default().to_owned()),
                    };
                    kitchen_mut(request).await.update(change).await.unwrap().unwrap();
                    status(204)
                }),
            ];
        let service = App::new().state::<Kitchen>().controllers(controllers);
        let service = service.into_service(folder.path()).await;
        let service = service.unwrap_or_else(|problems| panic!("{problems}"));
        Running { service, kept, _folder: folder }
    }

    async fn ask(&self, method: &str, path: &str) -> (http::response::Parts, String) {
        let request = http::Request::builder().method(method).uri(path).body(Body::empty());
        let (parts, body) = self.service.answer(request.unwrap()).await.into_parts();
        let body = body.collect(1 << 20).await.unwrap();
        (parts, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> String {
        self.ask("GET", path).await.1
    }

    async fn change(&self, what: &str, to: &str) {
        assert_eq!(self.ask("POST", &format!("/change/{what}/{to}")).await.0.status, 204);
    }
}

#[tokio::test]
async fn a_read_in_an_after_step_is_recorded_for_the_page() {
    let site = Running::new().await;
    for motto in ["one", "two"] {
        site.change("motto", motto).await;
        for _ in 0..2 {
            let (parts, _) = site.ask("GET", "/banner").await;
            assert_eq!(parts.headers["x-banner"], motto);
        }
    }
}

#[tokio::test]
async fn a_read_in_an_extractor_of_the_site_is_recorded_for_the_page() {
    let site = Running::new().await;
    for motto in ["one", "two"] {
        site.change("motto", motto).await;
        assert_eq!(site.get("/own").await, motto);
    }
}

#[tokio::test]
async fn a_cached_route_cannot_change_data_through_its_site() {
    let site = Running::new().await;
    let refused = site.get("/sly").await;
    assert!(refused.contains("data that it can change"), "{refused}");
    assert_eq!(site.get("/own").await, "");
}

#[tokio::test]
async fn a_stream_that_holds_a_view_is_not_stored() {
    let site = Running::new().await;
    site.change("motto", "one").await;
    assert_eq!(site.get("/stream").await, "0 one");
    assert_eq!(site.get("/stream").await, "1 one");
}

#[tokio::test]
async fn a_read_after_the_reply_is_an_error_that_names_the_data() {
    let site = Running::new().await;
    site.get("/late").await;
    let (kitchen, of) = site.kept.lock().unwrap().take().unwrap();
    let again = Data::<Kitchen>::of(&of).unwrap();
    for kitchen in [kitchen, again] {
        let read = catch_unwind(AssertUnwindSafe(|| kitchen.motto.len())).unwrap_err();
        let message = crate::log::panic_message(&*read);
        assert!(message.contains("were read after the reply had been made"), "{message}");
        assert!(message.contains("`motto`"), "{message}");
    }
}

#[tokio::test]
async fn fragments_of_a_reply_to_a_post_depend_on_reads_through_a_copy_of_its_data() {
    let site = Running::new().await;
    site.change("title", "Soup").await;
    assert_eq!(site.ask("POST", "/copied").await.1, ": Soup");
    assert_eq!(site.get("/page").await, ": Soup");
    site.change("title", "Borscht").await;
    assert_eq!(site.get("/page").await, ": Borscht");
}

#[tokio::test]
async fn a_fragment_that_may_show_the_result_of_an_update_is_not_kept() {
    let site = Running::new().await;
    assert_eq!(site.ask("POST", "/shown").await.1, ": Shown");
    site.change("title", "Soup").await;
    assert_eq!(site.get("/page").await, ": Soup");
}
