//! Stale pages, cached replies that are not pages, and replies that no request waits for: complete sites in this
//! process.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use headwater::app::SiteService;
use headwater::controller::Controllers;
use headwater::prelude::*;
use tokio::sync::{Barrier, Semaphore};

/// Starts a site with these controllers and routes, and with a controller that invalidates groups.
async fn site(controllers: Controllers, routes: &str) -> (tempfile::TempDir, SiteService) {
    let folder = tempfile::tempdir().unwrap();
    let invalidate = "[[route]]\npath = \"/invalidate/{how}/{group}\"\nmethods = [\"POST\"]\n\
                      controller = \"invalidate\"\n";
    std::fs::write(folder.path().join("dispatch.conf"), format!("{routes}\n{invalidate}")).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    let missing = "<h1>{{ status }}: {{ message }}</h1>";
    std::fs::write(folder.path().join("templates/missing.html"), missing).unwrap();
    let site = App::new().controllers(controllers).into_service(folder.path()).await;
    (folder, site.unwrap_or_else(|problems| panic!("{problems}")))
}

#[controller("invalidate")]
async fn invalidate(Path((how, group)): Path<(String, String)>, cluster: Cluster) -> Result<Reply> {
    let invalidation = Invalidation::new().group(group);
    let invalidation = if how == "soft" { invalidation.soft() } else { invalidation };
    cluster.invalidate(invalidation).await?;
    Ok(status(204))
}

struct Seen {
    status: StatusCode,
    text: String,
    cache: String,
    headers: HeaderMap,
}

impl Seen {
    fn is_hit(&self) -> bool {
        self.cache.starts_with("headwater; hit")
    }

    /// Whether it is stale and being refreshed.
    fn is_old(&self) -> bool {
        let past_end = self.cache.strip_prefix("headwater; hit; ttl=");
        past_end.is_some_and(|rest| rest.ends_with("; detail=stale-while-revalidate"))
    }

    /// Whether it was made anew and stored. The reason in the header depends on whether the sweeper was faster.
    fn was_made(&self) -> bool {
        self.cache.starts_with("headwater; fwd=") && self.cache.ends_with("; stored")
    }
}

async fn ask(site: &SiteService, method: &str, path: &str) -> Seen {
    let request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let (parts, body) = site.answer(request).await.into_parts();
    let text = String::from_utf8(body.collect(1 << 20).await.unwrap().to_vec()).unwrap();
    let cache = parts.headers["cache-status"].to_str().unwrap().to_owned();
    Seen { status: parts.status, text, cache, headers: parts.headers }
}

async fn get(site: &SiteService, path: &str) -> Seen {
    ask(site, "GET", path).await
}

