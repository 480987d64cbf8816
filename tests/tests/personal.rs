//! Two visitors with sessions read the same cached pages over both front ends, while their sessions end, languages
//! switch, templates and catalogues are reloaded, and front ends are killed, stopped and cut off. No page may show the
//! other visitor's name, the name of a session that has ended, or another language than the one requested.
//!
//! The test takes ten seconds; `PERSONAL_SECONDS` makes it longer, `PERSONAL_SEED` repeats its choices.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use headwater_tests::{Client, Cluster, Cut, Seed, Site};
use rand::RngExt;
use rand::rngs::StdRng;

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
path = "/greeting"
controller = "accounts.greet"
cache = "no_cache"

[[route]]
path = "/badge"
template = "badge.html"
cache = "no_cache"

[[route]]
path = "/badged"
template = "badged.html"

[[route]]
path = "/corner"
controller = "accounts.corner"
session = "user"

[[route]]
path = "/cornered"
template = "cornered.html"
"#;

/// The pages that are read; the first two are cached for all visitors.
const PAGES: [&str; 5] = ["/badged", "/cornered", "/corner", "/badge", "/greeting"];

/// The pages in the visitor's language.
const SPEAKING: [&str; 4] = ["/badged", "/cornered", "/badge", "/greeting"];

/// The languages, with a word of each.
const LANGUAGES: [(&str, &str); 2] = [("en", "hello"), ("de", "servus")];

/// The content of `badge.html` and `greeting.html`.
const SESSION: &str =
    "{{ t(key=\"word\") }}, {% if session %}{{ session.name }}{% else %}guest{% endif %}";

/// A session of a visitor. Each has a different name, so that every page shows which session it is for.
#[derive(Debug, Clone)]
struct Account {
    name: String,
    cookie: String,
    /// Whether a front end has confirmed that it has ended.
    has_ended: bool,
}

/// The state that the visitors share.
struct Trial {
    until: Instant,
    frontends: RwLock<Vec<SocketAddr>>,
    /// How often each page has shown each kind of content.
    seen: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
}

impl Trial {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    fn client(&self, choices: &mut StdRng) -> Client {
        let frontends = self.frontends.read().unwrap();
        let address = frontends[choices.random_range(0..frontends.len())];
        Client::new(address).timeout(Duration::from_secs(5))
    }

    fn count(&self, page: &'static str, what: &'static str) {
        *self.seen.lock().unwrap().entry((page, what)).or_default() += 1;
    }
}

/// Returns the names of sessions in a page.
fn names(text: &str) -> Vec<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.filter(|word| word.starts_with("ana-") || word.starts_with("bob-")).collect()
}

