//! The auditor: complete sites in this process, some of which do not invalidate a group.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use headwater::app::{Audit, SiteService};
use headwater::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// Notes with a tag each. Pages name their groups by hand, because the groups of reads from tables and values are never
/// forgotten.
#[derive(Clone, Default, State)]
struct Notes {
    notes: Plain<BTreeMap<u64, (String, String)>>,
}

#[derive(Serialize, Deserialize)]
enum Update {
    /// Invalidates all groups.
    Write { id: u64, tag: String, text: String },
    /// Does not invalidate the tag's group.
    Forgetful { id: u64, tag: String, text: String },
    /// Invalidates all groups: the page of every tag is in `all`.
    Delete { id: u64 },
    /// Invalidates no group.
    Silent { id: u64, text: Option<String> },
}

impl Updates for Notes {
    type Update = Update;
    type Output = ();
    type Refusal = Infallible;

    fn apply(&mut self, update: Update, at: &mut At) -> Result<(), Infallible> {
        // A note's tag never changes here.
        at.invalidate(match &update {
            Update::Write { id, tag, .. } => {
                Invalidation::new().group(format!("note:{id}")).group(format!("tag:{tag}"))
            }
            Update::Forgetful { id, .. } => Invalidation::new().group(format!("note:{id}")),
            Update::Delete { id } => Invalidation::new().group(format!("note:{id}")).group("all"),
            Update::Silent { .. } => Invalidation::new(),
        });
        match update {
            Update::Write { id, tag, text } | Update::Forgetful { id, tag, text } => {
                self.notes.insert(id, (tag, text));
            }
            Update::Silent { id, text: Some(text) } => {
                self.notes.insert(id, ("rain".to_owned(), text));
            }
            Update::Delete { id } | Update::Silent { id, text: None } => {
                self.notes.remove(&id);
            }
        }
        Ok(())
    }
}

#[controller("note")]
async fn note(Path(id): Path<u64>, site: Data<Notes>) -> Result<Reply> {
    let (_, note) = site.notes.get(&id).or_not_found()?;
    Ok(text(note.clone()))
}

#[controller("tag")]
async fn tag(Path(tag): Path<String>, site: Data<Notes>) -> Reply {
    let of_tag = site.notes.values().filter(|note| note.0 == tag);
    let texts: Vec<_> = of_tag.map(|note| note.1.clone()).collect();
    template("tag.html").with("tag", tag).with("texts", texts)
}

#[controller("update")]
async fn update(Json(update): Json<Update>, mut site: DataMut<Notes>) -> Result<Reply> {
    site.update(update).await??;
    Ok(status(204))
}

static CLOCK: AtomicU64 = AtomicU64::new(0);

#[controller("clock")]
async fn clock() -> Reply {
    let now = CLOCK.fetch_add(1, Ordering::SeqCst);
    html(format!("<p>A page</p>\n<time>{now}</time>"))
}

#[controller("shade")]
async fn shade(headers: Headers) -> Result<Reply> {
    let shade = headers.get("x-shade")?.map(|shade| shade.to_str().unwrap().to_owned());
    Ok(text(shade.unwrap_or_default()))
}

const ROUTES: &str = r#"
[[route]]
path = "/notes/{id}"
controller = "note"
groups = ["note:{id}"]
cache_statuses = [404]

[[route]]
path = "/tags/{tag}"
controller = "tag"
groups = ["tag:{tag}", "all"]

[[route]]
path = "/fragments/{tag}"
controller = "tag"
groups = ["tag:{tag}", "all"]
query = ["page"]

[[route]]
path = "/updates"
methods = ["POST"]
controller = "update"

[[route]]
path = "/clock/plain"
controller = "clock"

[[route]]
path = "/clock/never"
controller = "clock"
audit = false

[[route]]
path = "/clock/ignored"
controller = "clock"
audit_ignore = ['<time>[0-9]*</time>']

[[route]]
path = "/clock/timed"
controller = "clock"
cache = { timeout = "1h" }

