//! The admin port, the log lines and the data folder of a node are not for visitors.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use headwater_tests::Mode;

use crate::site;

#[tokio::test]
async fn only_requests_for_the_admin_ports_own_hosts_are_answered() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").set("ADMIN__HOSTS", "n1.internal");
    let node = node.start().await;
    node.ready().await;
    let operator = node.operator();
    for (header, status) in [
        (("host", "evil.example"), 421),
        (("host", "n1.internal:8200"), 200),
        (("host", "localhost"), 200),
        (("sec-fetch-site", "cross-site"), 403),
        (("sec-fetch-site", "same-site"), 403),
        (("sec-fetch-site", "none"), 200),
    ] {
        for target in ["/status", "/metrics"] {
            let answer = operator.page_with(target, &[header]).await;
            assert_eq!(answer.status, status, "{target} {header:?}: {}", answer.text());
        }
        let json = ("content-type", "application/json");
        let body = r#"{"groups":["a"]}"#;
        let answer = operator.ask("POST", "/invalidate", &[header, json], body).await;
        assert_eq!(answer.status, status, "{header:?}: {}", answer.text());
        assert_eq!(operator.page_with("/health", &[header]).await.status, 200);
    }
}

#[tokio::test]
async fn an_admin_port_beyond_loopback_requires_a_secret() {
    let open = site().node(Mode::SingleNodeWithCache, "n1").set("ADMIN__LISTEN", "0.0.0.0:0");
    let ended = open.clone().try_start().await.expect_err("it does not start");
    assert!(ended.messages.to_string().contains("needs a secret"), "{}", ended.messages);

    let node = open.set("ADMIN__SECRET", "river").start().await;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], node.admin().port()));
    let operator = headwater_tests::Client::new(address);
    headwater_tests::until("it is ready without the secret", async || {
        (operator.page("/ready").await.status == 200).then_some(())
    })
    .await;
    for target in ["/status", "/metrics"] {
        assert_eq!(operator.page(target).await.status, 401);
        let right = [("authorization", "Bearer river")];
        assert_eq!(operator.page_with(target, &right).await.status, 200);
    }
    let url = format!("http://{address}");
    let run = |command: &[&str], secret: Option<&str>| {
        let mut program: Command = site().command();
        program.args(command).args(["--admin", &url]);
        program.envs(secret.map(|secret| ("HEADWATER_ADMIN__SECRET", secret)));
        program.output().unwrap()
    };
    for command in [&["status"][..], &["invalidate", "--group", "a"]] {
        assert!(run(command, Some("river")).status.success(), "{command:?}");
        assert!(!run(command, Some("rivers")).status.success(), "{command:?}");
        assert!(!run(command, None).status.success(), "{command:?}");
    }
}

#[tokio::test]
async fn the_reason_why_a_node_is_not_ready_is_sent_only_to_an_operator() {
    let node = site().node(Mode::Frontend, "f1").set("LINK__BACKENDS", "127.0.0.1:1");
    let open = node.clone().set("ADMIN__LISTEN", "0.0.0.0:0").set("ADMIN__SECRET", "river");
    let secret = ("authorization", "Bearer river");
    for (launch, allowed, stranger) in [
        (open, secret, ("authorization", "Bearer rivers")),
        (node, ("host", "localhost"), ("host", "evil.example")),
    ] {
        let node = launch.start().await;
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], node.admin().port()));
        let client = headwater_tests::Client::new(address);
        let answer = client.page_with("/ready", &[stranger]).await;
        assert_eq!((answer.status, answer.text()), (503, "not ready\n"));
        let answer = client.page_with("/ready", &[allowed]).await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("no lease"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_request_cannot_write_more_than_one_line_to_the_log() {
    let node = site().node(Mode::SingleNodeWithCache, "n1").start().await;
    node.ready().await;
    let visitor = node.visitor();
    for target in ["/nothing/", "/error/500?", "/page/1?", "/uncached/"] {
        let long = format!("{target}{}", "x".repeat(50_000));
        visitor.page(&long).await;
    }
    visitor.form("/invalidate", &format!("soft={}", "y".repeat(50_000))).await;
    let messages = node.messages().to_string();
    assert!(messages.contains("xxx"), "{messages}");
    let longest = messages.lines().map(str::len).max();
    assert!(longest < Some(1500), "{longest:?}");
}

#[tokio::test]
async fn files_of_a_node_are_accessible_to_its_user_only() {
    let site = site();
    let data = site.path("data");
    let mut command = site.command();
    // The most permissive umask, whatever the test's own is.
    let script = "umask 0; exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
    shell.args(["serve", "--with-parent", &std::process::id().to_string()]);
    for key in ["HTTP", "ADMIN", "LINK"] {
        shell.env(format!("HEADWATER_{key}__LISTEN"), "127.0.0.1:0");
    }
    command = shell;
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    headwater_tests::until("there is a log", async || data.join("log.redb").exists().then_some(()))
        .await;
    child.kill().unwrap();
    child.wait().unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
        files += 1;
    }
    assert!(files > 0);
}
