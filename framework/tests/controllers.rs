//! The attribute `#[controller]` and the attributes below it, as a site uses them.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

mod ui;

use std::sync::Arc;

use headwater::controller::answer;
use headwater::prelude::*;
use headwater::reply::Content;
use headwater::request::RequestBuilder;
use headwater::request::SiteAccess;
use headwater::state::States;

mod stories {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Serialize, Deserialize, Row)]
    pub(crate) struct Story {
        #[row(key)]
        id: u64,
        #[row(unique)]
        title: String,
    }

    #[derive(Clone, Default, State)]
    pub(crate) struct Stories {
        stories: Table<Story>,
    }

    impl Updates for Stories {
        type Update = String;
        type Output = u64;
        type Refusal = Violation;

        fn apply(&mut self, title: String, at: &mut At) -> Result<u64, Violation> {
            let id = at.position.0;
            self.stories.insert(Story { id, title })?;
            Ok(id)
        }
    }

    #[derive(Deserialize)]
    pub(crate) struct Draft {
        title: String,
    }

    #[controller("stories.show")]
    pub(crate) async fn show(Path(id): Path<u64>, site: Data<Stories>) -> Result<Reply> {
        let story = site.stories.get(id).or_not_found()?;
        Ok(template("story.html").with("story", story).group("blog"))
    }

    pub(crate) fn published(reply: &Reply) -> bool {
        reply.status() == StatusCode::SEE_OTHER
    }

    #[controller("stories.create")]
    #[invalidate("^/blog/", "^/index\\.html$")]
    #[invalidate("^/by/{author}$", groups = ["stories", "author:{author}"], when = published)]
    pub(crate) async fn create(
        mut site: DataMut<Stories>,
        Form(draft): Form<Draft>,
    ) -> Result<Reply, Error> {
        let id = site.update(draft.title).await??;
        Ok(redirect_to(format!("/stories/{id}")))
    }
}

#[derive(Clone)]
struct Visitor(String);

async fn require_login(request: &mut Request) -> Result<()> {
    match Cookies::from_request_parts(&mut request.parts).await?.get("visitor") {
        Some(name) => {
            let visitor = Visitor(name.to_owned());
            request.parts.extensions.insert(visitor);
            Ok(())
        }
        None => Err(redirect_to("/login").into()),
    }
}

async fn refuse_bots(request: &mut Request) -> Result<(), StatusCode> {
    let bot = request.parts.header("user-agent").ok().flatten().is_some_and(|agent| agent == "bot");
    if bot { Err(StatusCode::FORBIDDEN) } else { Ok(()) }
}

async fn stamp(reply: Reply) -> Reply {
    reply.append_header("x-step", "stamp")
}

