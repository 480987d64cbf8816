//! The results of a walk.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of reads, and of pages that were stale or made again without need.
#[derive(Debug, Default)]
pub struct Tally {
    /// The number of answered changes.
    pub changes: usize,
    /// The number of changes, or groups of concurrent changes, after which pages were stale.
    pub staling: usize,
    /// The number of pages read.
    pub reads: usize,
    /// The number of reads that were answered from the cache.
    pub hits: usize,
    /// The number of reads that differed from a fresh copy.
    pub stale: usize,
    /// The number of cached pages that were made again after a single change.
    pub remade: usize,
    /// The number of those that had not changed.
    pub wasted: usize,
    /// The kinds of change and page with stale pages, each with a count and the first example.
    pub found: BTreeMap<(&'static str, &'static str), (usize, String)>,
    /// The kinds of change and page with pages that were made again without need, each with a count.
    pub in_vain: BTreeMap<(&'static str, &'static str), usize>,
}

impl Tally {
    /// Returns how many times a page became stale.
    pub fn became_stale(&self) -> usize {
        self.found.values().map(|(count, _)| count).sum()
    }

    /// Returns the percentage of pages made again that had not changed.
    pub fn waste(&self) -> f64 {
        100.0 * self.wasted as f64 / self.remade.max(1) as f64
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { changes, staling, reads, hits, stale, remade, wasted, .. } = self;
        writeln!(f, "{reads} reads ({hits} hits) after {changes} changes")?;
        writeln!(f, "{stale} stale reads; {staling} changes left stale pages")?;
        for ((change, page), (count, example)) in &self.found {
            writeln!(f, "  {count} × {page} after: {change}, as in {example}")?;
        }
        let percent = self.waste();
        writeln!(
            f,
            "{remade} cached pages made again after one change, {wasted} of them without need ({percent:.1} %)"
        )?;
        for ((change, page), count) in &self.in_vain {
            writeln!(f, "  {count} × {page} after: {change}")?;
        }
        Ok(())
    }
}
