use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// How often samples are put together.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's metrics. Everything that is counted with the `metrics` crate, by the framework or
/// by the site, is in them.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Collects the process's metrics from now on. To be called once, within a tokio runtime; another recorder that the
    /// site has installed before goes on, and these metrics stay empty.
    pub(crate) fn install() -> Metrics {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("the site records metrics itself: /metrics stays empty");
        }
        describe();
        let upkeep = handle.clone();
        // A histogram keeps every sample until it is rendered, and perhaps it never is.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Metrics(handle)
    }

    /// All of them in Prometheus's text format. `None` when the program was built without that.
    pub(super) fn render(&self) -> Option<String> {
        self.0.run_upkeep();
        Some(idle_as_nan(&self.0.render()))
    }
}

/// The text with `NaN` for the quantiles of a summary that had no sample lately, as the format wants
/// it. The exporter writes 0, which is a very good time.
///
/// Only quantiles of durations are looked at: no duration is 0, while other samples may be.
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
    describe_counter!("headwater_responses_total", "Responses, by the part the cache had in them.");
    describe_counter!("headwater_errors_total", "Responses with a status of 500 or more.");
    describe_counter!("headwater_audit_checked_total", "Cached pages compared with fresh ones.");
    describe_counter!(
        "headwater_audit_stale_total",
        "Cached pages that were not as they would have been made, though no record said so."
    );
    describe_counter!(
        "headwater_audit_unclear_total",
        "Cached pages that could not be compared with fresh ones."
    );
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
        "Contents of synchronized files that were fetched."
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
    describe_histogram!(
        "headwater_checkpoint_seconds",
        Unit::Seconds,
        "Time to write a checkpoint."
    );
    describe_counter!(
        "headwater_calls_sent_again_total",
        "Requests that were sent again to a back end, because the link broke before the answer."
    );
    describe_counter!(
        "headwater_updates_repeated_total",
        "Updates that were not made, because their request had made them before."
    );
    describe_counter!("headwater_checkpoint_failures_total", "Checkpoints that were not written.");
    describe_counter!(
        "headwater_state_hash_differences_total",
        "Hashes of the data that differed from what the log or a checkpoint says."
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
    fn quantiles_of_what_there_was_are_as_measured() {
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