struct Named(&'static str);

impl After for Named {
    async fn after(&self, _: &RequestParts, reply: Reply) -> Reply {
        reply.append_header("x-step", self.0)
    }
}

#[before(refuse_bots)]
#[headwater::before(require_login)]
#[after(stamp)]
#[controller("account")]
#[after(Named("named"))]
async fn account(Extension(visitor): Extension<Visitor>) -> String {
    visitor.0
}

#[controller("unlucky")]
async fn unlucky() {
    panic!("nothing works")
}

/// Takes one of every extractor that needs no body, and handles their failures itself.
#[controller("everything")]
async fn everything(
    _: Method,
    _: Uri,
    _: Headers,
    _: Cluster,
    id: Option<Path<u32>>,
    page: Result<Query<u32>, headwater::extract::QueryRejection>,
    json: Option<Json<Vec<u32>>>,
) -> Result<String> {
    Ok(format!("{:?} {} {:?}", id.map(|id| id.0), page.is_ok(), json.map(|json| json.0)))
}

fn site() -> Arc<SiteAccess> {
    let mut states = States::new();
    states.add::<stories::Stories>().unwrap();
    Arc::new(SiteAccess::in_memory(states))
}

fn registration(name: &str) -> Registration {
    let all = controllers![stories::show, stories::create, account, unlucky, everything];
    all.into_iter().find(|registration| registration.name() == name).unwrap()
}

async fn run(name: &str, request: RequestBuilder) -> Reply {
    answer(&registration(name), request.build().unwrap()).await
}

async fn text_of(reply: Reply) -> String {
    let Content::Body(body) = reply.into_parts().content else { panic!("no body") };
    String::from_utf8(body.collect(1 << 20).await.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_controller_reads_and_writes_the_sites_data() {
    let site = site();
    let post = || Request::builder().method("POST").site(site.clone());
    let created = run("stories.create", post().form(&[("title", "Rain")])).await;
    assert_eq!(created.headers()["location"], "/stories/1");
    let get = |id: &str| Request::builder().param("id", id).site(site.clone());
    let shown = run("stories.show", get("1")).await;
    assert_eq!(shown.groups(), ["blog"]);
    let Content::Template { name, values } = shown.content() else { panic!("{shown:?}") };
    assert_eq!(name, "story.html");
    assert_eq!(values.to_json()["story"]["title"], "Rain");
    assert_eq!(run("stories.show", get("2")).await.status(), 404);
    assert_eq!(run("stories.show", get("one")).await.status(), 400);
    assert_eq!(run("stories.create", post().form(&[])).await.status(), 422);
    let refused = run("stories.create", post().form(&[("title", "Rain")])).await;
    assert_eq!(refused.status(), 409);
}

#[tokio::test]
async fn the_function_of_a_controller_can_still_be_called() {
    let site = site();
    let mut stories = DataMut::<stories::Stories>::of(&site).unwrap();
    stories.update("Rain".to_owned()).await.unwrap().unwrap();
    assert!(stories::show(Path(1), stories.data()).await.is_ok());
    assert_eq!(stories::show(Path(2), stories.data()).await.unwrap_err().status(), 404);
}

#[test]
fn invalidations_contain_the_values_of_the_route_and_their_conditions() {
    let create = registration("stories.create");
    assert_eq!(create.captures().collect::<Vec<_>>(), ["author", "author"]);
    let params = [("author".to_owned(), "ana.m".to_owned())];
    let all = create.invalidation(&params).unwrap();
    assert_eq!(all.always.patterns, ["^/blog/", "^/index\\.html$"]);
    assert_eq!(all.always.groups, [""; 0]);
    let [(conditional, when)] = &all.conditional[..] else { panic!("{all:?}") };
    assert_eq!(conditional.patterns, [r"^/by/ana\.m$"]);
    assert_eq!(conditional.groups, ["stories", "author:ana.m"]);
    assert!(when(&redirect_to("/")) && !when(&text("x")));
    assert!(create.invalidation(&[]).is_err());
}

#[tokio::test]
async fn steps_run_as_they_are_written_even_above_the_attribute() {
    let reply = run("account", Request::builder().cookie("visitor", "Ana")).await;
    let steps: Vec<_> = reply.headers().get_all("x-step").iter().collect();
    assert_eq!(steps, ["stamp", "named"]);
    assert_eq!(text_of(reply).await, "Ana");
    let reply = run("account", Request::builder()).await;
    assert_eq!(reply.headers()["location"], "/login");
    let reply = run("account", Request::builder().header("user-agent", "bot")).await;
    assert_eq!(reply.status(), 403);
}

#[tokio::test]
async fn a_cached_route_has_no_cookies_even_for_its_steps() {
    let request = Request::builder().cookie("visitor", "Ana").cached("account", None, &[]);
    let reply = run("account", request).await;
    let Content::Error { cause: Some(cause), .. } = reply.content() else { panic!("{reply:?}") };
    assert!(cause.contains("the route `account` caches"), "{cause}");
    assert!(cause.contains("`cache = \"no_cache\"`"), "{cause}");
}

#[tokio::test]
async fn a_controller_that_panics_is_a_500() {
    let reply = run("unlucky", Request::builder()).await;
    assert_eq!(reply.status(), 500);
    let Content::Error { cause: Some(cause), .. } = reply.content() else { panic!("{reply:?}") };
    assert_eq!(cause, "the controller `unlucky` panicked: nothing works");
}

#[tokio::test]
async fn arguments_may_be_optional_or_results() {
    let reply = run("everything", Request::builder()).await;
    assert_eq!(text_of(reply).await, "None false None");
    let request = Request::builder().param("id", "7").json(&serde_json::json!([1, 2]));
    assert_eq!(text_of(run("everything", request).await).await, "Some(7) false Some([1, 2])");
}

#[test]
fn a_registration_has_the_place_of_its_controller() {
    let location = registration("stories.show").location();
    assert!(location.file().ends_with("tests/controllers.rs"), "{location}");
}

#[test]
fn compile_errors_explain_the_fix() {
    ui::check();
}