[[route]]
path = "/clock/audited"
controller = "clock"
cache = { timeout = "1h" }
audit = true

[[route]]
path = "/shade"
controller = "shade"
vary = ["x-shade"]
"#;

const TAG: &str = "<h1>{{ tag }}</h1>\n{% for text in texts %}<p>{{ text }}</p>\n{% endfor %}";

async fn site_with(files: &[(&str, &str)]) -> (tempfile::TempDir, SiteService) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let usual = [("dispatch.conf", ROUTES), ("templates/tag.html", TAG)];
    for (name, text) in usual.iter().chain(files) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let controllers = controllers![note, tag, update, clock, shade, slow];
    let app = App::new().state::<Notes>().controllers(controllers);
    let site = app.variant(|visitor| match visitor.header("x-language") {
        Some(language) => Variant::named(language),
        None => Variant::yes(),
    });
    let site = site.into_service(folder.path()).await;
    (folder, site.unwrap_or_else(|problems| panic!("{problems}")))
}

async fn ask(site: &SiteService, request: http::request::Builder, body: Body) -> (u16, String) {
    let (parts, body) = site.answer(request.body(body).unwrap()).await.into_parts();
    let body = body.collect(1 << 20).await.unwrap();
    (parts.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

async fn get(site: &SiteService, path: &str) -> (u16, String) {
    ask(site, http::Request::get(path), Body::empty()).await
}

async fn change(site: &SiteService, update: Update) {
    let request = http::Request::post("/updates").header("content-type", "application/json");
    let body = serde_json::to_vec(&update).unwrap();
    let (status, text) = ask(site, request, Body::from(body)).await;
    assert_eq!(status, 204, "{text}");
}

fn write(id: u64, text: &str) -> Update {
    Update::Write { id, tag: "rain".to_owned(), text: text.to_owned() }
}

#[track_caller]
fn clean(audit: &Audit, checked: u64) {
    assert!(audit.findings.is_empty() && audit.unclear.is_empty(), "{audit}");
    assert!(audit.is_complete);
    assert_eq!(audit.checked, checked, "{audit}");
}

#[tokio::test]
async fn a_missing_invalidation_is_found_and_reported_with_its_route() {
    let (_folder, site) = site_with(&[]).await;
    change(&site, write(7, "drizzle")).await;
    for path in ["/notes/7", "/tags/rain", "/tags/snow"] {
        get(&site, path).await;
    }
    clean(&site.audit().await, 3);
    let (tag, text) = ("rain".to_owned(), "a cloudburst".to_owned());
    change(&site, Update::Forgetful { id: 7, tag, text }).await;
    get(&site, "/notes/7").await;
    let audit = site.audit().await;
    assert_eq!((audit.checked, audit.findings.len()), (3, 1), "{audit}");
    let found = &audit.findings[0];
    assert!(found.route.starts_with("/tags/{tag} ("), "{found}");
    assert!(found.route.ends_with("dispatch.conf:8)"), "{found}");
    assert_eq!(
        (&*found.key, &found.groups[..]),
        ("/tags/rain", &["all", "tag:rain"].map(str::to_owned)[..])
    );
    assert!(found.as_of < found.fresh_as_of && !found.differs_each_time, "{found}");
    assert_eq!(found.difference.place, "byte 17 of the body (line 2)");
    assert!(found.difference.cached.contains("<p>drizzle</p>"), "{found}");
    assert!(found.difference.fresh.contains("<p>a cloudburst</p>"), "{found}");
    site.stop().await;
}

#[tokio::test]
async fn a_deleted_or_newly_existing_page_is_found() {
    let (_folder, site) = site_with(&[]).await;
    change(&site, write(7, "drizzle")).await;
    for path in ["/notes/7", "/notes/8"] {
        get(&site, path).await;
    }
    // Page 8 is the error page, which contains its request's id.
    clean(&site.audit().await, 2);
    change(&site, Update::Silent { id: 7, text: None }).await;
    change(&site, Update::Silent { id: 8, text: Some("hail".to_owned()) }).await;
    let mut audit = site.audit().await;
    audit.findings.sort_by(|one, other| one.key.cmp(&other.key));
    let differences = audit.findings.iter().map(|found| {
        let difference = &found.difference;
        [&*found.key, &difference.place, &difference.cached, &difference.fresh]
    });
    let expected =
        [["/notes/7", "the status", "200", "404"], ["/notes/8", "the status", "404", "200"]];
    assert!(differences.eq(expected), "{audit}");
    site.stop().await;
}

#[tokio::test]
async fn nothing_is_found_if_all_groups_are_invalidated() {
    let (_folder, site) = site_with(&[]).await;
    let mut seed: u64 = 0x5EED;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut checked = 0;
    for round in 0..150 {
        let id = random(5);
        match random(6) {
            0 => change(&site, Update::Delete { id }).await,
            _ => change(&site, write(id, &format!("text {round}"))).await,
        }
        for _ in 0..4 {
            let page = match random(3) {
                0 => "/tags/rain".to_owned(),
                _ => format!("/notes/{}", random(5)),
            };
            get(&site, &page).await;
        }
        let audit = site.audit().await;
        assert!(audit.findings.is_empty() && audit.unclear.is_empty(), "{round}: {audit}");
        checked += audit.checked;
    }
    assert!(checked > 300, "{checked}");
    site.stop().await;
}

#[tokio::test]
async fn pages_with_clocks_are_compared_as_their_routes_declare() {
    let (_folder, site) = site_with(&[]).await;
    for page in ["never", "ignored", "timed"] {
        get(&site, &format!("/clock/{page}")).await;
    }
    let audit = site.audit().await;
    assert_eq!((audit.checked, audit.skipped), (1, 2), "{audit}");
    assert!(audit.findings.is_empty(), "{audit}");
    for page in ["plain", "audited"] {
        get(&site, &format!("/clock/{page}")).await;
    }
    let audit = site.audit().await;
    let mut found: Vec<_> = audit.findings.iter().map(|found| &*found.key).collect();
    found.sort_unstable();
    assert_eq!(found, ["/clock/audited", "/clock/plain"], "{audit}");
    assert!(audit.findings.iter().all(|found| found.differs_each_time), "{audit}");
    site.stop().await;
}

#[tokio::test]
async fn pages_are_requested_with_all_values_of_their_keys() {
    let (_folder, site) = site_with(&[]).await;
    for shade in ["dark", "a\\b \"c\" \td"] {
        let request = http::Request::get("/shade?b=%2f&a=1").header("x-shade", shade);
        let request = request.header("x-language", "de");
        assert_eq!(ask(&site, request, Body::empty()).await, (200, shade.to_owned()));
    }
    get(&site, "/shade").await;
    get(&site, "/tags/gr%c3%bcn?page=2&x=1").await;
    clean(&site.audit().await, 4);
    site.stop().await;
}

#[tokio::test]
async fn fragments_are_evaluated_and_those_with_a_timeout_are_left_out() {
    let card =
        r#"{% cache id="card" %}{% for text in texts %}{{ text }} {% endfor %}{% endcache %}"#;
    let timed = r#"{% cache id="now", type="timeout 1h" %}{{ texts | length }}{% endcache %}"#;
    let template = format!("<h1>{{{{ tag }}}}</h1>\n{card}\n<i>{timed}</i>\n<p>end</p>\n");
    let (_folder, site) = site_with(&[("templates/tag.html", &template)]).await;
    change(&site, write(1, "fog")).await;
    get(&site, "/fragments/rain?page=1").await;
    clean(&site.audit().await, 1);
    // The page is made anew, but the group of the card in it was not invalidated.
    change(&site, write(2, "mist")).await;
    let (_, old) = get(&site, "/fragments/rain?page=2").await;
    assert!(old.contains("fog") && !old.contains("mist"), "{old}");
    let audit = site.audit().await;
    assert_eq!(audit.findings.len(), 1, "{audit}");
    assert!(audit.findings[0].difference.fresh.contains("mist"), "{audit}");
    assert!(!audit.findings[0].differs_each_time);
    let (_folder, site) = site_with(&[("templates/tag.html", &template.replace(card, ""))]).await;
    change(&site, write(1, "fog")).await;
    get(&site, "/fragments/rain?page=1").await;
    change(&site, write(2, "mist")).await;
    // The fragment with the number of notes may be stale.
    assert!(get(&site, "/fragments/rain?page=2").await.1.contains("<i>1</i>"));
    clean(&site.audit().await, 1);
    site.stop().await;
}

/// Blocks the controller that a record must overtake.
static GATE: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(1));
static WAITING: Semaphore = Semaphore::const_new(0);

/// An extractor that waits, so that data extracted after it are newer than the request.
struct Gate;

impl FromRequestParts for Gate {
    type Rejection = StatusCode;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(_: &mut RequestParts) -> Result<Gate, StatusCode> {
        WAITING.add_permits(1);
        GATE.acquire().await.unwrap().forget();
        Ok(Gate)
    }
}

#[controller("slow")]
async fn slow(_: Gate, site: Data<Notes>) -> Reply {
    text(site.notes.values().map(|note| note.1.clone()).collect::<String>())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_appended_while_the_fresh_page_is_made_explains_the_difference() {
    let routes = "\n[[route]]\npath = \"/slow\"\ncontroller = \"slow\"\ngroups = [\"tag:rain\"]\n";
    let (_folder, site) = site_with(&[("dispatch.conf", &format!("{ROUTES}{routes}"))]).await;
    change(&site, write(1, "fog")).await;
    get(&site, "/slow").await;
    WAITING.acquire().await.unwrap().forget();
    for explained in [true, false] {
        let auditing = tokio::spawn({
            let site = site.clone();
            async move { site.audit().await }
        });
        WAITING.acquire().await.unwrap().forget();
        // The fresh page was begun before this record, but contains it.
        let tag = "rain".to_owned();
        let text = format!("mist {explained}");
        let update = match explained {
            true => Update::Write { id: 1, tag, text },
            false => Update::Forgetful { id: 1, tag, text },
        };
        change(&site, update).await;
        // One permit for each of the two comparisons.
        GATE.add_permits(2);
        let audit = tokio::time::timeout(Duration::from_secs(20), auditing).await.unwrap().unwrap();
        assert_eq!(audit.findings.is_empty(), explained, "{audit}");
        assert_eq!(audit.unclear.len(), usize::from(explained), "{audit}");
        WAITING.acquire().await.unwrap().forget();
        if explained {
            assert!(audit.unclear[0].contains("a record explains"), "{audit}");
            GATE.add_permits(1);
            get(&site, "/slow").await;
            WAITING.acquire().await.unwrap().forget();
        }
    }
    site.stop().await;
}

const DEVELOPMENT: &str = "environment = \"development\"\n[audit]\nsample = \"1/1\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_hit_is_compared_and_developers_see_the_finding() {
    let files = [("project.toml", DEVELOPMENT), ("templates/tag.html", TAG)];
    let (_folder, site) = site_with(&files).await;
    change(&site, write(7, "drizzle")).await;
    get(&site, "/tags/rain").await;
    let (tag, text) = ("rain".to_owned(), "a cloudburst".to_owned());
    change(&site, Update::Forgetful { id: 7, tag, text }).await;
    let shown = async {
        loop {
            let (_, page) = get(&site, "/tags/rain").await;
            if page.contains("The auditor has found") {
                break page;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(30), shown).await.unwrap();
    assert!(page.contains("/tags/rain is in the cache"), "{page}");
    assert!(page.contains("tag:rain") && page.contains("&lt;p&gt;a cloudburst"), "{page}");
    // After a reload the notice is gone.
    site.reload().await.unwrap();
    assert!(!get(&site, "/tags/rain").await.1.contains("The auditor"));
    site.stop().await;
}
