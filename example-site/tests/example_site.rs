//! The example site as its visitors use it: every page, both forms, the JSON, error pages.

use std::path::Path;
use std::sync::LazyLock;

use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Response, Shared, Site, until};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_example-site");

/// Returns the site with its own files.
fn site() -> Site {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = ["project.toml", "dispatch.conf", "templates", "locales", "example-site/docroot"];
    files.iter().fold(Site::new(PROGRAM), |site, name| site.copy(&root, name))
}

static CLUSTER: LazyLock<Shared> = LazyLock::new(|| Shared::start(cluster));

/// Starts a back end and two front ends. Their docroots are separate from the back end's.
async fn cluster() -> Cluster {
    let site = site().file("backend/uploads/.keep", "");
    let docroot = site.path("backend").display().to_string();
    let backend = site.node(Mode::Backend, "b1").set("DOCROOT__PATH", docroot).start().await;
    let mut cluster = Cluster { site, backend, frontends: Vec::new(), relays: Vec::new() };
    for name in ["f1", "f2"] {
        let frontend = cluster.site.node(Mode::Frontend, name);
        let frontend = frontend.set("LINK__BACKENDS", cluster.backend.link());
        cluster.frontends.push(frontend.start().await);
    }
    cluster.ready().await;
    cluster
}

/// Returns the visible text of a page, without the markup.
fn words(page: &Response) -> String {
    let mut words = String::new();
    let mut inside = false;
    for letter in page.text().chars() {
        match letter {
            '<' => inside = true,
            '>' => inside = false,
            _ if inside => {}
            _ => words.push(letter),
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The smallest possible picture.
const PICTURE: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";

/// Sends the form of a new story, with this file if it is not empty.
async fn submit(visitor: &Client, title: &str, body: &str, picture: &[u8]) -> Response {
    let field = |name, content: &[u8]| {
        // Browsers send an empty name when no file was chosen.
        let file = match name {
            "picture" if content.is_empty() => "; filename=\"\"",
            "picture" => "; filename=\"dot.gif\"\r\nContent-Type: image/gif",
            _ => "",
        };
        let head = format!("--XX\r\nContent-Disposition: form-data; name={name}{file}\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let fields = [("title", title.as_bytes()), ("body", body.as_bytes()), ("picture", picture)];
    let fields = fields.map(|(name, content)| field(name, content)).concat();
    let form = [fields.as_slice(), b"--XX--\r\n"].concat();
    let headers = [("content-type", "multipart/form-data; boundary=XX")];
    visitor.ask("POST", "/submit", &headers, form).await
}

/// Publishes a story and returns the address of its page.
async fn publish(visitor: &Client, title: &str, body: &str) -> String {
    let response = submit(visitor, title, body, b"").await;
    assert_eq!(response.status, 303, "{}", response.text());
    response.header("location").to_owned()
}

/// Returns the values of all attributes with this name.
fn attributes<'p>(page: &'p Response, name: &str) -> Vec<&'p str> {
    let begin = format!(" {name}=\"");
    let values = page.text().split(&begin).skip(1).filter_map(|rest| rest.split('"').next());
    values.collect()
}

#[test]
fn the_components_equal_those_of_the_framework() {
    assert_eq!(include_str!("../../templates/components.html"), headwater::form::COMPONENTS);
}

#[tokio::test]
async fn the_front_page_shows_stories_at_both_of_its_addresses() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/", "/index.html"] {
        let page = visitor.page(target).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        let stories = attributes(&page, "href");
        let stories = stories.iter().filter(|link| link.starts_with("/stories/"));
        assert!(stories.count() >= 3, "{}", page.text());
    }
}

#[tokio::test]
async fn every_link_and_picture_of_the_site_leads_somewhere() {
    let visitor = CLUSTER.borrow().visitor(0);
    let mut seen = vec!["/".to_owned()];
    let mut next = 0;
    while let Some(target) = seen.get(next).cloned() {
        next += 1;
        let page = visitor.page(&target).await;
        assert!(matches!(page.status, 200 | 303), "{target}: {}", page.status);
        if !page.header("content-type").starts_with("text/html") {
            continue;
        }
        for link in attributes(&page, "href").into_iter().chain(attributes(&page, "src")) {
            let link = link.split('#').next().unwrap_or_default().replace("&amp;", "&");
            if link.starts_with('/') && !seen.contains(&link) && seen.len() < 200 {
                seen.push(link);
            }
        }
    }
    for expected in ["/list", "/faq", "/submit", "/api/stories", "/normal_cache", "/current_time"] {
        assert!(seen.iter().any(|link| link == expected), "{expected} is not linked: {seen:?}");
    }
}

#[tokio::test]
async fn the_pages_fit_a_phone_and_declare_their_language() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/", "/list", "/faq", "/submit", "/nowhere"] {
        let page = visitor.page(target).await;
        assert!(page.text().contains("name=\"viewport\""), "{target}");
        assert!(page.text().contains("<html lang=\""), "{target}");
    }
}