async fn ask(
    client: &Client,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<headwater_tests::Response> {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // A front end that is killed, cut off or stopped does not answer, which is not a failure here.
    client.send(request.body(http_body_util::Full::new(body.to_owned().into())).unwrap()).await.ok()
}

/// Signs in and out repeatedly.
async fn sign_in_and_out(
    visitor: &'static str,
    trial: Arc<Trial>,
    account: Arc<RwLock<Account>>,
    mut choices: StdRng,
) -> u64 {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let mut ended = 0;
    for number in 1.. {
        let name = format!("{visitor}-{number}");
        let cookie = loop {
            if !trial.goes_on() {
                return ended;
            }
            let client = trial.client(&mut choices);
            let answer = ask(&client, "POST", "/sign-in", &form, &format!("name={name}")).await;
            if let Some(answer) = answer.filter(|answer| answer.status == 303) {
                break answer.header("set-cookie").split(';').next().unwrap().to_owned();
            }
        };
        *account.write().unwrap() = Account { name, cookie: cookie.clone(), has_ended: false };
        let pause = choices.random_range(50..400);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let client = trial.client(&mut choices);
        let answer = ask(&client, "POST", "/sign-out", &[("cookie", &cookie)], "").await;
        if answer.is_some_and(|answer| !answer.header("clear-site-data").is_empty()) {
            account.write().unwrap().has_ended = true;
            ended += 1;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
    ended
}

/// Reads the pages and compares their content with the session.
async fn read(trial: Arc<Trial>, account: Arc<RwLock<Account>>, mut choices: StdRng) {
    while trial.goes_on() {
        let Account { name, cookie, has_ended } = account.read().unwrap().clone();
        let page = PAGES[choices.random_range(0..PAGES.len())];
        let (language, word) = LANGUAGES[choices.random_range(0..LANGUAGES.len())];
        let headers = [("cookie", &*cookie), ("accept-language", language)];
        let Some(answer) = ask(&trial.client(&mut choices), "GET", page, &headers, "").await else {
            continue;
        };
        if answer.status != 200 {
            continue;
        }
        if SPEAKING.contains(&page) {
            let mut others = LANGUAGES.iter().filter(|(other, _)| *other != language);
            let is_right = answer.text().contains(word)
                && others.all(|(_, foreign)| !answer.text().contains(foreign));
            assert!(is_right, "{page} is asked for in {language}: {}", answer.text());
            if !answer.text().contains(&format!("{word} 0")) {
                trial.count(page, "a catalogue that was reloaded");
            }
        }
        for shown in names(answer.text()) {
            assert_eq!(shown, name, "{page} shows another session: {}", answer.text());
            assert!(!has_ended, "{page} shows a session that has ended: {}", answer.text());
            let caching = answer.header("cache-control");
            let is_private = caching.contains("private") || caching.contains("no-store");
            assert!(is_private, "{page} shows a name and is `{caching}`");
        }
        let is_hit = answer.cache_status().starts_with("headwater; hit");
        match (names(answer.text()).is_empty(), is_hit) {
            (true, _) => trial.count(page, "a guest"),
            (false, true) => trial.count(page, "the visitor, from the cache"),
            (false, false) => trial.count(page, "the visitor"),
        }
    }
}

/// Replaces a file atomically: a front end reads either the old or the new one.
fn replace(site: &Site, name: &str, text: &str) {
    site.clone().file("draft", text);
    std::fs::rename(site.path("draft"), site.path(name)).unwrap();
}

/// Returns the template of a page in the visitor's language, with a part and with `version` in its text.
fn page_with(part: &str, version: u128) -> String {
    format!(
        "<p lang=\"{{{{ lang }}}}\">{version} {{{{ t(key=\"word\") }}}}: {{{{ part(url=\"{part}\") }}}}</p>"
    )
}

/// Returns the catalogue of a language.
fn catalogue(word: &str, version: u128) -> String {
    format!("word = {word} {version}\n")
}

/// Changes the texts in all languages and reloads them on the front ends.
fn load_catalogues_anew(cluster: &mut Cluster, version: u128) {
    for (language, word) in LANGUAGES {
        replace(&cluster.site, &format!("locales/{language}/site.ftl"), &catalogue(word, version));
    }
    cluster.frontends.iter_mut().for_each(headwater_tests::Node::hang_up);
}

/// Disturbs the site in a random way.
async fn disturb(cluster: &mut Cluster, trial: &Trial, choices: &mut StdRng) {
    let number = choices.random_range(0..cluster.frontends.len());
    let outage = Duration::from_millis(choices.random_range(100..1500));
    match choices.random_range(0..5) {
        0 => {
            let page = page_with("/badge", outage.as_millis());
            replace(&cluster.site, "templates/badged.html", &page);
            cluster.frontends.iter_mut().for_each(headwater_tests::Node::hang_up);
        }
        1 => load_catalogues_anew(cluster, outage.as_millis()),
        2 => {
            cluster.frontends[number].kill().await;
            cluster.frontends[number].restart().await;
            trial.frontends.write().unwrap()[number] = cluster.frontends[number].http();
        }
        3 => {
            cluster.relays[number].cut(Cut::Silence);
            tokio::time::sleep(outage).await;
            cluster.relays[number].heal();
        }
        _ => {
            cluster.frontends[number].pause();
            tokio::time::sleep(outage).await;
            cluster.frontends[number].resume();
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_shows_another_visitors_name_or_a_session_that_has_ended() {
    let seconds = std::env::var("PERSONAL_SECONDS");
    let seconds = seconds.map_or(10, |text| text.parse().expect("PERSONAL_SECONDS is a number"));
    let seed = Seed::take("PERSONAL_SEED");
    let site = Site::test_site(PROGRAM)
        .project("languages = [\"en\", \"de\"]\n[link]\nlease = \"1s\"\n")
        .template("badge.html", SESSION)
        .template("greeting.html", &format!("{{{{ controller }}}} and {SESSION}"))
        .template("badged.html", &page_with("/badge", 0))
        .template("cornered.html", &page_with("/corner", 0))
        .route(ROUTES);
    let site = LANGUAGES.iter().fold(site, |site, (language, word)| {
        site.file(&format!("locales/{language}/site.ftl"), catalogue(word, 0))
    });
    let mut cluster = Cluster::start(site, 2).await;
    let trial = Arc::new(Trial {
        until: Instant::now() + Duration::from_secs(seconds),
        frontends: RwLock::new(cluster.frontends.iter().map(headwater_tests::Node::http).collect()),
        seen: Mutex::default(),
    });
    let (mut tasks, mut readers) = (Vec::new(), Vec::new());
    for (number, visitor) in (0..).zip(["ana", "bob"]) {
        let none = Account { name: String::new(), cookie: String::new(), has_ended: true };
        let account = Arc::new(RwLock::new(none));
        let choices = seed.choices(10 * number);
        tasks.push(tokio::spawn(sign_in_and_out(visitor, trial.clone(), account.clone(), choices)));
        for reader in 1..=3 {
            let choices = seed.choices(10 * number + reader);
            readers.push(tokio::spawn(read(trial.clone(), account.clone(), choices)));
        }
    }
    let mut choices = seed.choices(99);
    load_catalogues_anew(&mut cluster, 1);
    while trial.goes_on() {
        disturb(&mut cluster, &trial, &mut choices).await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
    for task in tasks {
        assert!(task.await.unwrap() >= 3, "hardly any session has ended");
    }
    let seen = trial.seen.lock().unwrap();
    println!("{seen:#?}");
    for page in PAGES {
        let is_cached = ["/badged", "/cornered", "/corner"].contains(&page);
        let what = if is_cached { "the visitor, from the cache" } else { "the visitor" };
        assert!(seen.contains_key(&(page, what)), "{page} has never shown {what}");
        assert!(seen.contains_key(&(page, "a guest")), "{page} has never shown a guest");
    }
    for page in SPEAKING {
        let anew = "a catalogue that was reloaded";
        assert!(seen.contains_key(&(page, anew)), "{page} has never shown {anew}");
    }
}
