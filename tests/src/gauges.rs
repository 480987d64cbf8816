use serde_json::Value;

use crate::{Node, Response};

impl Node {
    /// Returns the answer of `/status`.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn status(&self) -> Value {
        self.operator().page("/status").await.json()
    }

    /// Returns the number of the current edition.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn edition(&self) -> u64 {
        self.status().await["edition"]["number"].as_u64().expect("a front end has an edition")
    }

    /// Returns one of the node's metrics by its name and labels; 0 when there is no such metric.
    ///
    /// # Panics
    /// When the node does not answer.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.operator().page("/metrics").await;
        let line =
            metrics.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a metric is a number"))
    }

    /// Returns the process's peak memory since [`Node::forget_peak_memory`], in bytes.
    ///
    /// # Panics
    /// Where there is no `/proc`, or the process has ended.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the process runs");
        let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = kibibytes.and_then(|line| line.trim().strip_suffix(" kB"));
        let kibibytes = kibibytes.and_then(|number| number.trim().parse::<u64>().ok());
        kibibytes.expect("Linux tells a process's peak of memory") << 10
    }

    /// Resets [`Node::peak_memory`].
    ///
    /// # Panics
    /// Where there is no `/proc`, or the process has ended.
    pub fn forget_peak_memory(&self) {
        let forgotten = std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5");
        forgotten.expect("a process's peak of memory can be reset");
    }
}

impl Response {
    /// Parses the body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        let body = self.text();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body}"))
    }
}