#[tokio::test]
async fn pages_are_cached_as_their_routes_declare() {
    let visitor = CLUSTER.borrow().visitor(0);
    let again = async |target: &str| {
        visitor.page(target).await;
        visitor.page(target).await.cache_status().to_owned()
    };
    assert!(again("/faq").await.starts_with("headwater; hit; ttl="));
    assert!(again("/submit").await.starts_with("headwater; hit"));
    assert!(again("/normal_cache").await.starts_with("headwater; hit; ttl="));
    assert_eq!(again("/current_time").await, "headwater; fwd=bypass");
    let list = again("/list").await;
    let left = list.strip_prefix("headwater; hit; ttl=").and_then(|left| left.parse::<u32>().ok());
    assert!(left.is_some_and(|left| left <= 20), "{list}");
}

#[tokio::test]
async fn a_new_story_is_on_every_front_end_at_once() {
    let cluster = CLUSTER.borrow();
    for round in 0..4 {
        for frontend in 0..2 {
            for target in ["/", "/list", "/api/stories"] {
                cluster.visitor(frontend).page(target).await;
            }
        }
        let title = format!("Otters number {round}");
        let location = publish(&cluster.visitor(round % 2), &title, "Seen at dawn.").await;
        for frontend in 0..2 {
            let visitor = cluster.visitor(frontend);
            for target in ["/", "/list", "/api/stories", &location] {
                let page = visitor.page(target).await;
                assert_eq!(page.status, 200, "{target}");
                assert!(page.text().contains(&title), "{target} of front end {frontend}");
            }
        }
    }
}

#[tokio::test]
async fn a_story_may_be_sent_as_a_form_without_files() {
    let visitor = CLUSTER.borrow().visitor(0);
    let response = visitor.form("/submit", "title=By+hand&body=With+curl.").await;
    assert_eq!(response.status, 303, "{}", response.text());
    assert!(visitor.page(response.header("location")).await.text().contains("By hand"));
    assert_eq!(visitor.page("/list?page=").await.status, 200);
}

#[tokio::test]
async fn a_new_comment_is_on_every_front_end_at_once() {
    let cluster = CLUSTER.borrow();
    let location =
        publish(&cluster.visitor(0), "A story to talk about", "What do you think?").await;
    let api = format!("/api{location}");
    for round in 0..4 {
        for frontend in 0..2 {
            for target in [&location, &api, "/list", "/list?page=2"] {
                cluster.visitor(frontend).page(target).await;
            }
        }
        let form = format!("author=Reader+{round}&body=I+think+{round}.");
        let visitor = cluster.visitor(round % 2);
        let response = visitor.form(&location, &form).await;
        assert_eq!(response.status, 303);
        assert_eq!(response.header("location").split('#').next(), Some(location.as_str()));
        for frontend in 0..2 {
            let page = cluster.visitor(frontend).page(&location).await;
            let (author, body) = (format!("Reader {round}"), format!("I think {round}."));
            assert!(words(&page).contains(&author) && words(&page).contains(&body));
            let story = cluster.visitor(frontend).page(&api).await.json();
            assert_eq!(story["comments"].as_array().map(Vec::len), Some(round + 1));
            // Other tests publish stories at the same time.
            let list = words(&cluster.visitor(frontend).page("/list").await);
            let list = list + &words(&cluster.visitor(frontend).page("/list?page=2").await);
            assert!(list.contains(&format!("{} comment", round + 1)), "{list}");
        }
    }
}

