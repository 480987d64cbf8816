//! `dev`, as an open page and a slow request see it. A script replaces cargo, so nothing is compiled here.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use headwater_tests::{Browser, Client, Site, until};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

const ROUTES: &str = r#"
[[route]]
path = "/sign-in"
methods = ["POST"]
controller = "accounts.sign_in"

[[route]]
path = "/form"
template = "form.html"
"#;

fn site() -> Site {
    Site::test_site(PROGRAM).route(ROUTES).template("form.html", "")
}

/// A site in development.
struct Dev {
    _process: Child,
    address: SocketAddr,
}

impl Dev {
    /// Starts the site; `cargo` is the script that builds it.
    async fn start(site: &Site, cargo: &str) -> Dev {
        let script = site.clone().file("cargo", format!("#!/bin/sh\n{cargo}\n")).path("cargo");
        fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::from(site.command());
        command.args(["dev", "-p", "0"]).env("HEADWATER_ADMIN__LISTEN", "127.0.0.1:0");
        command.env("CARGO", script).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let address = line.split_once("http://").unwrap_or_else(|| panic!("{line}")).1;
        let address = address.split(' ').next().unwrap().parse().unwrap();
        Dev { _process: process, address }
    }

    fn visitor(&self) -> Client {
        Client::new(self.address)
    }

    /// Returns the first event for the script of an open page.
    async fn event(&self) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = b"GET /.headwater/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(event) = line.strip_prefix("data: ") {
                return event.to_owned();
            }
        }
        panic!("there is no event");
    }

    /// Returns the id of the program's process.
    async fn program(&self) -> u64 {
        let event: serde_json::Value = serde_json::from_str(&self.event().await).unwrap();
        event["program"].as_u64().unwrap()
    }

    async fn has_restarted(&self, before: u64) {
        let restarted = async || (self.program().await != before).then_some(());
        until("the program is started anew", restarted).await;
    }
}

#[tokio::test]
async fn a_slow_request_is_answered_although_the_program_is_restarted_meanwhile() {
    let site = site();
    let dev = Dev::start(&site, "exit 0").await;
    let before = dev.program().await;
    let visitor = dev.visitor();
    let slow =
        tokio::spawn(
            async move { visitor.form("/sign-in", "name=ana&milliseconds=2500").await.status },
        );
    let _site = site.file("src/main.rs", "fn main() {}");
    dev.has_restarted(before).await;
    assert_eq!(slow.await.unwrap(), 303);
}

#[tokio::test]
async fn a_build_is_cancelled_when_the_code_changes_meanwhile() {
    let site = site();
    // The first build does not end.
    let dev =
        Dev::start(&site, "if mkdir begun; then sleep 1000 & echo $! > begun/pid; wait; fi").await;
    let before = dev.program().await;
    let site = site.file("src/main.rs", "fn main() {}");
    let compiler = until("the build has begun", async || {
        let pid = fs::read_to_string(site.path("begun/pid")).ok()?;
        pid.ends_with('\n').then(|| pid.trim().to_owned())
    });
    let compiler = Path::new("/proc").join(compiler.await);
    assert!(compiler.exists());
    let _site = site.file("src/main.rs", "fn main() { }");
    dev.has_restarted(before).await;
    until("the first build is gone", async || (!compiler.exists()).then_some(())).await;
}

fn form(heading: &str, own: &str) -> String {
    format!(
        "<!doctype html><title>Form</title><link rel='icon' href='data:,'><h1>{heading}</h1><form>\
         <input type='hidden' id='token' name='token' value='{own}'>\
         <label>Name <input id='name' name='name'></label><label>City <input name='city'></label>\
         <label>Left <input id='left' name='left' value='{own}'></label>\
         <label><input type='checkbox' name='tags' value='a'> A</label>\
         <label><input type='checkbox' name='tags' value='b' checked> B</label>\
         <label><input type='radio' name='size' value='s' checked> S</label>\
         <label><input type='radio' name='size' value='l'> L</label>\
         <label for='kind'>Kind</label><select id='kind' name='kind'><option>one<option>two</select>\
         <label>Other <select name='other'><option selected>{own}<option>none</select></label>\
         </form>"
    )
}

/// The complete form data that would be sent.
const SENT: &str = "new URLSearchParams(new FormData(document.forms[0])).toString()";

#[tokio::test]
async fn an_open_page_is_replaced_with_its_entered_values_and_shows_compile_errors() {
    let Some(mut browser) = Browser::start().await else { return };
    let site = site().template("form.html", &form("First", "old"));
    let dev = Dev::start(&site, "echo 'error: no such thing' >&2; exit 1").await;
    browser.open(&format!("http://{}/form", dev.address)).await;
    browser.fill("Name", "Ana").await;
    browser.fill("City", "Ulm").await;
    browser.fill("Kind", "two").await;
    for label in ["A", "B", "L"] {
        let click = format!(
            "[...document.querySelectorAll('label')].find(e => e.innerText.trim() == '{label}').control.click()"
        );
        browser.evaluate(&click).await;
    }
    let sent = |own: &str| {
        format!("token={own}&name=Ana&city=Ulm&left={own}&tags=a&size=l&kind=two&other={own}")
    };
    assert_eq!(browser.text(SENT).await, sent("old"));
    let site = site.file("src/main.rs", "fn main() { broken }");
    until("the page says what is wrong", async || {
        browser.shown().await.contains("error: no such thing").then_some(())
    })
    .await;

    let site = site.template("form.html", &form("Second", "new"));
    until("the page is swapped", async || browser.shown().await.contains("Second").then_some(()))
        .await;
    assert_eq!(browser.text(SENT).await, sent("new"));

    // A request that fails is sent again.
    let failing = "const real = window.fetch; let failed = 0; window.fetch = (...request) => \
                   failed++ ? real(...request) : Promise.reject(new TypeError('gone')); null";
    browser.evaluate(failing).await;
    let _site = site.template("form.html", &form("Third", "newer"));
    until("the page is swapped", async || browser.shown().await.contains("Third").then_some(()))
        .await;
    assert_eq!(browser.text(SENT).await, sent("newer"));
    assert!(browser.shown().await.contains("error: no such thing"));
    assert_eq!(browser.complaints().await, [""; 0]);
}
