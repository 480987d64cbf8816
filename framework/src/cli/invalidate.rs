use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use super::args::Invalidate;
use super::client::{AdminAnswer, AdminPort, ClientError};
use super::runtime;
use crate::config::{Config, Mode};
use crate::log::{Acknowledgement, Outcome};
use crate::problem::{Problem, Problems};

/// Longer than the longest lease, which is the longest wait for a receipt.
const PATIENCE: Duration = Duration::from_secs(90);

/// A back end's answer to an invalidation: the part of a [`crate::log::Receipt`] that is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    position: u64,
    acknowledgements: Vec<Acknowledgement>,
}

/// Returns the likely addresses of a back end: the configured admin port, and the one in a `cluster`.
pub(super) fn usual_nodes(config: &Config) -> Vec<AdminPort> {
    let configured = config.admin.listen;
    let mut clustered = config.http.listen;
    clustered.set_port(clustered.port().saturating_add(300));
    let mut nodes = vec![AdminPort::from(configured)];
    if config.mode != Mode::Backend && clustered != configured {
        nodes.push(clustered.into());
    }
    nodes
}

/// Calls the first of `nodes` that is a back end, and waits for the receipt.
pub(super) fn run(invalidate: &Invalidate, nodes: &[AdminPort]) -> Result<Receipt, Problems> {
    let Invalidate { what, soft, .. } = invalidate;
    let body = serde_json::json!({ "groups": what.group, "patterns": what.pattern, "soft": soft });
    Ok(runtime()?.block_on(ask(nodes, &body.to_string()))?)
}

async fn ask(nodes: &[AdminPort], body: &str) -> Result<Receipt, Problem> {
    let mut tried = Vec::new();
    for node in nodes {
        match node.post("/invalidate", body.to_owned(), PATIENCE).await {
            Ok(answer) if answer.status == StatusCode::OK => return receipt(node, &answer),
            Ok(answer) if is_no_backend(answer.status) => {
                tried.push(format!("{node} is not a back end's admin port"));
            }
            Ok(answer) => return Err(Problem::new(refusal(node, answer.status, &answer.body))),
            Err(error @ ClientError::Unreachable(..)) => tried.push(error.to_string()),
            Err(error) => {
                return Err(Problem::new(format!(
                    "{error}; whether anything was invalidated is not known, so ask again"
                )));
            }
        }
    }
    Err(Problem::new(format!(
        "{}; name a back end's admin port with --admin http://HOST:PORT",
        tried.join("; ")
    )))
}

pub(super) fn is_no_backend(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
}

fn receipt(node: &AdminPort, answer: &AdminAnswer) -> Result<Receipt, Problem> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| Problem::new(format!("{node} has answered with no receipt: {error}")))
}

/// Returns the error message of a node: `{"error": "…"}`, or plain text.
pub(super) fn refusal(node: &AdminPort, status: StatusCode, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let text = match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => refusal.error,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    // Control characters could manipulate the terminal.
    let shown = text.chars().filter(|c| !c.is_control() || *c == '\n').take(4000);
    let shown: String = shown.collect();
    match shown.trim() {
        "" => format!("{node} has answered {status}"),
        shown => shown.to_owned(),
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {}", self.position)?;
        for Acknowledgement { frontend, outcome, took } in &self.acknowledgements {
            write!(f, "\n{frontend} {:.1} ms", took.as_secs_f64() * 1000.0)?;
            if *outcome == Outcome::LeaseExpired {
                f.write_str(" (no answer; its lease has run out)")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::log::{self, LogId, Position};

    fn answer(status: StatusCode, body: impl Into<Bytes>) -> AdminAnswer {
        AdminAnswer { status, body: body.into() }
    }

    fn node() -> AdminPort {
        "127.0.0.1:8300".parse().unwrap()
    }

    #[test]
    fn a_receipt_is_shown_in_plain_lines() {
        let acknowledgement = |frontend: &str, outcome, micros| Acknowledgement {
            frontend: frontend.to_owned(),
            outcome,
            took: Duration::from_micros(micros),
        };
        let sent = log::Receipt {
            log: LogId(u128::MAX),
            position: Position(42),
            acknowledgements: vec![
                acknowledgement("f1", Outcome::Acknowledged, 1234),
                acknowledgement("f2", Outcome::LeaseExpired, 2_000_000),
            ],
        };
        let body = serde_json::to_vec(&sent).unwrap();
        let shown = receipt(&node(), &answer(StatusCode::OK, body)).unwrap().to_string();
        assert_eq!(
            shown,
            "position 42\nf1 1.2 ms\nf2 2000.0 ms (no answer; its lease has run out)"
        );
    }

    #[test]
    fn a_refusal_shows_the_back_ends_message() {
        let refuse =
            |body: &'static str| refusal(&node(), StatusCode::BAD_REQUEST, body.as_bytes());
        assert_eq!(refuse("{\"error\": \"unclosed group\"}"), "unclosed group");
        assert_eq!(refuse("unclosed\u{1b}[2J group\n"), "unclosed[2J group");
        assert_eq!(refuse(""), "http://127.0.0.1:8300 has answered 400 Bad Request");
    }

    #[test]
    fn the_configured_admin_port_is_asked_before_a_clusters() {
        let shown = |config: &Config| {
            usual_nodes(config).iter().map(AdminPort::to_string).collect::<Vec<_>>()
        };
        let mut config = Config::default();
        assert_eq!(shown(&config), ["http://127.0.0.1:8200", "http://127.0.0.1:8300"]);
        config.mode = Mode::Backend;
        config.admin.listen = "0.0.0.0:9".parse().unwrap();
        assert_eq!(shown(&config), ["http://127.0.0.1:9"]);
    }

    #[tokio::test]
    async fn a_node_that_cannot_be_reached_is_named() {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = gone.local_addr().unwrap();
        drop(gone);
        let problem = ask(&[address.into()], "{}").await.unwrap_err().to_string();
        assert!(problem.starts_with(&format!("http://{address} cannot be reached")), "{problem}");
        assert!(problem.contains("--admin"), "{problem}");
    }
}
