use std::fmt::Write;
use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::client::AdminPort;
use super::runtime;
use crate::config::Config;
use crate::problem::{Problem, Problems};

const PATIENCE: Duration = Duration::from_secs(5);

/// The status of a node as reported at `/status` of its admin port, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NodeStatus {
    /// The name.
    pub name: String,
    /// The mode, as in `project.toml`.
    pub mode: String,
    /// The position up to which it has applied the log.
    pub position: u64,
    /// The fraction of cache lookups that were hits, 0 to 1, since the start. `None` without a cache or a lookup.
    #[serde(default)]
    pub hit_ratio: Option<f64>,
    /// The front ends of a back end.
    #[serde(default)]
    pub members: Vec<MemberStatus>,
}

/// The status of a front end, as seen by a back end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemberStatus {
    /// The name.
    pub name: String,
    /// The position that it has acknowledged, if any.
    #[serde(default)]
    pub position: Option<u64>,
    /// The state, in a word: `serving`, `fenced`, `probation`, `cut`, `gone` or `missing`
    pub state: String,
}

/// The nodes to call.
#[derive(Debug)]
pub(super) enum Nodes {
    /// These nodes; each must answer.
    Named(Vec<AdminPort>),
    /// These nodes, as far as they are running.
    Possible(Vec<AdminPort>),
}

/// Returns a table of the nodes that answer, and problems for those that must answer and do not.
pub(super) fn run(nodes: Nodes) -> Result<(String, Problems), Problems> {
    let runtime = runtime()?;
    let (nodes, must_answer) = match nodes {
        Nodes::Named(nodes) => (nodes, true),
        Nodes::Possible(nodes) => (nodes, false),
    };
    let answers = runtime.block_on(join_all(nodes.iter().map(ask)));
    let mut problems = Problems::new();
    let mut found = Vec::new();
    for (node, answer) in nodes.iter().zip(answers) {
        match answer {
            Ok(status) => found.push((node, status)),
            Err(problem) if must_answer => problems.push(problem),
            Err(_) => {}
        }
    }
    if found.is_empty() && !must_answer {
        return Err(Problem::new(
            "no node answers at the configured admin port or where `cluster` puts nodes; name \
             admin ports with --admin http://HOST:PORT",
        )
        .into());
    }
    Ok((table(&found), problems))
}

/// Returns the likely addresses of nodes: the configured admin port, and those of a cluster with the configured HTTP
/// port.
pub(super) fn usual_nodes(config: &Config) -> Vec<AdminPort> {
    let mut nodes = vec![AdminPort::from(config.admin.listen)];
    // On another machine, trying a hundred ports would look like an attack.
    if config.http.listen.ip().is_loopback() || config.http.listen.ip().is_unspecified() {
        let first = config.http.listen.port();
        for distance in std::iter::once(300).chain(200..300) {
            let Some(port) = first.checked_add(distance) else { break };
            let mut address = config.http.listen;
            address.set_port(port);
            let node = AdminPort::from(address);
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
    }
    nodes
}

async fn ask(node: &AdminPort) -> Result<NodeStatus, Problem> {
    let answer =
        node.get("/status", PATIENCE).await.map_err(|error| Problem::new(error.to_string()))?;
    if answer.status != StatusCode::OK {
        return Err(Problem::new(format!("{node} has answered {}", answer.status)));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Problem::new(format!("{node} has answered with no status: {error}")))
}

fn table(nodes: &[(&AdminPort, NodeStatus)]) -> String {
    let mut rows = vec![["NODE", "MODE", "ADMIN", "POSITION", "HIT RATIO"].map(str::to_owned)];
    let mut members = vec![["FRONT END", "OF", "POSITION", "STATE"].map(str::to_owned)];
    for (node, status) in nodes {
        let hit_ratio = match status.hit_ratio {
            Some(ratio) => format!("{:.1} %", ratio * 100.0),
            None => "-".to_owned(),
        };
        rows.push([
            plain(&status.name),
            plain(&status.mode),
            node.to_string(),
            status.position.to_string(),
            hit_ratio,
        ]);
        for member in &status.members {
            let position = match member.position {
                Some(position) => position.to_string(),
                None => "-".to_owned(),
            };
            members.push([
                plain(&member.name),
                plain(&status.name),
                position,
                plain(&member.state),
            ]);
        }
    }
    let mut text = aligned(&rows);
    if members.len() > 1 {
        text.push('\n');
        text.push_str(&aligned(&members));
    }
    text
}

/// Returns the text without control characters, which could manipulate a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Formats the rows with aligned columns.
pub(super) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_nodes_members_positions_and_hit_ratios() {
        let backend = serde_json::from_str(
            r#"{"name": "b1", "mode": "backend", "position": 42, "uptime": 3,
                "members": [{"name": "f1", "position": 41, "state": "connected"},
                            {"name": "f2", "state": "missing"}]}"#,
        )
        .unwrap();
        let frontend = serde_json::from_str(
            r#"{"name": "f1", "mode": "frontend", "position": 41, "hit_ratio": 0.9312}"#,
        )
        .unwrap();
        let nodes: [AdminPort; 2] =
            ["127.0.0.1:8300", "127.0.0.1:8200"].map(|n| n.parse().unwrap());
        let expected = "\
NODE  MODE      ADMIN                  POSITION  HIT RATIO
b1    backend   http://127.0.0.1:8300  42        -
f1    frontend  http://127.0.0.1:8200  41        93.1 %

FRONT END  OF  POSITION  STATE
f1         b1  41        connected
f2         b1  -         missing
";
        assert_eq!(table(&[(&nodes[0], backend), (&nodes[1], frontend)]), expected);
    }

    #[test]
    fn a_clusters_ports_are_tried_on_this_machine_only() {
        let mut config = Config::default();
        let shown: Vec<String> = usual_nodes(&config).iter().map(AdminPort::to_string).collect();
        assert_eq!(shown.len(), 101);
        assert_eq!(shown[..2], ["http://127.0.0.1:8200", "http://127.0.0.1:8300"]);
        assert_eq!(shown[100], "http://127.0.0.1:8299");
        config.http.listen = "10.0.0.1:80".parse().unwrap();
        assert_eq!(usual_nodes(&config).len(), 1);
    }
}
