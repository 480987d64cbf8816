//! Sessions on every front end and back end, until they end.

use std::time::Duration;

use headwater_tests::{Client, Cluster, Cut, Mode, Response, Site, copy_files, until};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/sign-in"
methods = ["POST"]
controller = "accounts.sign_in"

[[route]]
path = "/sign-out"
methods = ["POST"]
controller = "accounts.sign_out"

[[route]]
path = "/renew"
methods = ["POST"]
controller = "accounts.renew"

[[route]]
path = "/noted"
methods = ["POST"]
controller = "accounts.noted"

[[route]]
path = "/me"
controller = "accounts.me"
cache = "no_cache"

[[route]]
path = "/greeting"
controller = "accounts.greet"
cache = "no_cache"

[[route]]
path = "/badge"
template = "badge.html"
cache = "no_cache"

[[route]]
path = "/variant"
template = "variant.html"

[[route]]
path = "/badged"
template = "badged.html"
"#;

fn site() -> Site {
    Site::test_site(PROGRAM).route(ROUTES).template("variant.html", "{{ variant }}")
}

/// Returns the cookie of a new session.
fn cookie(response: &Response) -> String {
    assert_eq!(response.status, 303, "{}", response.text());
    let set = response.header("set-cookie");
    assert!(set.starts_with("__Host-session=") && set.contains("HttpOnly"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

async fn sign_in(visitor: &Client, name: &str) -> String {
    cookie(&visitor.form("/sign-in", &format!("name={name}")).await)
}

/// Returns the visitor's name as shown with this cookie on a controller's page, a template's page, and a part of a
/// cached page.
async fn seen(visitor: &Client, cookie: &str) -> [String; 3] {
    let mut seen = Vec::new();
    for target in ["/greeting", "/badge", "/badged"] {
        let response = visitor.page_with(target, &[("cookie", cookie)]).await;
        assert_eq!(response.status, 200, "{target}: {}", response.text());
        seen.push(response.text().trim().to_owned());
    }
    seen.try_into().unwrap()
}

fn member(name: &str) -> [String; 3] {
    [
        format!("{name} and {name}"),
        format!("signed in as {name}"),
        format!("<p>signed in as {name}\n</p>"),
    ]
}

fn guest() -> [String; 3] {
    ["nobody and nobody", "a guest", "<p>a guest\n</p>"].map(str::to_owned)
}

async fn post(visitor: &Client, target: &str, cookie: &str) -> Response {
    visitor.ask("POST", target, &[("cookie", cookie)], "").await
}

#[tokio::test]
async fn a_session_is_valid_on_every_front_end_and_shown_in_shared_cached_pages() {
    let cluster = Cluster::start(site(), 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let (ana, bob) = (sign_in(&f1, "ana").await, sign_in(&f2, "bob").await);
    for visitor in [&f1, &f2] {
        assert_eq!(seen(visitor, &ana).await, member("ana"));
        assert_eq!(seen(visitor, &bob).await, member("bob"));
        assert_eq!(seen(visitor, "").await, guest());
        let badged = visitor.page_with("/badged", &[("cookie", &ana)]).await;
        assert!(badged.is_hit() && badged.text().contains("ana"), "{}", badged.cache_status());
        assert!(badged.header("cache-control").contains("private"));
        for (cookie, variant) in [(&*ana, "member"), ("", "guest")] {
            let headers = [("cookie", cookie), ("x-variant", "member")];
            let page = visitor.page_with("/variant", &headers).await;
            assert_eq!(page.text(), variant, "{}", page.status);
        }
    }
    let page = f1.page("/me").await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in?back=%2Fme"));
}

#[tokio::test]
async fn sessions_sealed_with_any_secret_of_the_file_are_opened() {
    let (old, new) = ("0".repeat(32), "1".repeat(32));
    let site = site().file("keys", format!("{new}\n{old}\n"));
    let single = |site: &Site| site.node(Mode::SingleNodeWithCache, "n1");
    let mut node = single(&site).set("SECRET_KEY", &old).start().await;
    node.ready().await;
    let before = sign_in(&node.visitor(), "ana").await;
    node.stop().await;
    // As in `project.toml`, the path is relative to the folder of that file.
    let launch = single(&site).without("HEADWATER_SECRET_KEY").set("SECRET_KEY_FILE", "keys");
    let mut node = launch.start().await;
    node.ready().await;
    let after = sign_in(&node.visitor(), "bob").await;
    assert_eq!(seen(&node.visitor(), &before).await, member("ana"));
    node.stop().await;
    for (key, cookie, expected) in
        [(&new, &after, member("bob")), (&old, &after, guest()), (&new, &before, guest())]
    {
        let mut node = single(&site).set("SECRET_KEY", key).start().await;
        node.ready().await;
        assert_eq!(seen(&node.visitor(), cookie).await, expected);
        node.stop().await;
    }
}

#[tokio::test]
async fn a_session_has_ended_everywhere_when_the_sign_out_is_answered() {
    let cluster = Cluster::start(site(), 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let (here, there) = (sign_in(&f1, "ana").await, sign_in(&f2, "ana").await);
    let out = post(&f1, "/sign-out", &here).await;
    assert_eq!((out.status, out.header("clear-site-data")), (303, "\"cache\""));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    for visitor in [&f2, &f1] {
        assert_eq!(seen(visitor, &here).await, guest());
        assert_eq!(seen(visitor, &there).await, member("ana"), "it is another session");
    }
    // All remaining sessions end, and the one that renews them continues as a new session.
    let new = cookie(&post(&f2, "/renew", &there).await);
    for visitor in [&f1, &f2] {
        assert_eq!(seen(visitor, &there).await, guest());
        assert_eq!(seen(visitor, &new).await, member("ana"));
    }
}

#[tokio::test]
async fn sessions_end_with_the_record_of_the_update_that_ends_them() {
    let cluster = Cluster::start(site(), 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let (here, there) = (sign_in(&f1, "ana").await, sign_in(&f2, "ana").await);
    let bob = sign_in(&f1, "bob").await;
    let operator = cluster.backend.operator();
    let position = async || operator.page("/status").await.json()["position"].as_u64().unwrap();
    let before = position().await;
    assert_eq!(post(&f1, "/noted", &here).await.status, 303);
    assert_eq!(position().await, before + 1, "it is one record");
    for visitor in [&f1, &f2] {
        assert_eq!(seen(visitor, &here).await, guest());
        assert_eq!(seen(visitor, &there).await, guest());
        assert_eq!(seen(visitor, &bob).await, member("bob"));
    }
}

#[tokio::test]
async fn a_session_is_renewed_after_half_its_lifetime_and_can_still_be_ended() {
    let private = "browser = \"private, max-age=60\"";
    let site = site()
        .route(&format!("[[route]]\npath = \"/own\"\ntemplate = \"variant.html\"\n{private}\n"))
        .route(&format!(
            "[[route]]\npath = \"/cdn\"\ntemplate = \"variant.html\"\n{private}\ncdn = \"max-age=60\"\n"
        ));
    let backend = site.node(Mode::Backend, "b1").start().await;
    let mut cluster = Cluster { site, backend, frontends: Vec::new(), relays: Vec::new() };
    // The second front end has a longer lifetime, of which less than half remains for a session of the first.
    for (name, lifetime) in [("f1", "1m"), ("f2", "10d")] {
        let launch = cluster.site.node(Mode::Frontend, name).set("SESSION__LIFETIME", lifetime);
        let launch = launch.set("LINK__BACKENDS", cluster.backend.link());
        cluster.frontends.push(launch.start().await);
    }
    cluster.ready().await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let old = sign_in(&f1, "ana").await;
    let with = [("cookie", &*old)];
    assert_eq!(f1.page_with("/badged", &with).await.header("set-cookie"), "");
    let shared = f2.page_with("/static", &with).await;
    assert_eq!((shared.status, shared.header("set-cookie")), (200, ""), "it is a page of all");
    // A CDN uses its own header, and would store the cookie for all visitors.
    let looked_at = [("cookie", &*old), ("x-variant", "member")];
    let page = f2.page_with("/cdn", &looked_at).await;
    assert_eq!(
        (page.text(), page.header("cdn-cache-control"), page.header("set-cookie")),
        ("member", "max-age=60", "")
    );
    let page = f2.page_with("/own", &looked_at).await;
    assert_eq!((page.text(), page.header("cdn-cache-control")), ("member", ""));
    assert!(page.header("set-cookie").contains("Max-Age=864000"), "{:?}", page.headers);
    let mut renewed = Vec::new();
    for target in ["/badged", "/greeting"] {
        let page = f2.page_with(target, &with).await;
        let set = page.header("set-cookie");
        assert!(set.contains("Max-Age=864000"), "{target}: {set}");
        let caching = page.header("cache-control");
        assert!(caching.contains("private") || caching.contains("no-store"), "{target}: {caching}");
        renewed.push(set.split(';').next().unwrap().to_owned());
    }
    for cookie in renewed.iter().chain([&old]) {
        assert_eq!(seen(&f1, cookie).await, member("ana"));
    }
    assert_eq!(post(&f1, "/sign-out", &old).await.status, 303);
    for cookie in renewed.iter().chain([&old]) {
        for visitor in [&f1, &f2] {
            assert_eq!(seen(visitor, cookie).await, guest());
            assert_eq!(
                visitor.page_with("/badged", &[("cookie", cookie)]).await.header("set-cookie"),
                ""
            );
        }
    }
}

#[tokio::test]
async fn a_page_of_each_user_is_cached_for_that_user_alone() {
    let site = site()
        .template("cornered.html", "<p>{{ part(url=\"/corner\") }}</p>")
        .route(
            "[[route]]\npath = \"/corner\"\ncontroller = \"accounts.corner\"\nsession = \"user\"\n",
        )
        .route("[[route]]\npath = \"/cornered\"\ntemplate = \"cornered.html\"\n");
    let cluster = Cluster::start(site, 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let ana = sign_in(&f1, "ana").await;
    let (bob, other) = (sign_in(&f1, "bob").await, sign_in(&f2, "ana").await);
    let forged = [("cookie", ""), ("headwater-session-user", "ana")];
    for visitor in [&f1, &f2] {
        for (headers, name, is_first) in [
            (&[("cookie", &*ana)][..], "ana", true),
            (&[("cookie", &*bob)], "bob", true),
            (&[("cookie", &*other)], "ana", false),
            (&[("cookie", "")], "a guest", true),
            (&forged, "a guest", false),
        ] {
            for is_first in [is_first, false] {
                let corner = visitor.page_with("/corner", headers).await;
                assert_eq!(corner.text(), format!("corner of {name}"));
                assert_eq!(corner.is_hit(), !is_first, "{name}: {}", corner.cache_status());
                assert_eq!(corner.header("cache-control"), "private, no-cache");
                assert!(corner.header("vary").contains("cookie"), "{}", corner.header("vary"));
                let page = visitor.page_with("/cornered", headers).await;
                assert_eq!(page.text(), format!("<p>corner of {name}</p>"));
                assert!(page.header("cache-control").contains("private"));
            }
        }
    }
    assert_eq!(post(&f1, "/sign-out", &ana).await.status, 303);
    for visitor in [&f1, &f2] {
        for (cookie, name) in [(&ana, "a guest"), (&other, "ana")] {
            let page = visitor.page_with("/cornered", &[("cookie", cookie)]).await;
            assert_eq!(page.text(), format!("<p>corner of {name}</p>"));
        }
    }
}

#[tokio::test]
async fn a_front_end_that_is_cut_off_shows_no_users_page_in_place_of_an_error() {
    let corner = "[[route]]\npath = \"/corner\"\ncontroller = \"accounts.corner\"\nsession = \"user\"\n\
                  cache = { type = \"normal\", stale_if_error = \"1h\" }\n";
    let cluster = Cluster::start(site().route(corner), 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let ana = sign_in(&f1, "ana").await;
    let with = [("cookie", &*ana)];
    assert_eq!(f1.page_with("/corner", &with).await.text(), "corner of ana");
    assert_eq!(f1.page("/corner").await.text(), "corner of a guest");
    cluster.relays[0].cut(Cut::Silence);
    assert_eq!(post(&f2, "/sign-out", &ana).await.status, 303);
    // Without a lease it does not know that the session has ended, and treats the visitor as a guest.
    let page = f1.page_with("/corner", &with).await;
    assert_eq!((page.status, page.text()), (200, "corner of a guest"), "{}", page.cache_status());
}

#[tokio::test]
async fn a_sign_in_that_was_checked_before_all_sessions_ended_begins_no_session() {
    let cluster = Cluster::start(site(), 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let ana = sign_in(&f2, "ana").await;
    let slow = tokio::spawn(async move { f1.form("/sign-in", "name=ana&milliseconds=1500").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let renewed = cookie(&post(&f2, "/renew", &ana).await);
    let late = cookie(&slow.await.unwrap());
    assert_eq!(seen(&f2, &late).await, guest());
    assert_eq!(seen(&f2, &renewed).await, member("ana"));
}

#[tokio::test]
async fn a_front_end_that_is_cut_off_honours_no_sessions_and_later_applies_their_ends() {
    let mut cluster = Cluster::start(site(), 2).await;
    let (f1, f2) = (cluster.visitor(0), cluster.visitor(1));
    let ana = sign_in(&f1, "ana").await;
    let bob = sign_in(&f1, "bob").await;
    assert_eq!(seen(&f1, &bob).await, member("bob"));
    cluster.relays[0].cut(Cut::Silence);
    assert_eq!(post(&f2, "/sign-out", &ana).await.status, 303);
    for cookie in [&ana, &bob] {
        let badge = f1.page_with("/badge", &[("cookie", cookie)]).await;
        assert_eq!((badge.status, badge.text().trim()), (200, "a guest"));
    }
    cluster.relays[0].heal();
    cluster.ready().await;
    assert_eq!(seen(&f1, &ana).await, guest());
    assert_eq!(seen(&f1, &bob).await, member("bob"));
    // A new process receives them from the back end.
    cluster.frontends[0].kill().await;
    cluster.frontends[0].restart().await;
    cluster.ready().await;
    let f1 = cluster.visitor(0);
    assert_eq!(seen(&f1, &ana).await, guest());
    assert_eq!(seen(&f1, &bob).await, member("bob"));
}

#[tokio::test]
async fn ended_sessions_stay_ended_after_restarts_and_from_checkpoints() {
    let mut cluster = Cluster::start(site(), 1).await;
    let f1 = cluster.visitor(0);
    let (ana, bob) = (sign_in(&f1, "ana").await, sign_in(&f1, "bob").await);
    assert_eq!(post(&f1, "/sign-out", &ana).await.status, 303);
    for compacts in [false, true] {
        if compacts {
            let operator = cluster.backend.operator();
            let json = [("content-type", "application/json")];
            let done = operator.ask("POST", "/checkpoint", &json, r#"{"records":"drop"}"#).await;
            assert_eq!(done.status, 200, "{}", done.text());
        }
        cluster.restart_backend().await;
        cluster.ready().await;
        let f1 = cluster.visitor(0);
        assert_eq!(seen(&f1, &ana).await, guest());
        assert_eq!(seen(&f1, &bob).await, member("bob"));
    }
}

#[tokio::test]
async fn a_session_of_records_that_a_log_has_lost_is_invalid() {
    let mut cluster = Cluster::start(site(), 1).await;
    let f1 = cluster.visitor(0);
    let before = sign_in(&f1, "before").await;
    let (data, backup) = (cluster.site.path("data"), cluster.site.path("backup"));
    copy_files(&data, &backup);
    assert_eq!(f1.form("/page/1", "").await.status, 200);
    let lost = sign_in(&f1, "lost").await;
    cluster.backend.kill().await;
    cluster.backend =
        cluster.site.node(Mode::Backend, "b1").set("LOG__PATH", "backup").start().await;
    cluster.relays[0].set_target(cluster.backend.link());
    until("the front end follows the older log", async || {
        let greeting = f1.page_with("/greeting", &[("cookie", &before)]).await;
        (greeting.text().trim() == "before and before").then_some(())
    })
    .await;
    // The write is answered when no front end holds a lease of the previous log.
    assert_eq!(f1.form("/page/2", "").await.status, 200);
    cluster.ready().await;
    assert_eq!(seen(&f1, &lost).await, guest());
    assert_eq!(seen(&f1, &before).await, member("before"));
}

#[tokio::test]
async fn a_cookie_of_another_site_is_invalid_and_an_older_key_still_opens() {
    let site = site();
    let single = |secret: &str| {
        let node = site.node(Mode::SingleNodeWithCache, "n1");
        node.set("SECRET_KEY", secret).set("LOG__PATH", "data")
    };
    let (old, new) = (
        "an old secret that is long enough for a key",
        "a new secret that is long enough for a key",
    );
    let mut node = single(old).start().await;
    node.ready().await;
    let ana = sign_in(&node.visitor(), "ana").await;
    for (secret, expected) in [(new.to_owned(), guest()), (format!("{new},{old}"), member("ana"))] {
        node.stop().await;
        node = single(&secret).start().await;
        node.ready().await;
        assert_eq!(seen(&node.visitor(), &ana).await, expected);
    }
    node.stop().await;
    let Err(ended) =
        site.node(Mode::SingleNodeWithCache, "n1").set("SECRET_KEY", "short").try_start().await
    else {
        panic!("it starts with a short secret");
    };
    let messages = ended.messages.to_string();
    assert!(messages.contains("HEADWATER_SECRET_KEY: a secret key has 32"), "{messages}");
}

#[tokio::test]
async fn templates_that_would_show_a_session_to_all_are_refused_with_their_place() {
    let of_page = site()
        .template(
            "layout.html",
            "{% if session %}{{ session.name }}{% endif %}{% block b %}{% endblock %}",
        )
        .template("page2.html", "{% extends \"layout.html\" %}{% block b %}x{% endblock %}")
        .route("[[route]]\npath = \"/page2\"\ntemplate = \"page2.html\"\n");
    let of_fragment = site()
        .template("fragment.html", "\n{% cache id=\"x\" %}\n{{ session.name }}{% endcache %}");
    let route = |more: &str| site().route(&format!("[[route]]\npath = \"/page2\"\n{more}\n"));
    let of_user = route("template = \"badge.html\"\nsession = \"user\"");
    let of_no_user = route("template = \"plain.html\"\nsession = \"user\"");
    let of_error =
        route("controller = \"accounts.corner\"\nsession = \"user\"\ncache_statuses = [404]")
            .template("error.html", "{{ session.name }}");
    for (site, expected) in [
        (
            of_page,
            "the template `page2.html` names `session`, and the route caches its pages for all visitors",
        ),
        (of_fragment, "fragment.html:2: the fragment names `session`"),
        (
            of_user,
            "the template `badge.html` names `session`, and the route caches a page for each user",
        ),
        (of_no_user, "the template `plain.html` does not use the user"),
        (
            of_error,
            "the template `error.html` names `session`, and `cache_statuses` caches pages with status 404",
        ),
    ] {
        let output = site.run(&["check"]);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && errors.contains(expected), "{errors}");
    }
}

#[tokio::test]
async fn an_error_page_may_show_the_session_and_is_then_not_stored_by_caches() {
    let page = "{{ status }} for {% if session %}{{ session.name }}{% else %}a guest{% endif %}";
    let routes = format!("{ROUTES}\n[[error]]\nstatus = 404\ntemplate = \"error.html\"\n");
    let site = site().dispatch(&routes).template("error.html", page);
    let cluster = Cluster::start(site, 2).await;
    let visitors = [cluster.visitor(0), cluster.visitor(1)];
    let ana = sign_in(&visitors[0], "ana").await;
    let shown = async |cookie: &str, expected: &str| {
        for visitor in &visitors {
            let page = visitor.page_with("/nowhere", &[("cookie", cookie)]).await;
            assert_eq!((page.status, page.text().trim()), (404, expected));
            assert_eq!(page.header("cache-control"), "private, no-store");
        }
    };
    shown("", "404 for a guest").await;
    shown(&ana, "404 for ana").await;
    shown("__Host-session=forged", "404 for a guest").await;
    visitors[1].ask("POST", "/sign-out", &[("cookie", &ana)], "").await;
    shown(&ana, "404 for a guest").await;
}
