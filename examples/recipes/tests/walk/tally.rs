//! What a walk has found.

use std::collections::BTreeMap;
use std::fmt;

/// Counts of reads, and of pages that were stale or made anew in vain.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many changes were answered.
    pub changes: usize,
    /// How many times pages were stale after a change, or after several at once.
    pub staling: usize,
    /// How many pages were read.
    pub reads: usize,
    /// How many of them came from the cache.
    pub hits: usize,
    /// How many of them differed from a fresh copy.
    pub stale: usize,
    /// How many pages that had been kept were made anew after a single change.
    pub remade: usize,
    /// How many of those were the same again.
    pub wasted: usize,
    /// The kinds of change and page of which a page became stale, with how often, and the first example.
    pub found: BTreeMap<(&'static str, &'static str), (usize, String)>,
    /// The kinds of change and page that were made anew in vain, with how often.
    pub in_vain: BTreeMap<(&'static str, &'static str), usize>,
}

impl Tally {
    /// How many times a page became stale.
    pub fn became_stale(&self) -> usize {
        self.found.values().map(|(count, _)| count).sum()
    }

    /// The part of the kept pages made anew that were the same again, in percent.
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
            "{remade} kept pages made anew after one change, {wasted} of them in vain ({percent:.1} %)"
        )?;
        for ((change, page), count) in &self.in_vain {
            writeln!(f, "  {count} × {page} after: {change}")?;
        }
        Ok(())
    }
}