#[tokio::test]
async fn visitors_text_is_escaped() {
    let cluster = CLUSTER.borrow();
    let title = "<script>alert(1)</script>&amp;";
    let response = submit(&cluster.visitor(0), title, "<b>bold</b> {{ 777*1001 }}", b"").await;
    let location = response.header("location").to_owned();
    let comment = "author=%3Ci%3E&body=%3Cimg+src=x%3E";
    cluster.visitor(0).form(&location, comment).await;
    for target in [&location, "/", "/list"] {
        let page = cluster.visitor(1).page(target).await;
        for markup in ["<script>alert", "<b>bold", "<img src=x", "<i>", "777777", "777,777"] {
            assert!(!page.text().contains(markup), "{markup} in {target}");
        }
        assert!(page.text().contains("&lt;script&gt;alert(1)"), "{target}");
    }
    assert!(cluster.visitor(1).page(&location).await.text().contains("{{ 777*1001 }}"));
}

#[tokio::test]
async fn an_incomplete_story_is_returned_with_its_errors() {
    let visitor = CLUSTER.borrow().visitor(0);
    let before = visitor.page("/api/stories").await;
    let page = submit(&visitor, "", "Something worth keeping", PICTURE).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("Something worth keeping"), "what was entered is kept");
    assert!(words(&page).contains("Title: Please fill in this field."), "{}", words(&page));
    assert_eq!(submit(&visitor, &"t".repeat(500), "x", b"").await.status, 422);
    assert_eq!(submit(&visitor, "", "", b"").await.status, 422);
    for (picture, wrong) in [
        (&b"<script>alert(1)</script>"[..], "A file of this type is not accepted here."),
        (b"GIF89a", "The file is not a PNG, JPEG, WebP or GIF picture."),
    ] {
        let page = submit(&visitor, "A title", "A text", picture).await;
        assert_eq!(page.status, 422);
        assert!(words(&page).contains(wrong), "{}", words(&page));
    }
    let page = submit(&visitor, "A title", "A text", &vec![0xff; 5 << 20]).await;
    assert_eq!(page.status, 422);
    assert!(words(&page).contains("Please choose a file of"), "{}", words(&page));
    let after = visitor.page("/api/stories").await;
    let titles = |response: &Response| {
        let stories = response.json();
        let stories: Vec<Value> = stories.as_array().cloned().unwrap_or_default();
        stories.iter().filter(|story| story["title"] == "").count()
    };
    assert_eq!((titles(&before), titles(&after)), (0, 0));
}

#[tokio::test]
async fn an_incomplete_comment_is_returned_with_the_story() {
    let visitor = CLUSTER.borrow().visitor(0);
    let location = publish(&visitor, "A quiet story", "Nobody says anything.").await;
    let page = visitor.form(&location, "author=Ada&body=").await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("A quiet story") && page.text().contains("value=\"Ada\""));
    assert_eq!(visitor.form("/stories/no-such-story", "author=A&body=b").await.status, 404);
}

#[tokio::test]
async fn the_api_shows_the_same_stories_as_json() {
    let visitor = CLUSTER.borrow().visitor(0);
    let location = publish(&visitor, "For programs", "One.\n\nTwo.").await;
    let list = visitor.page("/api/stories").await;
    assert_eq!(list.header("content-type"), "application/json");
    let stories = list.json();
    let listed = stories.as_array().unwrap().iter();
    let listed = listed.filter(|story| story["title"] == "For programs").count();
    assert_eq!(listed, 1);
    let story = visitor.page(&format!("/api{location}")).await.json();
    assert_eq!((&story["title"], &story["body"]), (&"For programs".into(), &"One.\n\nTwo.".into()));
    assert_eq!(visitor.page("/api/stories/no-such-story").await.status, 404);
}

