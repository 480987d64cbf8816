use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::devtools::DevTools;

/// A window of Chromium with a visitor's actions, and the findings of the browser and of axe-core in its pages.
#[derive(Debug)]
pub struct Browser {
    tools: DevTools,
    axe: String,
}

impl Browser {
    /// Starts a browser if this machine has Chromium, and axe-core in `target/axe`, where `.ci/run` puts it. Otherwise
    /// writes to standard error what is missing and returns `None`; the test must then be skipped.
    ///
    /// # Panics
    /// When one of them is missing though `BROWSER_TESTS` is `required`, or when Chromium does not start.
    pub async fn start() -> Option<Browser> {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/axe/axe_playwright_python/axe.min.js");
        let axe = std::fs::read_to_string(&axe).map_err(|why| format!("{}: {why}", axe.display()));
        let program = chromium().ok_or_else(|| "`chromium` is not on the path".to_owned());
        match program.and_then(|program| Ok((program, axe?))) {
            Ok((program, axe)) => Some(Browser { tools: DevTools::start(&program).await, axe }),
            Err(missing) => {
                let required = std::env::var("BROWSER_TESTS").is_ok_and(|word| word == "required");
                assert!(!required, "{missing}");
                // Not `eprintln!`, whose output is shown only for failed tests.
                let _ = writeln!(std::io::stderr(), "a browser test was SKIPPED: {missing}");
                None
            }
        }
    }

    /// Evaluates an expression in the page and returns its value; a promise is awaited.
    ///
    /// # Panics
    /// When the expression throws.
    pub async fn evaluate(&mut self, expression: &str) -> Value {
        let evaluate = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let mut result = self.tools.command("Runtime.evaluate", evaluate).await;
        assert!(result["exceptionDetails"].is_null(), "{expression:.200}: {result:#}");
        result["result"]["value"].take()
    }

    /// Opens an address.
    pub async fn open(&mut self, url: &str) {
        self.leave(&format!("location.href = {}", json!(url))).await;
    }

    /// Returns to the previous page, as the browser's own button does.
    pub async fn back(&mut self) {
        self.leave("history.back()").await;
    }

    /// Presses the button with this text.
    pub async fn press(&mut self, text: &str) {
        self.leave(&format!("{}.click()", with_text("button", text))).await;
    }

    /// Runs an action that leads to another page, and waits until that page is shown.
    async fn leave(&mut self, action: &str) {
        let is_navigation = |event: &Value| {
            event["method"] == "Page.frameNavigated"
                && event["params"]["frame"]["parentId"].is_null()
        };
        self.tools.events.retain(|event| !is_navigation(event));
        self.evaluate(action).await;
        while !self.tools.events.iter().any(is_navigation) {
            let event = self.tools.message().await;
            self.tools.events.push(event);
        }
        let shown = "document.readyState == 'complete'";
        while self.evaluate(shown).await != true {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Enters a value into the field with this label.
    pub async fn fill(&mut self, label: &str, value: &str) {
        let field = with_text("label", label);
        self.evaluate(&format!("{field}.control.value = {}", json!(value))).await;
    }

    /// Returns the value of the field with this label.
    pub async fn value(&mut self, label: &str) -> String {
        self.text(&format!("{}.control.value", with_text("label", label))).await
    }

    /// Returns the visible text of the page.
    pub async fn shown(&mut self) -> String {
        self.text("document.body.innerText").await
    }

    /// Evaluates an expression whose value is a string.
    pub async fn text(&mut self, expression: &str) -> String {
        let value = self.evaluate(expression).await;
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// Returns the browser's complaints since the last call: errors of scripts, requests blocked by a policy, missing
    /// files. The page's own error status is not a complaint.
    pub async fn complaints(&mut self) -> Vec<String> {
        let page = self.text("location.href").await;
        let events = std::mem::take(&mut self.tools.events);
        let complaint = |event: &Value| match event["method"].as_str()? {
            "Runtime.exceptionThrown" => Some(event["params"].to_string()),
            "Runtime.consoleAPICalled" if event["params"]["type"] == "error" => {
                Some(event["params"]["args"].to_string())
            }
            "Log.entryAdded" => {
                let entry = &event["params"]["entry"];
                let is_status = entry["source"] == "network" && entry["url"] == *page;
                (entry["level"] == "error" && !is_status).then(|| entry.to_string())
            }
            _ => None,
        };
        events.iter().filter_map(complaint).collect()
    }

    /// Returns the serious and critical findings of axe-core in the page, in light and in dark colours: rules with the
    /// elements that violate them.
    pub async fn violations(&mut self) -> Vec<String> {
        let axe = self.axe.clone();
        self.evaluate(&axe).await;
        let mut found = Vec::new();
        for (scheme, rules) in [("light", "{}"), ("dark", "{ runOnly: ['color-contrast'] }")] {
            let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
            self.tools.command("Emulation.setEmulatedMedia", json!({ "features": features })).await;
            let result = self.evaluate(&format!("axe.run({rules})")).await;
            for rule in result["violations"].as_array().expect("axe gives a list") {
                if matches!(rule["impact"].as_str(), Some("serious" | "critical")) {
                    let nodes = rule["nodes"].as_array().expect("a rule has elements").iter();
                    let nodes =
                        nodes.map(|node| format!("{}: {}", node["html"], node["failureSummary"]));
                    found.push(format!(
                        "{scheme}: {}: {:#?}",
                        rule["id"],
                        nodes.collect::<Vec<_>>()
                    ));
                }
            }
        }
        found
    }

    /// Visits every page of the site that can be reached over links, and returns their paths. No page may cause
    /// complaints, and the first page of each kind (the beginning of a path and its length) no violations.
    ///
    /// # Panics
    /// When there are complaints or violations.
    pub async fn inspect(&mut self, origin: &str) -> Vec<String> {
        let links = "[...document.links].filter(link => link.origin == origin).map(link => link.pathname + link.search)";
        let (mut pages, mut kinds, mut next) = (vec!["/".to_owned()], HashSet::new(), 0);
        while let Some(page) = pages.get(next).cloned() {
            next += 1;
            self.open(&format!("{origin}{page}")).await;
            if self.text("document.contentType").await != "text/html" {
                continue;
            }
            let segments: Vec<_> = page.split(['/', '?']).collect();
            match kinds.insert((segments[1].to_owned(), segments.len())) {
                true => self.is_sound().await,
                false => assert_eq!(self.complaints().await, [""; 0], "{page}"),
            }
            let linked = self.evaluate(links).await;
            for link in linked.as_array().expect("a list").iter().filter_map(Value::as_str) {
                if !pages.iter().any(|known| known == link) {
                    pages.push(link.to_owned());
                }
            }
        }
        pages
    }

    /// Checks that the page has neither complaints nor violations.
    ///
    /// # Panics
    /// When it has any.
    pub async fn is_sound(&mut self) {
        let page = self.text("location.href").await;
        let (complaints, violations) = (self.complaints().await, self.violations().await);
        assert!(complaints.is_empty(), "{page}: {complaints:#?}");
        assert!(violations.is_empty(), "{page}: {violations:#?}");
    }
}

/// Returns the path of the program: `$CHROMIUM`, or `chromium` on the `PATH`.
fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join("chromium"));
    named.or_else(|| found.find(|program| program.is_file()))
}

/// Returns an expression for the element of this kind with this text.
fn with_text(kind: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll('{kind}')].find(e => e.innerText.trim() == {})",
        json!(text)
    )
}
