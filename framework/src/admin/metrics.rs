use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// How often samples are put together.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's metrics. Everything that is counted with the `metrics` crate, by the framework or
/// by the site, is in them.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects the process's metrics from now on. To be called once, within a tokio runtime; another recorder that the
    /// site has installed before goes on, and these metrics stay empty.
    pub fn install() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("the site records metrics itself: /metrics stays empty");
        }
        describe();
        let upkeep = handle.clone();
        // A histogram keeps every sample until somebody looks, and perhaps nobody does.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Metrics(handle)
    }

    pub(super) fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("headwater_responses_total", "Responses, by the part the cache had in them.");
    describe_counter!("headwater_errors_total", "Responses with a status of 500 or more.");
    describe_counter!("headwater_fills_total", "Entries stored in the cache.");
    describe_counter!(
        "headwater_fragments_total",
        "Fragments in pages that were made, by whether they were found or evaluated."
    );
    describe_counter!("headwater_reloads_total", "Loads of changed files, by how they ended.");
    describe_gauge!("headwater_edition", "How often the site's files were loaded.");
    describe_gauge!("headwater_cache_entries", "Entries in the cache.");
    describe_gauge!("headwater_cache_bytes", Unit::Bytes, "Memory that entries take.");
    describe_gauge!("headwater_cache_groups", "Groups that are remembered.");
    describe_gauge!("headwater_cache_patterns", "Patterns that are outstanding.");
    describe_gauge!(
        "headwater_docroot_contents",
        "Contents of synchronized files, by whether they are here."
    );
    describe_counter!(
        "headwater_docroot_fetched_bytes_total",
        Unit::Bytes,
        "What was fetched of contents of synchronized files."
    );
    describe_gauge!("headwater_applied_position", "Up to where the log was applied here.");
    describe_gauge!("headwater_lease_held", "1 while the cache may be served from.");
    describe_gauge!("headwater_members", "Front ends, by health.");
    describe_histogram!(
        "headwater_receipt_seconds",
        Unit::Seconds,
        "From visible to feeds to acknowledged by every front end."
    );
    describe_histogram!(
        "headwater_log_commit_seconds",
        Unit::Seconds,
        "Time to write a transaction of the log and sync it."
    );
    describe_counter!("headwater_log_records_total", "Records appended to the log.");
}
