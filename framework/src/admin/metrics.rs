use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// The interval at which samples are aggregated.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's metrics: all that the framework and the site record with the `metrics` crate.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder of the process's metrics. It must be called once, within a tokio runtime. If the site has
    /// installed another recorder before, that one stays and these metrics remain empty.
    pub(crate) fn install() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("the site records metrics itself: /metrics stays empty");
        }
        describe();
        let upkeep = handle.clone();
        // A histogram keeps every sample until the next rendering, which may never happen.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Metrics(handle)
    }

    /// Renders all metrics in Prometheus's text format. Returns `None` in a program without the feature.
    pub(super) fn render(&self) -> Option<String> {
        self.0.run_upkeep();
        Some(idle_as_nan(&self.0.render()))
    }
}

/// Replaces the quantiles of a summary without recent samples by `NaN`, as the format requires. The exporter writes 0,
/// which reads like an excellent duration.
///
/// Only quantiles of durations are replaced: no duration is 0, while other samples may be.
fn idle_as_nan(text: &str) -> String {
    let is_idle = |line: &str| {
        let series = line.strip_suffix(" 0").and_then(|series| series.split_once('{'));
        series.is_some_and(|(name, labels)| {
            name.ends_with("_seconds") && labels.contains("quantile=\"")
        })
    };
    let lines = text.split_inclusive('\n').map(|line| match line.strip_suffix('\n') {
        Some(whole) if is_idle(whole) => format!("{}NaN\n", &whole[..whole.len() - 1]),
        _ => line.to_owned(),
    });
    lines.collect()
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!("headwater_responses_total", "Responses, by what the cache contributed.");
    describe_counter!("headwater_errors_total", "Responses with a status of 500 or more.");
    describe_counter!("headwater_audit_checked_total", "Cached pages compared with fresh ones.");
    describe_counter!(
        "headwater_audit_stale_total",
        "Cached pages that differed from fresh ones although no record had invalidated them."
    );
    describe_counter!(
        "headwater_audit_unclear_total",
        "Cached pages that could not be compared with fresh ones."
    );
    describe_counter!("headwater_fills_total", "Entries stored in the cache.");
    describe_counter!(
        "headwater_fragments_total",
        "Fragments in rendered pages, by whether they were cached or evaluated."
    );
    describe_counter!("headwater_reloads_total", "Reloads of changed files, by outcome.");
    describe_gauge!("headwater_edition", "Number of times the site's files were loaded.");
    describe_gauge!("headwater_cache_entries", "Entries in the cache.");
    describe_gauge!("headwater_cache_bytes", Unit::Bytes, "Memory used by entries.");
    describe_gauge!("headwater_cache_groups", "Groups that are remembered.");
    describe_gauge!("headwater_cache_patterns", "Patterns that are outstanding.");
    describe_gauge!(
        "headwater_docroot_contents",
        "Contents of synchronized files, by whether they are on this node."
    );
    describe_counter!(
        "headwater_docroot_fetched_bytes_total",
        Unit::Bytes,
        "Contents of synchronized files that were fetched."
    );
    describe_gauge!("headwater_applied_position", "Position up to which the log has been applied.");
    describe_gauge!("headwater_lease_held", "1 while the cache may be served from.");
    describe_gauge!("headwater_members", "Front ends, by health.");
    describe_histogram!(
        "headwater_receipt_seconds",
        Unit::Seconds,
        "Time from a record's visibility to feeds until every front end has acknowledged it."
    );
    describe_histogram!(
        "headwater_log_commit_seconds",
        Unit::Seconds,
        "Time to write a transaction of the log and sync it."
    );
    describe_counter!("headwater_log_records_total", "Records appended to the log.");
    describe_histogram!(
        "headwater_checkpoint_seconds",
        Unit::Seconds,
        "Time to write a checkpoint."
    );
    describe_counter!(
        "headwater_calls_sent_again_total",
        "Requests that were sent again to a back end because the link broke before the answer."
    );
    describe_counter!(
        "headwater_updates_repeated_total",
        "Updates that were skipped because an earlier copy of their request had made them."
    );
    describe_counter!("headwater_checkpoint_failures_total", "Checkpoints that were not written.");
    describe_counter!(
        "headwater_state_hash_differences_total",
        "Hashes of the data that differed from those in the log or a checkpoint."
    );
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn quantiles_of_a_summary_without_samples_are_not_a_number() {
        let builder = PrometheusBuilder::new().set_bucket_duration(Duration::from_millis(1));
        let recorder = builder.unwrap().build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("wait_seconds", "at" => "the { quantile=\"0\"} gate").record(0.25);
            metrics::histogram!("baskets").record(0.0);
            metrics::counter!("idle_seconds", "of" => "all").absolute(0);
        });
        let start = Instant::now();
        let text = loop {
            let text = metrics.render().unwrap();
            if text.contains("quantile=\"0.99\"} NaN") {
                break text;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{text}");
            std::thread::yield_now();
        };
        let of_waits = |line: &&str| line.starts_with("wait_seconds{") && line.ends_with(" NaN");
        assert_eq!(text.lines().filter(of_waits).count(), 7, "{text}");
        assert_eq!(text.matches("NaN").count(), 7, "{text}");
        assert!(text.contains("wait_seconds_count{") && text.contains("} 1\n"), "{text}");
        assert!(text.contains("baskets{quantile=\"0.5\"} 0\n"), "{text}");
        assert!(text.contains("idle_seconds{of=\"all\"} 0\n"), "{text}");
    }

    #[test]
    fn the_guide_lists_the_metrics_that_are_described() {
        let names = |expression: &str, text: &str| -> std::collections::BTreeSet<String> {
            let expression = regex::Regex::new(expression).unwrap();
            expression.captures_iter(text).map(|found| found[1].to_owned()).collect()
        };
        let guide = include_str!("../../../docs/guide/cluster.md");
        let rows = guide.lines().filter(|line| line.starts_with("| `headwater_"));
        let listed = names(r"\b(headwater_\w+)", &rows.collect::<Vec<_>>().join("\n"));
        let described = names(r#"describe_\w+!\(\s*"(\w+)""#, include_str!("metrics.rs"));
        assert_eq!(listed, described);
    }

    #[test]
    fn quantiles_of_recent_samples_are_as_measured() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("wait_seconds").record(0.25);
        });
        let text = metrics.render().unwrap();
        assert!(text.contains("wait_seconds{quantile=\"0\"} 0.25"), "{text}");
        assert!(!text.contains("NaN"), "{text}");
    }
}
