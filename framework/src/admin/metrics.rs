use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The process's metrics. Everything that is counted with the `metrics` crate, by the framework or
/// by the site, is in them.
#[derive(Debug, Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects the process's metrics from now on. To be called once; another recorder that the
    /// site has installed before goes on, and these metrics stay empty.
    pub fn install() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("the site records metrics itself: /metrics stays empty");
        }
        describe();
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
    describe_gauge!("headwater_cache_entries", "Entries in the cache.");
    describe_gauge!("headwater_cache_bytes", Unit::Bytes, "Memory that entries take.");
    describe_gauge!("headwater_cache_groups", "Groups that are remembered.");
    describe_gauge!("headwater_cache_patterns", "Patterns that are outstanding.");
    describe_gauge!("headwater_applied_position", "Up to where the log was applied here.");
    describe_gauge!("headwater_lease_held", "1 while the cache may be served from.");
    describe_gauge!("headwater_members", "Front ends, by health.");
    describe_histogram!(
        "headwater_receipt_seconds",
        Unit::Seconds,
        "From durable to acknowledged by every front end."
    );
}
