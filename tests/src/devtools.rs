use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::until::PATIENCE;

/// A page of Chromium with an empty profile, driven by the DevTools protocol over a pipe. The browser ends when this is
/// dropped.
///
/// The client is our own because the tests need little: they send one command at a time and collect the events that
/// arrive meanwhile, whereas the crates for this protocol bring a WebSocket, tasks, and types for all of its domains.
#[derive(Debug)]
pub(crate) struct DevTools {
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    /// The session with the page; empty until it is attached.
    session: String,
    /// The number of the last command.
    number: u64,
    /// The events that arrived while a result was awaited.
    pub(crate) events: Vec<Value>,
    _process: Child,
    _profile: TempDir,
}

/// The file descriptors from which Chromium reads commands (3) and to which it writes messages (4).
const PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

impl DevTools {
    /// Starts the browser.
    pub(crate) async fn start(program: &Path) -> DevTools {
        let profile = tempfile::Builder::new().prefix("headwater-browser-").tempdir();
        let profile = profile.expect("the folder for temporary files can be written to");
        let mut command = Command::new("sh");
        command.args(["-c", PIPES]).arg(program);
        // The sandbox needs namespaces that containers and root lack; all pages are those of the tests.
        command.args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--no-first-run"]);
        command.args([
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.kill_on_drop(true).spawn().expect("a shell can be run");
        let mut tools = DevTools {
            commands: process.stdin.take().expect("it is piped"),
            messages: BufReader::new(process.stdout.take().expect("it is piped")),
            session: String::new(),
            number: 0,
            events: Vec::new(),
            _process: process,
            _profile: profile,
        };
        let page = tools.command("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = tools.command("Target.attachToTarget", attach).await;
        tools.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            tools.command(domain, json!({})).await;
        }
        tools
    }

    /// Sends a command and waits for its result.
    pub(crate) async fn command(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut command = json!({ "id": self.number, "method": method, "params": parameters });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        let line = [command.to_string().as_bytes(), b"\0"].concat();
        self.commands.write_all(&line).await.expect("the browser takes commands");
        loop {
            let mut message = self.message().await;
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Receives the next message.
    pub(crate) async fn message(&mut self) -> Value {
        let mut message = Vec::new();
        let read = timeout(PATIENCE, self.messages.read_until(0, &mut message)).await;
        let length = read.expect("the browser answers in time").expect("it can be read from");
        assert!(length > 0, "the browser has ended");
        serde_json::from_slice(&message[..length - 1]).expect("a message is JSON")
    }
}