#[tokio::test]
async fn the_normal_page_is_made_anew_everywhere_after_its_invalidation() {
    let cluster = CLUSTER.borrow();
    let mut before = Vec::new();
    for frontend in 0..2 {
        before.push(cluster.visitor(frontend).page("/normal_cache").await.body);
    }
    let response = cluster.visitor(0).form("/normal_cache", "").await;
    assert_eq!((response.status, response.header("location")), (303, "/normal_cache"));
    for (frontend, before) in before.into_iter().enumerate() {
        assert_ne!(cluster.visitor(frontend).page("/normal_cache").await.body, before);
    }
}

#[tokio::test]
async fn style_and_pictures_are_files_that_browsers_may_keep() {
    let visitor = CLUSTER.borrow().visitor(0);
    let style = visitor.page("/assets/site.css").await;
    let accept = [("accept-encoding", "gzip, br")];
    let encoded = visitor.page_with("/assets/site.css", &accept).await;
    assert_eq!(encoded.header("content-encoding"), "br");
    assert!(encoded.body.len() * 2 < style.body.len(), "{}", encoded.body.len());
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(!style.header("etag").is_empty());
    let picture = visitor.page("/assets/logo.svg").await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert_eq!(visitor.page("/assets/no-such-file").await.status, 404);
    assert_eq!(visitor.page("/assets/%2e%2e/Cargo.toml").await.status, 400);
    assert_eq!(visitor.page("/favicon.ico").await.header("location"), "/assets/favicon.svg");
}

#[tokio::test]
async fn errors_look_like_the_site() {
    let visitor = CLUSTER.borrow().visitor(0);
    for (method, target, status) in
        [("GET", "/nowhere", 404), ("GET", "/stories/none", 404), ("DELETE", "/list", 405)]
    {
        let page = visitor.ask(method, target, &[], "").await;
        assert_eq!(page.status, status, "{target}");
        assert!(page.text().contains("/assets/site."), "{target}: {}", page.text());
        assert!(words(&page).contains("Request "), "{target}");
    }
    let wrong = visitor.ask("DELETE", "/list", &[], "").await;
    assert!(wrong.header("allow").starts_with("GET, HEAD"), "{}", wrong.header("allow"));
    let form = visitor.ask("GET", "/session/close", &[], "").await;
    assert!(form.status == 405 && form.header("allow").contains("POST"));
}

#[tokio::test]
async fn head_answers_on_every_page() {
    let visitor = CLUSTER.borrow().visitor(0);
    for target in ["/", "/list", "/faq", "/submit", "/current_time", "/assets/site.css"] {
        let head = visitor.ask("HEAD", target, &[], "").await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{target}");
        assert!(!head.header("content-length").is_empty(), "{target}");
    }
}

#[tokio::test]
async fn a_picture_is_on_every_front_end_before_its_story() {
    let cluster = CLUSTER.borrow();
    for round in 0..4u8 {
        let picture = [PICTURE, &[round]].concat();
        let title = format!("Picture number {round}");
        let visitor = cluster.visitor(usize::from(round) % 2);
        let published = submit(&visitor, &title, "Look.", &picture).await;
        assert_eq!(published.status, 303, "{}", published.text());
        for frontend in 0..2 {
            let visitor = cluster.visitor(frontend);
            for target in ["/", published.header("location")] {
                let page = visitor.page(target).await;
                let mut shown = attributes(&page, "src").into_iter();
                let source = shown.find(|source| source.starts_with("/uploads/")).unwrap();
                let file = visitor.page(source).await;
                assert_eq!((file.status, file.header("content-type")), (200, "image/gif"));
                assert!(file.header("cache-control").contains("immutable"));
                assert_eq!(file.body, picture, "{target} of front end {frontend}");
            }
        }
    }
}

