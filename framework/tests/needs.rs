//! Problems that are found by the types of a site's code before anything is served.

use headwater::extract::{Need, NotInKey};
use headwater::prelude::*;

#[derive(Clone, Default, State)]
struct Wall {}

impl Updates for Wall {
    type Update = ();
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, (): (), _: &mut At) -> Result<(), Violation> {
        Ok(())
    }
}

#[derive(Clone, Default, State)]
struct Counter {}

impl Updates for Counter {
    const NAME: &'static str = "counter";
    type Update = ();
    type Output = ();
    type Refusal = Violation;

    fn apply(&mut self, (): (), _: &mut At) -> Result<(), Violation> {
        Ok(())
    }
}

struct Pool;

struct Session;

impl FromRequestParts for Session {
    type Rejection = NotInKey;
    const NEEDS: &'static [Need] = Cookies::NEEDS;

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Session, NotInKey> {
        Cookies::from_request_parts(parts).await.map(|_| Session)
    }
}

struct Theme;

impl Before for Theme {
    const NEEDS: &'static [Need] = &[Need::Header("x-theme")];

    async fn before(&self, _: &mut Request) -> Result<(), Reply> {
        Ok(())
    }
}

#[controller("cookies")]
async fn cookies(_cookies: Cookies) {}

#[controller("session")]
async fn session(_number: Path<u32>, _session: Session, _body: String) {}

#[controller("headers")]
async fn headers(_headers: HeaderMap) {}

#[controller("visit")]
async fn visit(_remote: Remote, _id: RequestId) {}

#[controller("theme")]
#[before(Theme)]
async fn theme() {}

#[controller("copes")]
async fn copes(_cookies: Result<Cookies, NotInKey>) {}

#[controller("form")]
async fn form(_form: Form<std::collections::BTreeMap<String, String>>) {}

#[controller("data")]
async fn data(_wall: Data<Wall>) {}

#[controller("change")]
async fn change(_wall: DataMut<Wall>) {}

#[controller("pool")]
async fn pool(_pool: Resource<Pool>) {}

#[derive(Clone, serde::Serialize, serde::Deserialize, headwater::prelude::Session)]
struct Account {
    #[session(user)]
    name: String,
}

#[controller("members")]
#[before(signed_in)]
async fn members() {}

#[controller("member")]
async fn member(_account: Option<headwater::extract::Session<Account>>) {}

#[controller("user")]
async fn user(_user: Option<SessionUser>) {}

#[controller("badge")]
async fn badge() -> Reply {
    template!("badge.html")
}

fn hidden_template() -> Reply {
    template("badge.html")
}

#[controller("hidden")]
async fn hidden() -> Reply {
    hidden_template()
}

#[controller("greeting")]
async fn greeting(_lang: Lang) {}

#[controller("pages")]
async fn pages(query: Query<std::collections::BTreeMap<String, String>>) -> Reply {
    if query.0.is_empty() {
        return template!("missing.html");
    }
    template!("there.html").with("query", query.0)
}

fn folder(routes: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let route = |(controller, more): &(&str, &str)| {
        format!(
            "[[route]]\npath = \"/{controller}/{{id}}\"\ncontroller = \"{controller}\"\n{more}\n"
        )
    };
    let routes: String = routes.iter().map(route).collect();
    std::fs::write(folder.path().join("dispatch.conf"), routes).unwrap();
    // In development the site generates its own secret.
    let project = "environment = \"development\"\n";
    std::fs::write(folder.path().join("project.toml"), project).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/there.html"), "").unwrap();
    let badge = "{% if session %}{{ session.name }}{% endif %}";
    std::fs::write(folder.path().join("templates/badge.html"), badge).unwrap();
    folder
}

