//! The status of a node, for its admin port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::reload::Reloader;
use crate::admin::{Auditing, Checkpointing, Invalidating, Node, Reading, Reloading};
use crate::backend::{Backend, Health};
use crate::checkpoint::ReplacedRecords;
use crate::clock;
use crate::config::Mode;
use crate::frontend::FrontEnd;
use crate::log::{Invalidation, Position};
use crate::problem::Problem;

/// The time limit of an audit that an operator requests.
const LONGEST_AUDIT: Duration = Duration::from_secs(60);

/// A node with the modules that it runs.
pub(super) struct NodeReport {
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) frontend: Option<Arc<FrontEnd>>,
    pub(super) backend: Option<Arc<Backend>>,
    pub(super) reloader: Arc<Reloader>,
    /// Whether it is stopping and should receive no more requests.
    pub(super) stopping: AtomicBool,
}

impl Node for NodeReport {
    fn ready(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err("the node is stopping".to_owned());
        }
        if let Some(reason) = self.backend.as_ref().and_then(|backend| backend.halted()) {
            return Err(reason);
        }
        match (&self.frontend, &self.backend) {
            // A single node keeps serving when its log cannot be written.
            (Some(frontend), _) => frontend.ready(),
            (None, Some(backend)) => backend.ready(),
            (None, None) => Ok(()),
        }
    }

    fn status(&self) -> Value {
        let mut status = json!({ "name": self.name, "mode": self.mode.as_str(), "position": 0 });
        if let Some(frontend) = &self.frontend {
            let counts = frontend.counts();
            let looked_up = counts.hits + counts.misses > 0;
            status["position"] = json!(frontend.cache().position().map_or(0, |at| at.as_of.0));
            status["hit_ratio"] = json!(looked_up.then_some(counts.hit_ratio));
            status["responses"] = json!(counts);
            status["audit"] = json!(frontend.audit_counts());
            status["lease"] = json!(frontend.cache().holds_lease(clock::now()));
            let problems = frontend.problems();
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            status["edition"] =
                json!({ "number": frontend.edition_number(), "problems": problems });
            let usage = frontend.cache().usage();
            status["cache"] = json!({
                "entries": usage.entries,
                "bytes": usage.bytes,
                "groups": usage.groups,
                "patterns": usage.patterns,
            });
            let files = frontend.docroot().figures();
            status["docroot"] = json!({
                "files": files.files,
                "held": files.held,
                "missing": files.missing,
                "failing": files.failing,
                "fetched_bytes": frontend.docroot().fetched_bytes(),
            });
            let link = frontend.link().status();
            let backends = link.backends.iter().map(|backend| {
                json!({
                    "address": backend.address,
                    "name": backend.name,
                    "connected": backend.connected,
                    "followed": backend.followed,
                    "last_error": backend.last_error,
                    "calls_in_flight": backend.calls_in_flight,
                })
            });
            status["backends"] = backends.collect();
        }
        if let Some(backend) = &self.backend {
            let report = backend.report();
            status["position"] = json!(report.applied.0);
            status["log"] = json!(report.log);
            status["log_trouble"] = json!(backend.ready().err());
            let members = report.members.iter().map(|member| {
                json!({
                    "name": member.name,
                    "state": member.health,
                    "position": (member.acknowledged.0 > 0).then_some(member.acknowledged),
                    "incarnation": format!("{:016x}", member.incarnation),
                })
            });
            status["members"] = members.collect();
        }
        status
    }

    fn publish(&self) {
        if let Some(frontend) = &self.frontend {
            publish_frontend(frontend);
        }
        if let Some(backend) = &self.backend {
            publish_backend(backend);
        }
    }

    fn reload(&self) -> Reloading<'_> {
        Box::pin(self.reloader.reload())
    }

    fn audit(&self) -> Option<Auditing<'_>> {
        let frontend = self.frontend.as_ref()?;
        Some(Box::pin(async move {
            let audit = frontend.audit(Some(clock::now().after(LONGEST_AUDIT))).await;
            json!(audit)
        }))
    }

    fn checkpoint(&self, records: ReplacedRecords) -> Option<Checkpointing<'_>> {
        let backend = self.backend.as_ref()?;
        Some(Box::pin(async move { Ok(json!(backend.checkpoint(records).await?)) }))
    }

    fn log(&self, after: Option<Position>, follow: bool) -> Option<Reading<'_>> {
        let backend = self.backend.as_ref()?;
        Some(Box::pin(backend.record_lines(after, follow)))
    }

    fn invalidate(&self, invalidation: Invalidation) -> Option<Invalidating<'_>> {
        let backend = self.backend.as_ref()?;
        Some(Box::pin(backend.invalidate(invalidation)))
    }
}

fn publish_frontend(frontend: &FrontEnd) {
    use metrics::{counter, gauge};
    let counts = frontend.counts();
    let outcomes = [
        ("hit", counts.hits),
        ("miss", counts.misses),
        ("bypass", counts.bypasses),
        ("stale", counts.stale),
    ];
    for (cache, count) in outcomes {
        counter!("headwater_responses_total", "cache" => cache).absolute(count);
    }
    counter!("headwater_errors_total").absolute(counts.errors);
    let audited = frontend.audit_counts();
    counter!("headwater_audit_checked_total").absolute(audited.checked);
    counter!("headwater_audit_stale_total").absolute(audited.stale);
    counter!("headwater_audit_unclear_total").absolute(audited.unclear);
    counter!("headwater_fills_total").absolute(counts.fills);
    for (cache, count) in [("hit", counts.fragment_hits), ("miss", counts.fragment_misses)] {
        counter!("headwater_fragments_total", "cache" => cache).absolute(count);
    }
    gauge!("headwater_edition").set(frontend.edition_number() as f64);
    let cache = frontend.cache();
    let usage = cache.usage();
    gauge!("headwater_cache_entries").set(usage.entries as f64);
    gauge!("headwater_cache_bytes").set(usage.bytes as f64);
    gauge!("headwater_cache_groups").set(usage.groups as f64);
    gauge!("headwater_cache_patterns").set(usage.patterns as f64);
    let files = frontend.docroot().figures();
    for (state, count) in [("held", files.held), ("missing", files.missing)] {
        gauge!("headwater_docroot_contents", "state" => state).set(count as f64);
    }
    counter!("headwater_docroot_fetched_bytes_total").absolute(frontend.docroot().fetched_bytes());
    let held = cache.holds_lease(clock::now());
    gauge!("headwater_lease_held").set(if held { 1.0 } else { 0.0 });
    if let Some(position) = cache.position() {
        gauge!("headwater_applied_position").set(position.as_of.0 as f64);
    }
}

fn publish_backend(backend: &Backend) {
    use metrics::gauge;
    let report = backend.report();
    gauge!("headwater_applied_position").set(report.applied.0 as f64);
    let all = [
        ("serving", Health::Serving),
        ("fenced", Health::Fenced),
        ("probation", Health::Probation),
        ("cut", Health::Cut),
        ("gone", Health::Gone),
        ("missing", Health::Missing),
    ];
    for (name, health) in all {
        let members = report.members.iter().filter(|member| member.health == health).count();
        gauge!("headwater_members", "health" => name).set(members as f64);
    }
}
