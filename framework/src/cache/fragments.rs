use std::sync::Arc;

use super::key::Key;
use super::store::Cache;
use super::validity::Origin;
use crate::clock::Moment;
use crate::pieces::Fragment;

impl Cache {
    /// The fragment of this key, if it may be used, and from when it counts as being: what holds it
    /// must not say that it is younger. `now` must have been read after the request was.
    ///
    /// A fragment that is valid now is as good as one that was made at the position that is applied,
    /// because no record up to there invalidates it. That position is read *before* the fragment is
    /// looked at, so that a record that comes in between is later than it. Its own `as_of` would be
    /// right too, but what holds it would be dead on arrival if one of its own groups was
    /// invalidated since, for as long as the fragment lives.
    pub fn fragment(
        &self,
        key: &Key<'_>,
        persistent: bool,
        now: Moment,
    ) -> Option<(Arc<Fragment>, Origin)> {
        // As for pages, the lease comes first.
        if !self.holds_lease(now) {
            return None;
        }
        let ledger = self.ledger.load();
        let ledger = ledger.as_ref()?;
        let origin = Origin { log: ledger.log, as_of: ledger.applied() };
        let entry = self.entries(persistent).get(key.as_str())?;
        let usable = entry.past_end(entry.verdict(ledger), now).is_none();
        let fragment = entry.fragment().filter(|_| usable)?;
        Some((Arc::clone(fragment), origin))
    }
}