async fn start(app: App, routes: &[(&str, &str)]) -> Result<(), Vec<String>> {
    let folder = folder(routes);
    match app.into_service(folder.path()).await {
        Ok(site) => {
            site.stop().await;
            Ok(())
        }
        Err(problems) => {
            let path = format!("{}/", folder.path().display());
            Err(problems.iter().map(|problem| problem.to_string().replace(&path, "")).collect())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn extractors_outside_of_the_key_are_refused_at_the_route() {
    let app = || {
        App::new()
            .state::<Wall>()
            .controllers(controllers![cookies, session, headers, visit, theme, copes, form, change])
    };
    let cached = ["cookies", "session", "headers", "visit", "theme", "copes", "form", "change"];
    let problems = start(app(), &cached.map(|name| (name, ""))).await.unwrap_err();
    let expected = [
        ("dispatch.conf:1: ", "the cookies"),
        ("dispatch.conf:5: ", "the cookies"),
        ("dispatch.conf:9: ", "all headers"),
        ("dispatch.conf:13: ", "the visitor's address"),
        ("dispatch.conf:13: ", "the request's id"),
        ("dispatch.conf:17: ", "the header `x-theme`"),
        ("dispatch.conf:25: ", "a form"),
        ("dispatch.conf:29: ", "DataMut"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (place, what) in expected {
        let is_it = |problem: &&String| problem.starts_with(place) && problem.contains(what);
        let problem = problems.iter().find(is_it);
        let problem = problem.unwrap_or_else(|| panic!("{place}{what}: {problems:#?}"));
        assert!(problem.contains("needs.rs:"), "{problem}");
    }
    let fine = [
        ("cookies", "cache = \"no_cache\""),
        ("session", "methods = [\"POST\"]"),
        ("headers", "cache = \"no_cache\""),
        ("visit", "cache = \"no_cache\""),
        ("theme", "vary = [\"X-Theme\"]"),
        ("copes", ""),
        ("form", "methods = [\"POST\"]"),
        ("change", "methods = [\"POST\"]"),
    ];
    start(app(), &fine).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_or_resource_that_is_not_registered_is_refused_at_the_controller() {
    let app = || App::new().controllers(controllers![data, pool]);
    let problems = start(app(), &[]).await.unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(problems[0].contains("tests/needs.rs:"), "{}", problems[0]);
    assert!(problems[0].contains("`Data<needs::Wall>`"), "{}", problems[0]);
    assert!(problems[1].contains("`Resource<needs::Pool>`"), "{}", problems[1]);
    let whole = app().state::<Wall>().resource(async || Ok::<_, String>(Pool));
    start(whole, &[("data", ""), ("pool", "")]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_app_is_shown_at_its_line() {
    let first = line!() + 2;
    let app = App::new()
        .seed::<Wall>(Vec::new)
        .state::<Counter>()
        .state::<Counter>()
        .session::<Account>("sign-in")
        .resource(async || Ok::<_, String>(Pool))
        .resource(async || Ok::<_, String>(Pool))
        .controllers(controllers![pool, pool]);
    let problems = start(app, &[]).await.unwrap_err();
    let expected = [
        (0, "`.seed::<needs::Wall>(…)` has no state to fill"),
        (2, "both named \"counter\""),
        (3, "the page to sign in is a path of the site"),
        (5, "two resources are of the type `needs::Pool`"),
    ];
    for (line, what) in expected {
        let place = format!("tests/needs.rs:{}: ", first + line);
        let is_it = |problem: &String| problem.contains(&place) && problem.contains(what);
        assert!(problems.iter().any(is_it), "{place} {what}: {problems:#?}");
    }
    assert_eq!(problems.len(), expected.len() + 1, "{problems:#?}");
    let twice = |problem: &String| problem.contains("two controllers are registered as `pool`");
    assert!(problems.iter().any(twice), "{problems:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_named_in_a_controller_must_exist() {
    let line = include_str!("needs.rs").lines().position(|line| line.contains("missing.html"));
    let app = || App::new().controllers(controllers![pages]);
    let routes = [("pages", "query = []"), ("pages", "methods = [\"POST\"]")];
    let problems = start(app(), &routes).await.unwrap_err();
    let place = format!("tests/needs.rs:{}: ", line.unwrap() + 1);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains(&place), "{}", problems[0]);
    assert!(problems[0].contains("there is no template `missing.html`"), "{}", problems[0]);
    // A controller that no route names cannot be visited.
    start(app(), &[]).await.unwrap();
}

/// Checks that each of the routes is refused with these words and its place.
fn refused(problems: &[String], expected: &[(&str, &str)]) {
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (place, what) in expected {
        let is_it = |problem: &String| problem.starts_with(place) && problem.contains(what);
        assert!(problems.iter().any(is_it), "{place} {what}: {problems:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn content_for_one_visitor_is_refused_on_routes_that_a_cache_would_share() {
    let app = || {
        let controllers = controllers![members, member, user, badge];
        App::new().session::<Account>("/sign-in").controllers(controllers)
    };
    let names = ["members", "member", "user", "badge"];
    let problems = start(app(), &names.map(|name| (name, ""))).await.unwrap_err();
    let expected = [
        ("dispatch.conf:1: ", "the visitor's session"),
        ("dispatch.conf:5: ", "the visitor's session"),
        ("dispatch.conf:9: ", "the user of the visitor's session"),
        ("dispatch.conf:13: ", "the template `badge.html` names `session`"),
    ];
    refused(&problems, &expected);
    for (said, key) in [("cdn = \"max-age=60\"", "cdn"), ("browser = \"max-age=60\"", "browser")] {
        let uncached = format!("cache = \"no_cache\"\n{said}");
        let problems = start(app(), &names.map(|name| (name, &*uncached))).await.unwrap_err();
        let lines = ["1", "6", "11", "16"].map(|line| format!("dispatch.conf:{line}: `{key}` "));
        let expected: Vec<_> =
            lines.iter().map(|line| (&**line, "one visitor's session")).collect();
        refused(&problems, &expected);
    }
    let fine = "cache = \"no_cache\"\nbrowser = \"private, max-age=60\"\ncdn = \"no-store\"";
    start(app(), &names.map(|name| (name, fine))).await.unwrap();
    let without = App::new().controllers(controllers![members]);
    let problems = start(without, &[("members", "cache = \"no_cache\"")]).await.unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("the site has no sessions"), "{}", problems[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_depends_on_the_language_is_refused_if_the_site_has_none() {
    let app = || App::new().controllers(controllers![greeting]);
    let problems = start(app(), &[("greeting", "")]).await.unwrap_err();
    let what = "the controller takes the page's language, but project.toml declares no languages";
    refused(&problems, &[("dispatch.conf:1: ", what)]);
    let folder = folder(&[]);
    let page = "{{ 1 | round | number }}\n{% filter datetime %}{% endfilter %}{{ 1 is number }}{% set x | number %}1{% endset %}";
    std::fs::write(folder.path().join("templates/page.html"), page).unwrap();
    let problems = App::new().into_service(folder.path()).await.err().unwrap().to_string();
    for place in [
        "page.html:1:16: the filter `number`",
        "page.html:2:11: the filter `datetime`",
        "page.html:2:",
    ] {
        assert!(problems.contains(place), "{place} in {problems}");
    }
    assert_eq!(problems.matches("depends on the page's language").count(), 3, "{problems}");
    // Filters of the site itself may depend on anything.
    let own_folder = self::folder(&[]);
    std::fs::write(own_folder.path().join("templates/page.html"), page).unwrap();
    let own = App::new().templates(|tera| {
        tera.register_filter(
            "number",
            |_: &headwater::tera::Value,
             _: headwater::tera::Kwargs,
             _: &headwater::tera::State<'_>| "one",
        );
        tera.register_filter(
            "datetime",
            |_: &headwater::tera::Value,
             _: headwater::tera::Kwargs,
             _: &headwater::tera::State<'_>| "now",
        );
    });
    own.into_service(own_folder.path()).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_shows_messages_or_has_sessions_needs_a_secret_in_production() {
    let folder = folder(&[]);
    std::fs::write(folder.path().join("project.toml"), "environment = \"production\"\n").unwrap();
    App::new().into_service(folder.path()).await.unwrap().stop().await;
    std::fs::write(folder.path().join("templates/page.html"), "{{ flash() }}").unwrap();
    let problems = App::new().into_service(folder.path()).await.err().unwrap().to_string();
    assert!(
        problems.contains("show messages") && problems.contains("HEADWATER_SECRET_KEY"),
        "{problems}"
    );
    // A new folder, because the node that did not start may still have its log open.
    let folder = self::folder(&[]);
    std::fs::write(folder.path().join("project.toml"), "environment = \"production\"\n").unwrap();
    let app = App::new().session::<Account>("/sign-in");
    let problems = app.into_service(folder.path()).await.err().unwrap().to_string();
    assert!(
        problems.contains("has sessions") && problems.contains("HEADWATER_SECRET_KEY"),
        "{problems}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_only_the_reply_names_must_not_show_a_session_if_other_caches_store_it() {
    let folder = folder(&[
        ("hidden", "cache = \"no_cache\"\nname = \"own\""),
        ("badge", "cache = \"no_cache\"\nbrowser = \"private, max-age=60\""),
    ]);
    let routes = folder.path().join("dispatch.conf");
    let shared = "[[route]]\npath = \"/shared\"\ncontroller = \"hidden\"\ncache = \"no_cache\"\ncdn = \"max-age=60\"\n";
    let routes_before = std::fs::read_to_string(&routes).unwrap();
    std::fs::write(&routes, routes_before + shared).unwrap();
    let app = App::new().session::<Account>("/sign-in").controllers(controllers![hidden, badge]);
    let site = app.into_service(folder.path()).await.unwrap();
    for (path, status) in [("/hidden/1", 200), ("/badge/1", 200), ("/shared", 500)] {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(site.answer(request).await.status(), status, "{path}");
    }
    site.stop().await;
}