#[tokio::test]
async fn pictures_say_how_large_they_are_and_only_those_further_down_are_lazy() {
    // A separate cluster, because its newest story must have a picture.
    let cluster = cluster().await;
    let visitor = cluster.visitor(0);
    let published = submit(&visitor, "A very small picture", "Look closely.", PICTURE).await;
    for target in ["/", "/list", published.header("location")] {
        let page = visitor.page(target).await;
        let pictures = page.text().split("<img ").filter_map(|rest| rest.split('>').next());
        // The first piece precedes all pictures, and the second is the logo.
        for (index, picture) in pictures.skip(2).enumerate() {
            assert!(picture.contains(" width=\"") && picture.contains(" height=\""), "{picture}");
            assert_eq!(picture.contains("loading=\"lazy\""), index > 0, "{target}: {picture}");
            assert_eq!(picture.contains("width=\"1\""), index == 0, "{target}: {picture}");
        }
    }
}

/// Signs a visitor in under this name and returns the session's cookie as a browser sends it back.
async fn sign_in(visitor: &Client, name: &str) -> String {
    let signed_in = visitor.form("/session", &format!("name={name}")).await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/"));
    let cookies = signed_in.headers.get_all("set-cookie").iter().filter_map(|it| it.to_str().ok());
    let session = cookies.filter_map(|cookie| cookie.split(';').next());
    session.filter(|cookie| cookie.starts_with("session=")).collect()
}

