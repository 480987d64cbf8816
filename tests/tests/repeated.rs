//! Requests that are sent twice, by a client or by a front end, when back ends are killed and links are cut.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use headwater_tests::{Client, Cluster, Cut, Mode, Node, Response, Seed, Site, until};
use http::Request;
use http_body_util::Full;
use rand::RngExt;
use tokio::task::JoinHandle;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/notes"
controller = "notes.list"
groups = ["notes"]

[[route]]
path = "/notes"
methods = ["POST", "PUT"]
controller = "notes.add"

[[route]]
path = "/resent"
methods = ["POST"]
controller = "notes.add"
resend = true

[[route]]
path = "/sign-in"
methods = ["POST"]
controller = "accounts.sign_in"
"#;

/// Returns a site whose lease is long enough to kill a back end while a writer waits.
fn site() -> Site {
    Site::test_site(PROGRAM).project("[link]\nlease = \"3s\"\n").route(ROUTES)
}

async fn notes(visitor: &Client) -> Vec<String> {
    let list = visitor.page("/notes").await.json();
    let words = list.as_array().expect("a list").iter();
    words.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

async fn until_noted(visitor: &Client, word: &str) {
    until("the note is stored", async || {
        notes(visitor).await.contains(&word.to_owned()).then_some(())
    })
    .await;
}

/// Adds a note, in a task.
fn add(
    visitor: Client,
    method: &'static str,
    target: &'static str,
    key: Option<&'static str>,
    note: &'static str,
) -> JoinHandle<Response> {
    tokio::spawn(async move {
        let headers: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        visitor.ask(method, target, &headers, note).await
    })
}

fn has_sent_again(frontend: &Node) -> bool {
    frontend.messages().contain("sending the request again")
}

#[tokio::test]
async fn an_update_whose_back_end_is_killed_before_the_answer_is_made_once() {
    let mut cluster = Cluster::start(site(), 2).await;
    let (mut sent, visitor) = (Vec::new(), cluster.visitor(0));
    for (method, target, key, word) in [
        ("POST", "/notes", Some("\"1\""), "keyed"),
        ("PUT", "/notes", None, "put"),
        ("POST", "/resent", None, "resent"),
    ] {
        // The writer's record is durable, and it waits for the second front end.
        cluster.relays[1].cut(Cut::Silence);
        let adding = add(cluster.visitor(0), method, target, key, word);
        until_noted(&visitor, word).await;
        assert!(!adding.is_finished(), "{word}");
        cluster.restart_backend().await;
        cluster.relays[1].heal();
        let answer = adding.await.expect("it does not panic");
        sent.push(word);
        assert_eq!((answer.status, answer.text()), (200, &*sent.len().to_string()), "{word}");
        cluster.settled().await;
        assert_eq!(notes(&visitor).await, sent);
        assert_eq!(notes(&cluster.visitor(1)).await, sent);
    }
    let messages = cluster.frontends[0].messages().to_string();
    assert_eq!(messages.matches("sending the request again").count(), 3, "{messages}");
}

#[tokio::test]
async fn a_request_without_a_key_or_resend_is_not_sent_again() {
    let mut cluster = Cluster::start(site(), 2).await;
    let visitor = cluster.visitor(0);
    cluster.relays[1].cut(Cut::Silence);
    let adding = add(cluster.visitor(0), "POST", "/notes", None, "once");
    until_noted(&visitor, "once").await;
    cluster.restart_backend().await;
    cluster.relays[1].heal();
    assert_eq!(adding.await.expect("it does not panic").status, 502);
    cluster.settled().await;
    assert_eq!(notes(&visitor).await, ["once"]);
    assert!(!has_sent_again(&cluster.frontends[0]));
}

#[tokio::test]
async fn a_request_whose_link_is_cut_is_answered_by_its_second_run() {
    let cluster = Cluster::start(site(), 2).await;
    let visitor = cluster.visitor(0);
    cluster.relays[1].cut(Cut::Silence);
    let adding = add(cluster.visitor(0), "POST", "/resent", None, "cut");
    until_noted(&visitor, "cut").await;
    // The back end does not notice, so the first run of the controller continues.
    cluster.relays[0].cut(Cut::Reset);
    cluster.relays[0].heal();
    let answer = adding.await.expect("it does not panic");
    assert_eq!((answer.status, answer.text()), (200, "1"));
    assert!(has_sent_again(&cluster.frontends[0]));
    assert_eq!(notes(&visitor).await, ["cut"]);
}

#[tokio::test]
async fn a_repeated_request_waits_for_the_front_ends_like_the_first_one() {
    let cluster = Cluster::start(site(), 2).await;
    let visitor = cluster.visitor(0);
    cluster.relays[1].cut(Cut::Silence);
    let began = Instant::now();
    let timed = |adding: JoinHandle<Response>| async move {
        let answer = adding.await.expect("it does not panic");
        (answer.status, answer.text().to_owned(), began.elapsed())
    };
    let post = || add(cluster.visitor(0), "POST", "/notes", Some("\"1\""), "word");
    let first = post();
    until_noted(&visitor, "word").await;
    let second = post();
    let (first, second) = tokio::join!(timed(first), timed(second));
    assert_eq!((first.0, &*first.1), (200, "1"));
    assert_eq!((second.0, &second.1), (first.0, &first.1));
    let early = first.2.saturating_sub(second.2);
    assert!(early < Duration::from_millis(300), "{early:?} before the first was answered");
    assert_eq!(notes(&visitor).await, ["word"]);
}

async fn single(site: &Site) -> Node {
    let node = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    node
}

#[tokio::test]
async fn a_key_is_recognised_after_a_start_from_a_checkpoint_without_its_record() {
    let site = Site::test_site(PROGRAM).route(ROUTES);
    let mut node = single(&site).await;
    let post = async |node: &Node, note: &'static str| {
        let answer = add(node.visitor(), "POST", "/notes", Some("\"1\""), note).await;
        let answer = answer.expect("it does not panic");
        (answer.status, answer.text().to_owned())
    };
    let first = post(&node, "one").await;
    assert_eq!(first, (200, "1".to_owned()));
    node.restart().await;
    node.ready().await;
    assert_eq!(post(&node, "one").await, first, "after a replay");
    let admin = format!("http://{}", node.admin());
    let made = site.printed(&["data", "checkpoint", "--drop", "--admin", &admin]).await;
    assert_eq!(made.code, 0, "{}", made.errors);
    let lines = site.printed(&["data", "log", "--admin", &admin]).await;
    assert!(!lines.out.contains("\"notes\""), "{}", lines.out);
    node.kill().await;
    node.restart().await;
    node.ready().await;
    assert_eq!(post(&node, "one").await, first);
    assert_eq!(post(&node, "two").await.0, 422);
    assert_eq!(notes(&node.visitor()).await, ["one"]);
}

