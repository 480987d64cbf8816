//! A site whose files change while it is served, with requests that a reload overtakes.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use headwater::app::SiteService;
use headwater::prelude::*;

/// Long enough for all conditions that the tests wait for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gate that holds the first caller until it is opened. It is open to all others.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<Stage>, Condvar)>);

#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
enum Stage {
    #[default]
    Unused,
    Held,
    Open,
}

impl Gate {
    /// Passes the gate, or waits until it opens.
    fn pass(&self) {
        let (stage, changed) = &*self.0;
        let mut stage = stage.lock().unwrap();
        if *stage == Stage::Unused {
            *stage = Stage::Held;
            changed.notify_all();
            // Another thread takes over the other tasks of this one.
            tokio::task::block_in_place(|| {
                let held = |stage: &mut Stage| *stage == Stage::Held;
                drop(changed.wait_timeout_while(stage, 2 * PATIENCE, held).unwrap());
            });
        }
    }

    async fn wait_for(&self, wanted: Stage) {
        let gate = self.clone();
        let waiting = tokio::task::spawn_blocking(move || {
            let (stage, changed) = &*gate.0;
            let guard = stage.lock().unwrap();
            drop(changed.wait_timeout_while(guard, PATIENCE, |stage| *stage < wanted).unwrap());
            assert!(*stage.lock().unwrap() >= wanted, "no caller arrived");
        });
        waiting.await.unwrap();
    }

    fn open(&self) {
        let (stage, changed) = &*self.0;
        *stage.lock().unwrap() = Stage::Open;
        changed.notify_all();
    }
}

const ROUTES: &str = r#"
[[route]]
path = "/made"
controller = "page.made"

[[route]]
path = "/still"
template = "page.html"
"#;

#[controller("page.made")]
async fn made() -> Reply {
    template("page.html")
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "dispatch.conf", ROUTES);
    write(folder.path(), "templates/page.html", "old");
    folder
}

async fn get(site: &SiteService, target: &str) -> http::Response<Body> {
    let request = http::Request::get(target).body(Body::empty()).unwrap();
    tokio::time::timeout(PATIENCE, site.answer(request)).await.expect("an answer in time")
}

async fn text(response: http::Response<Body>) -> String {
    String::from_utf8(response.into_body().collect(1 << 20).await.unwrap().to_vec()).unwrap()
}

