//! Resources that a site's constructors build before a node is ready.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use headwater::internals::config::Mode;
use headwater_tests::{Client, Cluster, Site, until};
use rustix::process::{Pid, Signal, kill_process};

const PROGRAM: &str = env!("CARGO_BIN_EXE_extended-site");

const PROJECT: &str = "[link]\nlease = \"1s\"\n\n[site]\ngreeting = \"Hello!\"\n";

fn site() -> Site {
    Site::new(PROGRAM)
        .project(PROJECT)
        .dispatch("[[route]]\npath = \"/\"\ncontroller = \"greet\"\ncache = \"no_cache\"\n")
}

async fn ask(node: &headwater_tests::Node) -> String {
    let client = Client::new(node.http());
    until("the greeting", async || {
        let answer = client.get("/").await.ok()?;
        (answer.status == 200).then(|| answer.text().to_owned())
    })
    .await
}

#[tokio::test]
async fn a_resource_is_built_once_and_shared_by_all_requests() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    assert_eq!(ask(&node).await, "Hello! (1)");
    assert_eq!(ask(&node).await, "Hello! (2)");
}

#[tokio::test]
async fn only_nodes_that_run_controllers_need_the_settings() {
    // A front end must not run the constructor, which would fail now.
    let cluster = Cluster::start(site(), 1).await;
    assert_eq!(ask(&cluster.frontends[0]).await, "Hello! (1)");
    let site = site().project(&format!("{PROJECT}start = \"fails\"\n"));
    site.node(Mode::Frontend, "f9").start().await;
    assert!(site.node(Mode::Backend, "b9").try_start().await.is_err());
}

#[tokio::test]
async fn a_variable_overrides_project_toml() {
    let node = site().node(Mode::SingleNode, "n1").set("SITE__GREETING", "Good day!");
    assert_eq!(ask(&node.start().await).await, "Good day! (1)");
}

#[tokio::test]
async fn an_error_or_a_panic_of_a_constructor_stops_the_start_with_its_cause() {
    for (start, cause) in [
        ("fails", "cannot build the resource `extended_site::Greeter`: the greeter is out"),
        ("panics", "its constructor panicked: no greeter at all"),
    ] {
        let node = site().node(Mode::Backend, "b1").set("SITE__START", start);
        let ended = node.try_start().await.expect_err("it must not start");
        assert_eq!(ended.status.code(), Some(1));
        let messages = ended.messages.to_string();
        assert!(messages.contains(cause) && messages.contains("main.rs:"), "{messages}");
    }
}

#[tokio::test]
async fn invalid_settings_are_found_by_check_and_at_the_start() {
    let site = site().project("[link]\nlease = \"1s\"\n\n[site]\ngreting = \"Hello!\"\n");
    let printed = site.printed(&["check"]).await;
    let words = "project.toml:5: [site]: unknown field `greting`";
    assert!(printed.code == 1 && printed.errors.contains(words), "{}", printed.errors);
    let ended = site.node(Mode::Backend, "b1").try_start().await.expect_err("it must not start");
    assert!(ended.messages.contain(words), "{}", ended.messages);
}

#[tokio::test]
async fn a_node_whose_constructor_hangs_can_be_stopped() {
    let site = site();
    let mut command = site.command();
    command.args(["serve", "--with-parent", &std::process::id().to_string()]);
    command.env("HEADWATER_SITE__START", "hangs").stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("the constructor hangs")));
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let status = until("the end", async || child.try_wait().unwrap()).await;
    assert!(status.success(), "{status}");
}