#[tokio::test]
async fn a_key_is_bound_to_the_user_of_the_session_and_not_to_the_session() {
    let site = Site::test_site(PROGRAM).route(ROUTES);
    let node = single(&site).await;
    let sign_in = async |name: &str| {
        let response = node.visitor().form("/sign-in", &format!("name={name}")).await;
        response.header("set-cookie").split(';').next().expect("a cookie").to_owned()
    };
    let post = async |cookie: &str, visits: u32| {
        let cookie = format!("{cookie}; visits={visits}");
        let headers = [("idempotency-key", "\"1\""), ("cookie", &*cookie)];
        let answer = node.visitor().ask("POST", "/notes", &headers, "word").await;
        (answer.status, answer.text().to_owned())
    };
    let (before, after) = (sign_in("Ann").await, sign_in("Ann").await);
    assert_ne!(before, after);
    let first = post(&before, 1).await;
    assert_eq!(first, (200, "1".to_owned()));
    assert_eq!(post(&after, 2).await, first);
    assert_eq!(post(&sign_in("Bob").await, 1).await.0, 422);
    assert_eq!(post("", 1).await.0, 422);
    assert_eq!(notes(&node.visitor()).await, ["word"]);
}

/// Returns how many times the node is killed.
fn rounds() -> u32 {
    let rounds = std::env::var("HEADWATER_KILL_ROUNDS");
    rounds.map_or(4, |rounds| rounds.parse().expect("a number of rounds"))
}

/// Adds a note with its word as the idempotency key, and returns whether it was answered as added.
async fn is_added(visitor: &Client, word: &str) -> bool {
    let request = Request::post("/notes").header("idempotency-key", format!("\"{word}\""));
    let request = request.body(Full::new(word.to_owned().into())).expect("a request");
    visitor.send(request).await.is_ok_and(|response| response.status == 200)
}

#[tokio::test]
async fn each_request_that_is_repeated_until_its_answer_is_made_once() {
    let seed = Seed::take("HEADWATER_KILL_SEED");
    let mut random = seed.choices(0);
    let site = Site::test_site(PROGRAM).route(ROUTES);
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    let (mut pending, mut resent) = (Vec::<String>::new(), 0);
    for round in 0..=rounds() {
        let records = ["keep", "archive", "drop"][random.random_range(0..3)];
        let launch = site.node(Mode::SingleNodeWithCache, "n1");
        let launch = launch.set("CHECKPOINT__BYTES", "1 KiB").set("CHECKPOINT__RECORDS", records);
        let mut node = launch.start().await;
        node.ready().await;
        let before = notes(&node.visitor()).await;
        for word in pending.drain(..) {
            resent += u32::from(before.contains(&word));
            assert!(is_added(&node.visitor(), &word).await, "{word} was not answered");
            known.insert(word, 0);
        }
        let mut counts = known.clone();
        for word in notes(&node.visitor()).await {
            *counts.entry(word).or_default() += 1;
        }
        let wrong: Vec<_> = counts.iter().filter(|(_, count)| **count != 1).collect();
        assert!(wrong.is_empty(), "round {round}: {wrong:?}");
        if round == rounds() {
            break;
        }
        let writers: Vec<_> = (0..8)
            .map(|number| {
                let visitor = node.visitor();
                tokio::spawn(async move {
                    let mut added = Vec::new();
                    for note in 0.. {
                        let word = format!("w{round}-{number}-{note}");
                        match is_added(&visitor, &word).await {
                            true => added.push(word),
                            false => return (added, word),
                        }
                    }
                    unreachable!("the node is killed")
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(random.random_range(300..1500))).await;
        node.kill().await;
        for writer in writers {
            let (added, unanswered) = writer.await.expect("it does not panic");
            known.extend(added.into_iter().map(|word| (word, 0)));
            pending.push(unanswered);
        }
    }
    println!("{} notes, {resent} were sent again though they were stored", known.len());
}