fn is_hit(response: &http::Response<Body>) -> bool {
    response.headers()["cache-status"].to_str().unwrap().starts_with("headwater; hit")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_page_that_an_old_edition_makes_after_a_reload_is_not_stored() {
    for target in ["/made", "/still"] {
        let folder = folder();
        let gate = Gate::default();
        // The variant function runs after the edition is chosen and before the lookup in the cache.
        let held = gate.clone();
        let app = App::new().controllers(controllers![made]).variant(move |_| {
            held.pass();
            Variant::yes()
        });
        let site = app.into_service(folder.path()).await.unwrap();
        let overtaken = tokio::spawn({
            let site = site.clone();
            async move { text(get(&site, target).await).await }
        });
        gate.wait_for(Stage::Held).await;
        write(folder.path(), "templates/page.html", "new");
        assert_eq!(site.reload().await.unwrap(), 2);
        gate.open();
        assert_eq!(overtaken.await.unwrap(), "old", "a request is answered by one edition");
        let next = get(&site, target).await;
        assert!(!is_hit(&next), "{target}");
        assert_eq!(text(next).await, "new", "{target}");
        assert!(is_hit(&get(&site, target).await), "{target}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_waits_for_a_fill_of_an_old_edition() {
    let folder = folder();
    let gate = Gate::default();
    let held = gate.clone();
    let app = App::new().controllers(controllers![made]).templates(move |tera| {
        let held = held.clone();
        tera.register_function("hold", move |_: tera::Kwargs, _: &tera::State<'_>| {
            held.pass();
            Ok(tera::Value::from(""))
        });
    });
    write(folder.path(), "templates/page.html", "old{{ hold() }}");
    let site = app.into_service(folder.path()).await.unwrap();
    let overtaken = tokio::spawn({
        let site = site.clone();
        async move { text(get(&site, "/made").await).await }
    });
    gate.wait_for(Stage::Held).await;
    write(folder.path(), "templates/page.html", "new");
    site.reload().await.unwrap();
    assert_eq!(text(get(&site, "/made").await).await, "new");
    let hit = get(&site, "/made").await;
    assert!(is_hit(&hit));
    gate.open();
    assert_eq!(overtaken.await.unwrap(), "old");
    let hit = get(&site, "/made").await;
    assert!(is_hit(&hit), "the old page has not pushed the new one out");
    assert_eq!(text(hit).await, "new");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reload_completes_after_its_caller_is_dropped() {
    let folder = folder();
    let (gate, calls) = (Gate::default(), AtomicUsize::new(0));
    let held = gate.clone();
    let app = App::new().controllers(controllers![made]).templates(move |_| {
        if calls.fetch_add(1, SeqCst) == 1 {
            held.pass();
        }
    });
    let site = app.into_service(folder.path()).await.unwrap();
    write(folder.path(), "templates/page.html", "new");
    let asking = tokio::spawn({
        let site = site.clone();
        async move { site.reload().await }
    });
    gate.wait_for(Stage::Held).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    gate.open();
    let start = Instant::now();
    while text(get(&site, "/still").await).await != "new" {
        assert!(start.elapsed() < PATIENCE, "what was read is not served");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(site.reload().await.unwrap(), 3);
}

#[tokio::test]
async fn a_service_loads_all_its_files_or_none_on_request() {
    let folder = folder();
    write(folder.path(), "project.toml", "environment = \"development\"\n");
    let app = App::new().controllers(controllers![made]);
    let site = app.into_service(folder.path()).await.unwrap();
    assert_eq!(text(get(&site, "/still").await).await, "old");
    write(folder.path(), "templates/page.html", "{{ broken");
    let problems = site.reload().await.unwrap_err().to_string();
    assert!(problems.contains("templates/page.html:1:"), "{problems}");
    let shown = text(get(&site, "/still").await).await;
    assert!(shown.starts_with("old\n<section role=\"alert\""), "{shown}");

    // The needs of routes in the site's code are checked as at the start.
    let route = "[[route]]\npath = \"/x\"\ncontroller = \"page.mad\"\nvary = [\"accept-language\"]";
    write(folder.path(), "dispatch.conf", &format!("{ROUTES}\n{route}"));
    write(folder.path(), "templates/page.html", "new");
    let problems = site.reload().await.unwrap_err().to_string();
    assert!(problems.contains("did you mean `page.made`?"), "{problems}");
    assert!(problems.contains("languages = [\"en\", \"de\"]"), "{problems}");

    write(folder.path(), "dispatch.conf", ROUTES);
    assert_eq!(site.reload().await.unwrap(), 2);
    assert_eq!(text(get(&site, "/still").await).await, "new");
    site.stop().await;
}

#[tokio::test]
async fn a_panic_of_the_sites_own_code_while_loading_changes_nothing() {
    let folder = folder();
    let calls = AtomicUsize::new(0);
    let app = App::new().controllers(controllers![made]).templates(move |_| {
        let call = calls.fetch_add(1, SeqCst);
        assert!(call != 1, "the second time");
    });
    let site = app.into_service(folder.path()).await.unwrap();
    write(folder.path(), "templates/page.html", "new");
    let problems = site.reload().await.unwrap_err().to_string();
    assert!(problems.contains("panicked"), "{problems}");
    assert_eq!(text(get(&site, "/still").await).await, "old");
    assert_eq!(site.reload().await.unwrap(), 2);
    assert_eq!(text(get(&site, "/still").await).await, "new");
}
