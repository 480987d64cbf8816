//! Files of the site that change while it is served.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use headwater_tests::Mode;
use headwater_tests::{Client, Cluster, Node, Response, Site, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{PROGRAM, site};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

const BANNER: &str = "<section role=\"alert\"";

async fn developed(site: &Site) -> Node {
    let node = site.node(Mode::SingleNodeWithCache, "n1").set("ENVIRONMENT", "development");
    let node = node.start().await;
    node.ready().await;
    node
}

async fn produced(site: &Site) -> Node {
    let node = site.node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    node
}

/// Waits until the page contains this.
async fn shows(visitor: &Client, target: &str, part: &str) -> Response {
    until(&format!("{target} shows {part}"), async || {
        let response = visitor.page(target).await;
        response.text().contains(part).then_some(response)
    })
    .await
}

/// Waits until the page no longer contains this.
async fn shows_no(visitor: &Client, target: &str, part: &str) -> Response {
    until(&format!("{target} does not show {part}"), async || {
        let response = visitor.page(target).await;
        (!response.text().contains(part)).then_some(response)
    })
    .await
}

#[tokio::test]
async fn in_development_a_changed_template_is_seen_at_once() {
    let site = site();
    let node = developed(&site).await;
    let visitor = node.visitor();
    for target in ["/static", "/templated/1"] {
        visitor.page(target).await;
        assert!(visitor.page(target).await.is_hit());
    }
    let edited = site.template("page.html", "<p>{{ version }} of the second");
    shows(&visitor, "/templated/1", "0 of the second").await;
    assert!(visitor.page("/templated/1").await.is_hit(), "what is new is kept");
    assert!(!edited.path("templates/plain.html").is_dir());

    // As editors save: a backup copy, a new file in place of the old one, and temporary files
    // beside it.
    fs::write(edited.path("templates/.page.html.swp"), "x").unwrap();
    fs::rename(edited.path("templates/page.html"), edited.path("templates/page.html~")).unwrap();
    fs::write(edited.path("templates/4913"), "").unwrap();
    fs::remove_file(edited.path("templates/4913")).unwrap();
    fs::write(edited.path("templates/new"), "<p>{{ version }} of the third").unwrap();
    fs::rename(edited.path("templates/new"), edited.path("templates/page.html")).unwrap();
    fs::remove_file(edited.path("templates/page.html~")).unwrap();
    shows(&visitor, "/templated/1", "0 of the third").await;

    // A folder that is recreated with subfolders.
    fs::rename(edited.path("templates"), edited.path("aside")).unwrap();
    fs::create_dir_all(edited.path("templates/deep/er")).unwrap();
    for entry in fs::read_dir(edited.path("aside")).unwrap() {
        let name = entry.unwrap().file_name();
        let (from, to) = (edited.path("aside").join(&name), edited.path("templates").join(&name));
        fs::copy(from, to).unwrap();
    }
    let edited = edited
        .template("deep/er/part.html", "first part")
        .template("page.html", "{% include \"deep/er/part.html\" %}");
    shows(&visitor, "/templated/1", "first part").await;
    let _edited = edited.template("deep/er/part.html", "second part");
    shows(&visitor, "/templated/1", "second part").await;
}

#[tokio::test]
async fn in_development_a_broken_template_is_shown_in_the_page_and_the_old_one_serves() {
    let site = site();
    let node = developed(&site).await;
    let visitor = node.visitor();
    let whole = visitor.page("/static").await;
    let good = fs::read_to_string(site.path("templates/plain.html")).unwrap();
    let site = site
        .template("plain.html", "<p>\n{{ <script>alert(1)</script> }}")
        .route("[[route]]\npath = \"/other\"\ncontroler = \"a\"");
    let shown = shows(&visitor, "/static", "controler").await;
    let (before, banner) = shown.text().split_once(BANNER).expect("the banner is there");
    assert_eq!(before.trim_end(), whole.text().trim_end());
    assert!(banner.contains("templates/plain.html:2:"), "{banner}");
    assert!(banner.contains("dispatch.conf:") && banner.contains("`controller`"), "{banner}");
    assert!(!banner.contains("<script>"), "{banner}");
    assert_eq!(shown.header("content-length"), shown.body.len().to_string());
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(shown.header("etag"), "");

    let head = visitor.ask("HEAD", "/static", &[], "").await;
    assert_eq!(head.header("content-length"), shown.header("content-length"));
    assert!(head.body.is_empty());
    // A client that has the page without the banner must receive it with the banner.
    let later = "Fri, 01 Jan 2100 00:00:00 GMT";
    for condition in [("if-none-match", "*"), ("if-modified-since", later), ("range", "bytes=0-1")]
    {
        let response = visitor.page_with("/static", &[condition]).await;
        assert!(response.status == 200 && response.text().contains(BANNER), "{condition:?}");
    }
    let encoded = visitor.page_with("/static", &[("accept-encoding", "gzip, br")]).await;
    assert!(encoded.text().contains(BANNER), "it can be read");
    assert!(visitor.page("/nowhere").await.text().contains(BANNER), "error pages too");
    assert_eq!(visitor.page("/files/hello.txt").await.text(), "hello, world\n");
    assert_eq!(visitor.page("/page/1").await.text(), "0");

    let status = node.status().await;
    assert_eq!(status["edition"]["number"], 1);
    assert_eq!(status["edition"]["problems"].as_array().unwrap().len(), 3, "{status}");
    until("the log says it", async || {
        node.messages().contain("templates/plain.html:2:").then_some(())
    })
    .await;

    let dispatch = fs::read_to_string(site.path("dispatch.conf")).unwrap();
    let _site = site
        .template("plain.html", &good)
        .dispatch(&dispatch.replace("controler = \"a\"", "redirect = \"/\""));
    let response = shows_no(&visitor, "/static", BANNER).await;
    assert_eq!(response.body, whole.body);
    assert_eq!(visitor.page("/other").await.status, 302);
    assert_eq!(node.status().await["edition"]["problems"], json!([]));
    assert!(visitor.page("/static").await.is_hit(), "nothing of the banner was kept");
}

#[tokio::test]
async fn in_development_routes_are_watched_with_the_files_that_they_are_in() {
    let route = "[[route]]\ninclude = \"routes/more.conf\"\n[[route]]\npath = \"/below\"\ndelegate = \"routes/below.conf\"";
    let page = |path: &str| format!("[[route]]\npath = \"{path}\"\ntemplate = \"plain.html\"\n");
    let site = site()
        .file("routes/more.conf", page("/one"))
        .file("routes/below.conf", page("/two"))
        .route(route);
    let node = developed(&site).await;
    let visitor = node.visitor();
    let is_there = async |target: &str| {
        until(target, async || (visitor.page(target).await.status == 200).then_some(())).await;
    };
    is_there("/one").await;
    is_there("/below/two").await;
    assert_eq!(node.edition().await, 1, "nothing has changed");
    let site = site.file("routes/more.conf", page("/three"));
    is_there("/three").await;
    assert_eq!(visitor.page("/one").await.status, 404);
    let site = site.file("routes/below.conf", page("/four"));
    is_there("/below/four").await;

    // A missing included file is loaded when it appears.
    let site = site.route("[[route]]\ninclude = \"late/later.conf\"");
    shows(&visitor, "/static", "late/later.conf").await;
    let site = site.file("late/later.conf", page("/five"));
    is_there("/five").await;
    shows_no(&visitor, "/static", BANNER).await;
    let _site = site.file("late/later.conf", page("/six"));
    is_there("/six").await;
}

#[tokio::test]
async fn in_development_a_changed_file_of_the_docroot_has_another_address_in_pages() {
    let site = site().template("plain.html", "{{ asset(path=\"/files/hello.txt\") }}");
    let node = developed(&site).await;
    let visitor = node.visitor();
    let first = visitor.page("/static").await;
    assert!(first.text().starts_with("/files/hello."), "{}", first.text());
    assert!(visitor.page("/static").await.is_hit());
    let site = site.file("docroot/files/hello.txt", "hello again");
    let second = shows_no(&visitor, "/static", first.text()).await;
    assert_eq!(visitor.page(second.text()).await.text(), "hello again");

    // The whole docroot is replaced.
    fs::create_dir_all(site.path("next/files")).unwrap();
    fs::write(site.path("next/files/hello.txt"), "hello for the third time").unwrap();
    fs::rename(site.path("docroot"), site.path("last")).unwrap();
    fs::rename(site.path("next"), site.path("docroot")).unwrap();
    let third = shows_no(&visitor, "/static", second.text()).await;
    assert_eq!(visitor.page(third.text()).await.text(), "hello for the third time");

    // A reference to a missing file works as soon as the file exists.
    let site = site.template("page.html", "{{ asset(path=\"/files/deep/new.txt\") }}");
    shows(&visitor, "/templated/1", "new.txt").await;
    assert_eq!(visitor.page("/templated/1").await.status, 500);
    let site = site.file("docroot/files/deep/new.txt", "deep");
    let first = visitor.page("/templated/1").await;
    assert!(first.text().starts_with("/files/deep/new."), "{}", first.text());
    let _site = site.file("docroot/files/deep/new.txt", "deeper");
    shows_no(&visitor, "/templated/1", first.text()).await;
}

#[tokio::test]
async fn in_development_uploads_do_not_clear_the_cache() {
    let site = site()
        .template("plain.html", "{{ asset(path=\"/files/hello.txt\") }}")
        .template("page.html", "{{ asset(path=\"/files/uploads/weir.png\") }}");
    let node = developed(&site).await;
    let visitor = node.visitor();
    let hang = async |version: u64| {
        let target = format!("/gallery/weir.png/{version}");
        let picture = format!("{version:5}").repeat(20_000);
        assert_eq!(visitor.ask("POST", &target, &[], picture).await.text(), "hung");
    };
    hang(0).await;
    let targets = ["/static", "/templated/1"];
    let mut before = Vec::new();
    for target in targets {
        before.push(visitor.page(target).await);
    }
    for version in 1..=20 {
        hang(version).await;
        // Files that a controller writes for itself, or an editor, do not either.
        for name in ["docroot/.draft", "docroot/files/count.txt", "templates/.page.html.swp"] {
            fs::write(site.path(name), version.to_string()).unwrap();
        }
        // Gives the watcher time to react, although nothing should happen.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (target, before) in targets.into_iter().zip(&before) {
        let again = visitor.page(target).await;
        assert!(again.is_hit() && again.body == before.body, "{target} {}", again.text());
    }
    assert_eq!(node.edition().await, 1);
    let _site = site.file("docroot/files/hello.txt", "hello again");
    shows_no(&visitor, "/static", before[0].text()).await;
    assert_eq!(node.edition().await, 2);
}

#[tokio::test]
async fn in_production_all_files_are_reloaded_or_none_on_request() {
    let site = site();
    let mut node = produced(&site).await;
    let visitor = node.visitor();
    let whole = visitor.page("/static").await;
    let loaded = "headwater_reloads_total{outcome=\"loaded\"}";
    let refused = "headwater_reloads_total{outcome=\"refused\"}";

    // One of the two is valid, but must not be loaded alone.
    let site = site
        .template("page.html", "{{ version }} of the second")
        .template("plain.html", "{% if %}");
    node.hang_up();
    let messages = node.messages().clone();
    let said = "templates/plain.html:1:";
    until("the log says what is wrong", async || messages.contain(said).then_some(())).await;
    let status = until("the status says it", async || {
        let status = node.status().await;
        (status["edition"]["problems"] != json!([])).then_some(status)
    })
    .await;
    assert_eq!(status["edition"]["number"], 1);
    for target in ["/static", "/templated/1"] {
        let response = visitor.page(target).await;
        assert_eq!(response.status, 200);
        assert!(!response.text().contains(BANNER) && !response.text().contains("second"));
    }
    let again = visitor.page("/static").await;
    assert!(again.is_hit() && again.body == whole.body, "nothing was forgotten");
    assert_eq!((node.metric(loaded).await, node.metric(refused).await), (0.0, 1.0));

    let _site = site.template("plain.html", "the second, too");
    node.hang_up();
    until("the second edition", async || (node.edition().await == 2).then_some(())).await;
    assert_eq!(visitor.page("/static").await.text(), "the second, too");
    assert_eq!(visitor.page("/templated/1").await.text(), "0 of the second");
    assert_eq!(node.status().await["edition"]["problems"], json!([]));
    assert_eq!((node.metric(loaded).await, node.metric(refused).await), (1.0, 1.0));
    assert!(node.stop().await.success());
}

#[tokio::test]
async fn an_operator_sees_the_result_of_a_reload() {
    let site = site();
    let cluster = Cluster::start(site, 1).await;
    let operator = cluster.frontends[0].operator();
    let reload = async || operator.ask("POST", "/reload", &JSON, "").await;
    assert_eq!(reload().await.json(), json!({ "edition": 2 }));
    let site = cluster.site.clone().template("plain.html", "{{ a b }}");
    let refused = reload().await;
    assert_eq!(refused.status, 409);
    let problem = refused.json()["problems"][0].as_str().unwrap().to_owned();
    assert!(problem.contains("templates/plain.html:1:"), "{problem}");
    let _site = site.template("plain.html", "good");
    assert_eq!(reload().await.json(), json!({ "edition": 3 }));
    assert_eq!(cluster.visitor(0).page("/static").await.text(), "good");

    // A page of another site must not be able to do this in an operator's browser.
    assert_eq!(operator.form("/reload", "").await.status, 415);
    let wrong = operator.page("/reload").await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn a_back_end_reloads_the_texts_of_its_mails() {
    let route = "[[route]]\npath = \"/mail\"\ncontroller = \"texts.mail\"\ncache = \"no_cache\"\n";
    let project = "languages = [\"en\"]\n[link]\nlease = \"1s\"\n";
    let texts = |text: &str| format!("mail = {text}\n");
    let site = site().project(project).route(route);
    let mut cluster =
        Cluster::start(site.file("locales/en/site.ftl", texts("Come, { $name }!")), 1).await;
    let (visitor, operator) = (cluster.visitor(0), cluster.backend.operator());
    let mail = async || visitor.page("/mail").await.text().to_owned();
    let reload = async || operator.ask("POST", "/reload", &JSON, "").await;
    let write = |text| cluster.site.clone().file("locales/en/site.ftl", texts(text));
    assert_eq!(mail().await, "Come, Ana!");
    write("Stay, { $name }!");
    assert_eq!(reload().await.json(), json!({ "edition": 2 }));
    assert_eq!(mail().await, "Stay, Ana!");
    write("{ ");
    let refused = reload().await;
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("this is not Fluent"), "{}", refused.text());
    assert_eq!(mail().await, "Stay, Ana!");
    write("Go, { $name }!");
    cluster.backend.hang_up();
    until("the texts are loaded", async || (mail().await == "Go, Ana!").then_some(())).await;
    assert_eq!(cluster.frontends[0].edition().await, 1);
}

#[tokio::test]
async fn a_single_node_without_a_cache_reloads_too() {
    let site = site();
    let mut node = site.node(Mode::SingleNode, "n1").start().await;
    node.ready().await;
    let _site = site.template("plain.html", "second");
    node.hang_up();
    shows(&node.visitor(), "/static", "second").await;
}

/// Returns the number in a page whose template contains one.
fn number(response: &Response) -> u64 {
    let number = response.text().split('#').nth(1);
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{}", response.text()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_answered_by_the_newest_edition_that_was_announced() {
    let numbered = |site: &Site, number: u64| {
        for name in ["plain.html", "page.html"] {
            // The file is replaced atomically, as by a deployment.
            let (new, path) = (site.path("new"), site.path(format!("templates/{name}")));
            fs::write(&new, format!("edition #{number}#")).unwrap();
            fs::rename(new, path).unwrap();
        }
    };
    let site = Site::test_site(PROGRAM);
    numbered(&site, 1);
    let mut cluster = Cluster::start(site, 1).await;
    let announced = Arc::new(AtomicU64::new(1));
    let done = Arc::new(AtomicBool::new(false));
    let targets = ["/static", "/templated/1", "/templated/2", "/"];
    let readers: Vec<_> = (0..8)
        .map(|reader| {
            let visitor = cluster.visitor(0).keep_alive();
            let (announced, done) = (Arc::clone(&announced), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut read, mut hits) = (0, 0);
                while !done.load(Ordering::Acquire) {
                    let target = targets[(reader + read) % targets.len()];
                    let least = announced.load(Ordering::Acquire);
                    let response = visitor.page(target).await;
                    assert_eq!(response.status, 200, "{target}: {}", response.text());
                    let shown = number(&response);
                    assert!(shown >= least, "{target} shows edition {shown} after {least}");
                    read += 1;
                    hits += usize::from(response.is_hit());
                }
                (read, hits)
            })
        })
        .collect();
    for edition in 2..=101 {
        numbered(&cluster.site, edition);
        if edition % 2 == 0 {
            cluster.frontends[0].hang_up();
            until("the next edition", async || {
                (cluster.frontends[0].edition().await == edition).then_some(())
            })
            .await;
        } else {
            let operator = cluster.frontends[0].operator();
            let reloaded = operator.ask("POST", "/reload", &JSON, "").await;
            assert_eq!(reloaded.json(), json!({ "edition": edition }));
        }
        announced.store(edition, Ordering::Release);
        if edition % 10 == 0 {
            cluster.visitor(0).form("/page/1", "").await;
        }
    }
    done.store(true, Ordering::Release);
    let (mut read, mut hits) = (0, 0);
    for reader in readers {
        let counts = reader.await.unwrap();
        (read, hits) = (read + counts.0, hits + counts.1);
    }
    assert!(hits > 0 && hits < read, "{hits} hits of {read}");
    assert_eq!(number(&cluster.visitor(0).page("/static").await), 101);
}

#[test]
fn a_hangup_before_the_configuration_is_read_does_not_end_the_node() {
    let site = site();
    // The node waits for its configuration until something is written to this pipe.
    let path = site.path("project.toml");
    let configuration = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut command = site.command();
    command.args(["serve", "--mode", "single-node", "--name", "n1"]);
    for port in ["HTTP", "ADMIN"] {
        command.env(format!("HEADWATER_{port}__LISTEN"), "127.0.0.1:0");
    }
    let mut node = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Opening the pipe waits until the node reads.
    let mut pipe = fs::File::options().write(true).open(path).unwrap();
    let pid = Pid::from_raw(node.id().cast_signed());
    kill_process(pid.unwrap(), Signal::HUP).unwrap();
    pipe.write_all(&configuration).unwrap();
    drop(pipe);
    let mut announced = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut announced).unwrap();
    node.kill().unwrap();
    let ended = node.wait().unwrap();
    assert!(!announced.is_empty(), "it never listened: {ended}");
}