/// Returns the cookie that a response sets, as a browser sends it back.
fn cookie(response: &Response) -> String {
    response.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_interface_speaks_the_language_of_the_browser() {
    let visitor = CLUSTER.borrow().visitor(0);
    let location = publish(&visitor, "Fog over the bridge", "It came at four.").await;
    for target in ["/", "/list", "/faq", "/submit", "/session", &location, "/current_time", "/none"]
    {
        for _ in 0..2 {
            for (wanted, language) in [("de-CH, en;q=0.5", "de"), ("fr, en", "en"), ("fr", "en")] {
                let page = visitor.page_with(target, &[("accept-language", wanted)]).await;
                let lang = format!("<html lang=\"{language}\"");
                assert!(page.text().contains(&lang), "{target} for {wanted}: {}", page.text());
                let link = if language == "de" { "Alle Berichte" } else { "All stories" };
                assert!(words(&page).contains(link), "{target} for {wanted}");
            }
        }
    }
    let german = [("accept-language", "de"), ("content-type", "application/x-www-form-urlencoded")];
    let refused = visitor.ask("POST", &location, &german, "author=A").await;
    assert!(words(&refused).contains("Ihr Kommentar: Bitte"), "{}", words(&refused));
}

#[tokio::test]
async fn the_language_can_be_chosen() {
    let visitor = CLUSTER.borrow().visitor(0);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let headers = [form, ("referer", "http://weir.example/list?page=2")];
    let chosen = visitor.ask("POST", "/session/language", &headers, "language=de").await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/list?page=2"));
    let cookie = cookie(&chosen);
    let page = visitor.page_with("/list", &[("cookie", &cookie), ("accept-language", "en")]).await;
    assert!(page.text().contains("<html lang=\"de\""), "{}", page.text());
    let current: Vec<_> =
        page.text().lines().filter(|line| line.contains("aria-current=\"")).collect();
    // A list with several pages also marks its current page.
    let [here, .., language] = current.as_slice() else { panic!("{current:?}") };
    assert!(
        here.contains("href=\"/list\"") && language.contains(">Deutsch</button>"),
        "{current:?}"
    );
    let strange = [("cookie", "language=tlh"), ("accept-language", "de")];
    let page = visitor.page_with("/list", &strange).await;
    assert!(page.text().contains("<html lang=\"de\""), "{}", page.text());
    let elsewhere = [form, ("referer", "http://evil.example//evil.example/")];
    let chosen = visitor.ask("POST", "/session/language", &elsewhere, "language=de").await;
    assert_eq!(chosen.header("location"), "/");
}

#[tokio::test]
async fn the_language_can_be_chosen_on_a_refused_form() {
    let visitor = CLUSTER.borrow().visitor(0);
    let story = publish(&visitor, "A story to be asked about", "In two languages.").await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    for sent_to in ["/submit", &*story, "/session"] {
        assert_eq!(visitor.form(sent_to, "").await.status, 422, "{sent_to}");
        let referer = format!("http://weir.example{sent_to}");
        let headers = [form, ("referer", &referer)];
        let chosen = visitor.ask("POST", "/session/language", &headers, "language=de").await;
        assert_eq!((chosen.status, chosen.header("location")), (303, sent_to));
        let page = visitor.page(sent_to).await;
        assert!(page.status == 200 && page.text().contains("<form method=\"post\""), "{sent_to}");
    }
}

#[tokio::test]
async fn a_visitor_who_signs_in_is_greeted_on_pages_in_the_shared_cache() {
    // A separate cluster, because stories from other tests invalidate pages.
    let cluster = cluster().await;
    let visitor = cluster.visitor(0);
    let juergen = sign_in(&visitor, "+J%C3%BCrgen+%3Cb%3E+").await;
    let (ada, grace) = (sign_in(&visitor, "Ada").await, sign_in(&visitor, "Grace").await);
    for target in ["/", "/list", "/faq"] {
        // One copy for signed-in visitors, and one for all others.
        for cookie in ["", &grace] {
            visitor.page_with(target, &[("cookie", cookie)]).await;
        }
        for (cookie, name) in [
            ("", "/session\">Sign in"),
            (&*juergen, "/me\">Jürgen &lt;b&gt;"),
            (&*ada, "/me\">Ada"),
            ("session=Ada", "/session\">Sign in"),
        ] {
            let page = visitor.page_with(target, &[("cookie", cookie)]).await;
            assert!(page.is_hit(), "{target} for {name}: {}", page.cache_status());
            let badge = format!("<a class=\"badge\" href=\"{name}</a>");
            assert!(page.text().contains(&badge), "{target} for {name}: {}", page.text());
        }
    }
    let refused = visitor.form("/session", "name=+").await;
    assert_eq!(refused.status, 422);
    assert!(words(&refused).contains("What is your name?: Please fill in"), "{}", words(&refused));

    let signed_out = visitor.ask("POST", "/session/close", &[("cookie", &juergen)], "").await;
    assert!(signed_out.header("set-cookie").contains("Max-Age=0"));
    for frontend in 0..2 {
        let page = cluster.visitor(frontend).page_with("/faq", &[("cookie", &juergen)]).await;
        assert!(words(&page).contains("Sign in"), "{}", words(&page));
    }
}

#[tokio::test]
async fn the_badge_counts_a_readers_comments() {
    let cluster = CLUSTER.borrow();
    let visitor = cluster.visitor(0);
    let story = publish(&visitor, "A story about counting", "One, two, many.").await;
    let (sofia, wei) = (sign_in(&visitor, "Sofia").await, sign_in(&visitor, "Wei").await);
    let badge = async |frontend: usize, cookie: &str| {
        let page = cluster.visitor(frontend).page_with("/faq", &[("cookie", cookie)]).await;
        let badge =
            page.text().split("href=\"/me\">").nth(1).and_then(|rest| rest.split('<').next());
        badge.unwrap_or_default().to_owned()
    };
    for count in 1..=2 {
        visitor.form(&story, "author=Sofia&body=Counted.").await;
        for frontend in 0..2 {
            assert_eq!(badge(frontend, &sofia).await, format!("Sofia ({count})"));
            assert_eq!(badge(frontend, &wei).await, "Wei");
        }
    }
    let page = visitor.page_with("/me", &[("cookie", &sofia)]).await;
    assert!(words(&page).contains("Your 2 comments Counted. Counted."), "{}", words(&page));
    let elsewhere = visitor.page("/me").await;
    assert_eq!((elsewhere.status, elsewhere.header("location")), (303, "/session?back=%2Fme"));
    let page = visitor.page("/session?back=%2Fme").await;
    assert!(page.text().contains("value=\"/me\""), "{}", page.text());
    let signed_in = visitor.form("/session", "name=Wei&back=%2Fme").await;
    assert_eq!((signed_in.status, signed_in.header("location")), (303, "/me"));
}

#[tokio::test]
async fn pages_come_in_every_coding_unless_they_hold_a_name() {
    let visitor = CLUSTER.borrow().visitor(0);
    let ada = sign_in(&visitor, "Ada").await;
    for target in ["/faq", "/submit", "/normal_cache"] {
        for coding in ["br", "zstd", "gzip"] {
            until(&format!("{target} as {coding}"), async || {
                let page = visitor.page_with(target, &[("accept-encoding", coding)]).await;
                (page.header("content-encoding") == coding && page.is_hit()).then_some(())
            })
            .await;
        }
        // Shared content is not compressed together with a name.
        let name = [("accept-encoding", "br, zstd, gzip"), ("cookie", &*ada)];
        until(&format!("{target} as gzip for Ada"), async || {
            let page = visitor.page_with(target, &name).await;
            let coding = page.header("content-encoding").to_owned();
            assert!(matches!(&*coding, "" | "gzip"), "{target}: {coding}");
            (coding == "gzip").then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_story_can_be_read_after_a_404_at_its_address() {
    // A separate cluster, because stories from other tests invalidate pages.
    let cluster = cluster().await;
    for frontend in 0..2 {
        let visitor = cluster.visitor(frontend);
        assert_eq!(visitor.page("/stories/snow-at-last").await.status, 404);
        let again = visitor.page("/stories/snow-at-last").await;
        assert!(again.status == 404 && again.is_hit(), "{}", again.cache_status());
    }
    assert_eq!(
        publish(&cluster.visitor(0), "Snow at last", "Two inches.").await,
        "/stories/snow-at-last"
    );
    for frontend in 0..2 {
        assert_eq!(cluster.visitor(frontend).page("/stories/snow-at-last").await.status, 200);
    }
}

#[tokio::test]
async fn a_card_is_rendered_once_and_again_when_its_story_changes() {
    // A separate cluster, because stories from other tests invalidate pages.
    let cluster = cluster().await;
    let frontend = &cluster.frontends[0];
    let visitor = frontend.visitor();
    let location = publish(&visitor, "A heron on the town hall", "It stayed for an hour.").await;
    let cards = async || {
        let count = async |cache: &str| {
            frontend.metric(&format!("headwater_fragments_total{{cache=\"{cache}\"}}")).await
        };
        (count("hit").await, count("miss").await)
    };
    for target in ["/", "/list"] {
        visitor.page(target).await;
    }
    let (hits, misses) = cards().await;
    let forget = r#"{"patterns":["^/index.html$"]}"#;
    let json = [("content-type", "application/json")];
    let backend = cluster.backend.operator();
    assert_eq!(backend.ask("POST", "/invalidate", &json, forget).await.status, 200);
    assert!(!visitor.page("/").await.is_hit());
    assert_eq!(cards().await, (hits + 6.0, misses), "all cards of the front page were there");

    visitor.form(&location, "author=Ada&body=I+saw+it+too.").await;
    assert!(words(&visitor.page("/").await).contains("1 comment "));
    assert_eq!(cards().await, (hits + 11.0, misses + 1.0), "one card was not");
}

#[tokio::test]
async fn pages_read_before_are_served_while_the_back_end_is_down() {
    // A separate cluster, because its back end is stopped.
    let mut cluster = cluster().await;
    let visitor = cluster.visitor(0);
    let story = publish(&visitor, "Power cut on the High Street", "It lasted an hour.").await;
    let api = format!("/api{story}");
    let read = ["/", "/list", &*story, "/faq", "/submit", "/api/stories", &*api, "/normal_cache"];
    let ada = sign_in(&visitor, "Ada").await;
    for cookie in ["", &ada] {
        for target in read {
            assert_eq!(visitor.page_with(target, &[("cookie", cookie)]).await.status, 200);
        }
    }
    cluster.backend.stop().await;
    until("the lease is over", async || {
        let held = cluster.frontends[0].metric("headwater_lease_held").await;
        (held == 0.0).then_some(())
    })
    .await;
    // Without a lease, front ends cannot tell whether a session has ended.
    for (cookie, name) in [("", "Sign in"), (&*ada, "Sign in")] {
        for target in read {
            let page = visitor.page_with(target, &[("cookie", cookie)]).await;
            assert_eq!(page.status, 200, "{target}: {}", page.cache_status());
            assert!(target.starts_with("/api") || page.text().contains(name), "{target}");
        }
    }
    assert_eq!(visitor.page("/list?page=7").await.status, 503);
}