/// Invalidates a group, `how` being `soft` or `hard`.
async fn change(site: &SiteService, how: &str, group: &str) {
    let answer = ask(site, "POST", &format!("/invalidate/{how}/{group}")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

/// Waits until a condition holds.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect(what);
}

/// The behaviour of one controller: the number of its runs, and its next replies.
struct Script {
    runs: AtomicU64,
    /// Permits for runs; a run waits for one.
    gate: Semaphore,
    next: AtomicU64,
}

impl Script {
    const fn new() -> Script {
        Script { runs: AtomicU64::new(0), gate: Semaphore::const_new(0), next: AtomicU64::new(200) }
    }

    fn runs(&self) -> u64 {
        self.runs.load(Ordering::SeqCst)
    }

    /// Sets the status of further replies. 1 is a panic, 2 a page that sets a cookie, 3 an error with headers of its
    /// own, and 4 a page with the status 500.
    fn reply(&self, status: u64) {
        self.next.store(status, Ordering::SeqCst);
    }

    async fn run(&self) -> Reply {
        let number = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.unwrap().forget();
        match self.next.load(Ordering::SeqCst) {
            200 => text(number.to_string()).group("news"),
            1 => panic!("as requested"),
            2 => text(number.to_string()).append_header("set-cookie", "a=b"),
            3 => error(503).message(number.to_string()).header("retry-after", "9"),
            4 => text(number.to_string()).with_status(500),
            status => error(status as u16).message(number.to_string()),
        }
    }
}

static OLD: Script = Script::new();

#[controller("old")]
async fn old() -> Reply {
    OLD.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn many_visitors_receive_the_stale_page_at_once_while_one_new_one_is_made() {
    let routes = "[[route]]\npath = \"/old\"\ncontroller = \"old\"\n\
                  cache = { type = \"persistent\", stale_while_revalidate = \"1h\" }\n";
    let (_folder, site) = site(controllers![old, invalidate], routes).await;
    OLD.gate.add_permits(1);
    assert_eq!(get(&site, "/old").await.text, "1");
    change(&site, "soft", "news").await;
    // No request can receive a new page, because it is made only after all of these are answered.
    for seen in join_all((0..50).map(|_| get(&site, "/old"))).await {
        assert_eq!((seen.text.as_str(), seen.is_old()), ("1", true), "{}", seen.cache);
    }
    assert!(ask(&site, "HEAD", "/old").await.is_old());
    until("the new page is begun", async || OLD.runs() == 2).await;
    OLD.gate.add_permits(1);
    until("the new page is there", async || get(&site, "/old").await.cache == "headwater; hit")
        .await;
    assert_eq!((get(&site, "/old").await.text.as_str(), OLD.runs()), ("2", 2));
}

static HARD: Script = Script::new();

#[controller("hard")]
async fn hard() -> Reply {
    HARD.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hard_invalidation_ends_a_page_that_a_soft_one_made_stale() {
    let routes = "[[route]]\npath = \"/hard\"\ncontroller = \"hard\"\n\
                  cache = { type = \"normal\", stale_while_revalidate = \"1h\", stale_if_error = \"1h\" }\n";
    let (_folder, site) = site(controllers![hard, invalidate], routes).await;
    HARD.gate.add_permits(1);
    get(&site, "/hard").await;
    change(&site, "soft", "news").await;
    assert!(get(&site, "/hard").await.is_old());
    until("a refresh is under way", async || HARD.runs() == 2).await;
    change(&site, "hard", "news").await;
    // The refresh was begun before the record, so this visitor receives the page after it.
    HARD.gate.add_permits(2);
    let seen = get(&site, "/hard").await;
    assert_eq!((seen.text.as_str(), seen.is_hit()), ("3", false));
    assert!(get(&site, "/hard").await.is_hit());
    change(&site, "hard", "news").await;
    HARD.reply(1);
    HARD.gate.add_permits(1);
    assert_eq!(get(&site, "/hard").await.status, 500, "there is nothing to fall back on");
}

static PLAIN: Script = Script::new();

#[controller("plain")]
async fn plain() -> Reply {
    PLAIN.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_stale_window_a_soft_invalidation_acts_like_a_hard_one() {
    let routes = "[[route]]\npath = \"/plain\"\ncontroller = \"plain\"\n";
    let (_folder, site) = site(controllers![plain, invalidate], routes).await;
    PLAIN.gate.add_permits(3);
    get(&site, "/plain").await;
    assert!(get(&site, "/plain").await.is_hit());
    change(&site, "soft", "other").await;
    assert!(get(&site, "/plain").await.is_hit());
    change(&site, "soft", "news").await;
    let seen = get(&site, "/plain").await;
    assert_eq!((seen.text.as_str(), seen.was_made()), ("2", true), "{}", seen.cache);
    change(&site, "soft", "news").await;
    PLAIN.reply(1);
    assert_eq!(get(&site, "/plain").await.status, 500);
}

static FAILING: Script = Script::new();

#[controller("failing")]
async fn failing() -> Reply {
    FAILING.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_page_is_served_in_place_of_failures_only() {
    let routes = "[[route]]\npath = \"/failing\"\ncontroller = \"failing\"\n\
                  cache = { type = \"normal\", stale_if_error = \"1h\" }\n\
                  cache_statuses = [503]\n";
    let (_folder, site) = site(controllers![failing, invalidate], routes).await;
    FAILING.gate.add_permits(100);
    get(&site, "/failing").await;
    change(&site, "soft", "news").await;
    for (next, status) in [(1, 500), (503, 503), (500, 500), (3, 503), (4, 500)] {
        FAILING.reply(next);
        let seen = get(&site, "/failing").await;
        assert_eq!((seen.status.as_u16(), seen.text.as_str()), (200, "1"), "{}", seen.cache);
        let said = format!("headwater; fwd=stale; fwd-status={status}; detail=stale-if-error");
        assert_eq!(seen.cache, said);
    }
    FAILING.reply(404);
    assert_eq!(get(&site, "/failing").await.status, 404, "that is an answer");
    FAILING.reply(1);
    assert_eq!(get(&site, "/failing").await.status, 500, "the page is known to be gone");
}

static GONE: Script = Script::new();

#[controller("gone")]
async fn gone() -> Reply {
    GONE.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_refresh_keeps_the_stale_page_and_a_404_ends_it() {
    let routes = "[[route]]\npath = \"/gone\"\ncontroller = \"gone\"\n\
                  cache = { type = \"normal\", stale_while_revalidate = \"1h\" }\n";
    let (_folder, site) = site(controllers![gone, invalidate], routes).await;
    GONE.gate.add_permits(1);
    get(&site, "/gone").await;
    change(&site, "soft", "news").await;
    assert!(get(&site, "/gone").await.is_old());
    for (next, runs) in [(1, 2), (500, 3), (3, 4), (4, 5)] {
        until("a refresh is under way", async || GONE.runs() == runs).await;
        GONE.reply(next);
        GONE.gate.add_permits(1);
        // The next refresh begins when this one has failed.
        until("the refresh has failed", async || {
            let seen = get(&site, "/gone").await;
            assert_eq!((seen.text.as_str(), seen.is_old()), ("1", true), "{}", seen.cache);
            GONE.runs() == runs + 1
        })
        .await;
    }
    GONE.reply(404);
    GONE.gate.add_permits(1000);
    until("the old page is gone", async || get(&site, "/gone").await.status == 404).await;
    assert_eq!(get(&site, "/gone").await.status, 404);
}

static STATUSES: AtomicU64 = AtomicU64::new(0);

#[controller("statuses")]
async fn statuses(Path(kind): Path<String>) -> Result<Reply> {
    let number = STATUSES.fetch_add(1, Ordering::SeqCst).to_string();
    match kind.as_str() {
        "missing" => Err(not_found()),
        "moved" => Ok(redirect_with(301, format!("/{number}"))),
        "cookie" => Ok(error(404).message(number).append_header("set-cookie", "a=b")),
        "private" => Ok(text(number).with_status(404).header("cache-control", "private")),
        "text" => Ok(text(number).with_status(404).group("missing")),
        "headers" => Ok(error(404).message(number).header("x-reason", "none").group("missing")),
        "error" => Err(not_found().group("missing")),
        "long" => Ok(error(404).message(number).cache(CacheType::Persistent)),
        "never" => Ok(error(404).message(number).cache(CacheType::NoCache)),
        status => Ok(error(status.parse::<u16>()?).message(number)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_with_other_statuses_are_cached_if_the_route_lists_them() {
    let routes = "[[route]]\npath = \"/listed/{kind}\"\ncontroller = \"statuses\"\n\
                  cache_statuses = { 404 = \"30s\", 301 = \"1h\" }\n\
                  [[route]]\npath = \"/unlisted/{kind}\"\ncontroller = \"statuses\"\n\
                  [[error]]\nstatus = 404\ntemplate = \"missing.html\"\n";
    let (_folder, site) = site(controllers![statuses, invalidate], routes).await;
    let ttl = |seen: &Seen| seen.cache.strip_prefix("headwater; hit; ttl=").map(str::to_owned);
    for (kind, status, left) in [
        ("missing", 404, 25..=30),
        ("text", 404, 25..=30),
        ("headers", 404, 25..=30),
        ("moved", 301, 3500..=3600),
    ] {
        let made = get(&site, &format!("/listed/{kind}")).await;
        assert_eq!(made.cache, "headwater; fwd=uri-miss; stored", "{kind}");
        let hit = get(&site, &format!("/listed/{kind}")).await;
        assert_eq!((hit.status.as_u16(), &hit.text), (status, &made.text), "{kind}");
        let ttl: u64 =
            ttl(&hit).unwrap_or_else(|| panic!("{kind}: {}", hit.cache)).parse().unwrap();
        assert!(left.contains(&ttl), "{kind}: {ttl}");
        assert_eq!(hit.headers.get("location"), made.headers.get("location"));
        assert_eq!(hit.headers.get("x-reason"), made.headers.get("x-reason"));
        let twice = format!("/unlisted/{kind}");
        let (first, second) = (get(&site, &twice).await, get(&site, &twice).await);
        assert_eq!((first.status, second.is_hit()), (hit.status, false), "{kind}");
    }
    assert!(get(&site, "/listed/missing").await.text.starts_with("<h1>404: "));
    for kind in ["cookie", "private", "never", "410", "403", "500", "503"] {
        for _ in 0..2 {
            let seen = get(&site, &format!("/listed/{kind}")).await;
            assert_eq!(seen.cache, "headwater; fwd=uri-miss", "{kind}");
        }
    }
    get(&site, "/listed/long").await;
    assert_eq!(get(&site, "/listed/long").await.cache, "headwater; hit");
    // A missing page may be published later.
    for kind in ["text", "headers", "error"] {
        get(&site, &format!("/listed/{kind}")).await;
        assert!(get(&site, &format!("/listed/{kind}")).await.is_hit());
        change(&site, "hard", "missing").await;
        assert!(!get(&site, &format!("/listed/{kind}")).await.is_hit(), "{kind}");
    }
}

static OVERRIDES: AtomicU64 = AtomicU64::new(0);

#[controller("overrides")]
async fn overrides(Path(kind): Path<String>) -> Reply {
    let reply = text(OVERRIDES.fetch_add(1, Ordering::SeqCst).to_string()).group("news");
    match kind.as_str() {
        "normal" => reply.cache(CacheType::Normal),
        "timeout" => reply.cache(CacheType::Timeout(Duration::from_secs(77))),
        "persistent" => reply.cache(CacheType::Persistent),
        "never" => reply.cache(CacheType::NoCache),
        _ => reply,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_can_set_its_own_cache_type() {
    let route = |name: &str, cache: &str| {
        format!(
            "[[route]]\npath = \"/{name}/{{kind}}\"\ncontroller = \"overrides\"\ncache = {cache}\n"
        )
    };
    let routes = route("normal", "\"normal\"")
        + &route("persistent", "\"persistent\"")
        + &route("timeout", "{ timeout = \"55s\" }")
        + &route("never", "\"no_cache\"");
    let (_folder, site) = site(controllers![overrides, invalidate], &routes).await;
    for (path, left) in [
        ("/normal/usual", "; ttl=5"),
        ("/normal/timeout", "; ttl=7"),
        ("/normal/persistent", ""),
        ("/timeout/usual", "; ttl=5"),
        ("/timeout/normal", "; ttl=5"),
        ("/timeout/persistent", ""),
        ("/persistent/usual", ""),
        ("/persistent/normal", "; ttl=5"),
        ("/persistent/timeout", "; ttl=7"),
    ] {
        let made = get(&site, path).await;
        assert_eq!(made.cache, "headwater; fwd=uri-miss; stored", "{path}");
        let hit = get(&site, path).await;
        assert_eq!(hit.text, made.text, "{path}");
        let ttl = hit.cache.strip_prefix("headwater; hit").unwrap();
        assert!(ttl.starts_with(left) && (left.is_empty() == ttl.is_empty()), "{path}: {ttl}");
        change(&site, "hard", "news").await;
        assert!(get(&site, path).await.was_made(), "{path}");
    }
    for (path, why) in [
        ("/normal/never", "uri-miss"),
        ("/persistent/never", "uri-miss"),
        ("/never/persistent", "bypass"),
    ] {
        for _ in 0..3 {
            assert_eq!(get(&site, path).await.cache, format!("headwater; fwd={why}"), "{path}");
        }
    }
}

const VISITORS: usize = 20;
static TOGETHER: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(VISITORS));
static ARRIVED: AtomicU64 = AtomicU64::new(0);

/// The first run does not wait; later ones end when all visitors have arrived.
#[controller("together")]
async fn together() -> Reply {
    let number = ARRIVED.fetch_add(1, Ordering::SeqCst);
    if (1..=VISITORS as u64).contains(&number) {
        TOGETHER.wait().await;
    }
    match number <= VISITORS as u64 {
        true => text("yours").append_header("set-cookie", format!("n={number}")),
        false => text("everybody's"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_an_uncacheable_reply_do_not_wait_for_each_other() {
    let routes = "[[route]]\npath = \"/together\"\ncontroller = \"together\"\n";
    let (_folder, site) = site(controllers![together, invalidate], routes).await;
    assert_eq!(get(&site, "/together").await.text, "yours");
    // If one request waited for another's reply, none would be answered.
    let all = join_all((0..VISITORS).map(|_| get(&site, "/together")));
    let all = tokio::time::timeout(Duration::from_secs(20), all).await.expect("they go at once");
    assert!(all.iter().all(|seen| seen.text == "yours" && !seen.is_hit()));
    // Once a reply can be cached, visitors share it again.
    assert_eq!(get(&site, "/together").await.cache, "headwater; fwd=uri-miss; stored");
    assert!(get(&site, "/together").await.is_hit());
}

static COOKIES: Script = Script::new();

#[controller("cookies")]
async fn cookies() -> Reply {
    COOKIES.run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_with_an_uncacheable_reply_ends_the_stale_page() {
    let routes = "[[route]]\npath = \"/cookies\"\ncontroller = \"cookies\"\n\
                  cache = { type = \"normal\", stale_while_revalidate = \"1h\" }\n";
    let (_folder, site) = site(controllers![cookies, invalidate], routes).await;
    COOKIES.gate.add_permits(100);
    get(&site, "/cookies").await;
    change(&site, "soft", "news").await;
    COOKIES.reply(2);
    let has_cookie = async || get(&site, "/cookies").await.headers.contains_key("set-cookie");
    until("the old page is gone", has_cookie).await;
    assert!(has_cookie().await);
    COOKIES.reply(200);
    assert!(!get(&site, "/cookies").await.is_hit());
    assert!(get(&site, "/cookies").await.is_hit());
}
