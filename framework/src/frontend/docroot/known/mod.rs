use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::Moment;
use crate::docroot::{FileEntry, Manifest};
use crate::link::Holdings;
use crate::log::{ContentId, FileChange, Position};

/// The pause between two attempts to fetch a content that cannot be stored, or that the back end does not have: it
/// starts with the shortest and doubles after each failure, up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause while a request waits for the content.
const URGENT_PAUSE: Duration = Duration::from_secs(1);

/// The longest reported failure, in characters.
const LONGEST_FAILURE: usize = 500;

/// The reliability of the manifest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Trust {
    /// The log has not been followed yet.
    #[default]
    Unknown,
    /// It is complete up to the applied position.
    Whole,
    /// A record could not be decoded, so the manifest may lack something.
    Torn,
}

/// The log's files as known to a front end, and their contents that it lacks.
#[derive(Debug, Default)]
pub(super) struct KnownFiles {
    manifest: Manifest,
    trust: Trust,
    contents: HashMap<ContentId, KnownContent>,
    /// The contents that are not stored here, by their latest record: the latest is fetched first, because a request
    /// may be waiting for it.
    missing: BTreeSet<(Position, ContentId)>,
    /// The contents that requests wait for and that are not stored here.
    urgent: BTreeSet<ContentId>,
    /// The number of entries of each record whose contents are not stored here.
    lacking: BTreeMap<Position, u32>,
}

/// A content that is referenced, awaited or being fetched.
#[derive(Debug, Default)]
struct KnownContent {
    /// The records of the entries that refer to it, with the number of entries of each.
    records: BTreeMap<Position, u32>,
    /// The number of requests that wait for it.
    waiting: u32,
    is_here: bool,
    is_fetched: bool,
    /// The reason why the last attempt failed.
    failure: Option<MissingReason>,
    attempts: u32,
    /// No further attempt is made before this.
    pause: Option<Moment>,
}

/// The reason why a content is not stored here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MissingReason {
    /// This front end cannot store it.
    Unstorable(String),
    /// No back end has it.
    Absent(String),
}

impl MissingReason {
    fn shortened(self) -> MissingReason {
        let shorten = |reason: String| reason.chars().take(LONGEST_FAILURE).collect();
        match self {
            MissingReason::Unstorable(reason) => MissingReason::Unstorable(shorten(reason)),
            MissingReason::Absent(reason) => MissingReason::Absent(shorten(reason)),
        }
    }
}

/// The numbers of files and contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Files that the log has put into the docroot.
    pub files: usize,
    /// Their contents that are stored here.
    pub held: usize,
    /// Their contents that are not stored here yet.
    pub missing: usize,
    /// The missing contents that cannot be stored or obtained.
    pub failing: usize,
}

impl KnownFiles {
    /// Replaces everything with a new manifest. `is_here` returns whether a content is stored.
    pub(super) fn begin(&mut self, manifest: Manifest, is_here: impl Fn(ContentId) -> bool) {
        let waiting = std::mem::take(&mut self.contents);
        *self = KnownFiles { trust: Trust::Whole, ..KnownFiles::default() };
        // Waiting requests and transfers continue, whatever the new manifest contains.
        for (content, former) in waiting {
            if former.waiting > 0 || former.is_fetched {
                self.contents.insert(content, KnownContent { records: BTreeMap::new(), ..former });
            }
        }
        for (_, entry) in manifest.iter() {
            self.refer(entry, &is_here);
        }
        self.manifest = manifest;
        for (content, state) in &self.contents {
            if state.waiting > 0 && !state.is_here {
                self.urgent.insert(*content);
            }
        }
    }

    /// Applies a record's change of a file.
    pub(super) fn apply(
        &mut self,
        position: Position,
        change: &FileChange,
        is_here: impl Fn(ContentId) -> bool,
    ) {
        let Ok(former) = self.manifest.apply(position, change) else { return };
        self.refer(FileEntry { position, content: change.content }, &is_here);
        if let Some(former) = former {
            self.drop_reference(former);
        }
    }

    /// Marks the manifest as unreliable, because a record could not be decoded.
    pub(super) fn distrust(&mut self) {
        self.trust = Trust::Torn;
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Marks a content as stored.
    pub(super) fn arrived(&mut self, content: ContentId) {
        self.set_here(content, true);
    }

    /// Marks a content as no longer stored.
    pub(super) fn lost(&mut self, content: ContentId) {
        self.set_here(content, false);
    }

    /// Registers a request that waits for the content, until [`KnownFiles::unwant`].
    pub(super) fn want(&mut self, content: ContentId, is_here: bool, now: Moment) {
        self.change(content, |state| {
            state.waiting += 1;
            state.is_here |= is_here;
            state.pause = state.pause.map(|pause| pause.min(now.after(URGENT_PAUSE)));
        });
    }

    pub(super) fn unwant(&mut self, content: ContentId) {
        let Some(state) = self.contents.get_mut(&content) else { return };
        state.waiting = state.waiting.saturating_sub(1);
        if state.waiting == 0 {
            self.urgent.remove(&content);
        }
        self.tidy(content);
    }

    /// Returns the next content to fetch, and reserves it until [`KnownFiles::fetched`]: first the contents that
    /// requests wait for, then the latest in the log.
    pub(super) fn next(&mut self, urgent_only: bool, now: Moment) -> Option<ContentId> {
        let due = |content: &ContentId| {
            let state = self.contents.get(content);
            let due = |state: &KnownContent| state.pause.is_none_or(|pause| pause <= now);
            state.is_some_and(|state| !state.is_fetched && due(state))
        };
        let urgent = self.urgent.iter().copied().find(&due);
        let next = urgent.or_else(|| {
            let mut missing = self.missing.iter().rev().map(|(_, content)| *content);
            if urgent_only { None } else { missing.find(due) }
        })?;
        self.contents.get_mut(&next)?.is_fetched = true;
        Some(next)
    }

    /// Ends an attempt that [`KnownFiles::next`] began. `failure` is the reason why the content cannot be obtained or
    /// stored; without one the attempt was interrupted and permits no conclusion.
    pub(super) fn fetched(
        &mut self,
        content: ContentId,
        failure: Option<MissingReason>,
        now: Moment,
    ) {
        let Some(state) = self.contents.get_mut(&content) else { return };
        state.is_fetched = false;
        if let Some(failure) = failure {
            let doubled = SHORTEST_PAUSE.saturating_mul(1 << state.attempts.min(16));
            let pause = if state.waiting > 0 { doubled.min(URGENT_PAUSE) } else { doubled };
            state.pause = Some(now.after(pause.min(LONGEST_PAUSE)));
            state.attempts += 1;
            state.failure = Some(failure.shortened());
        }
        self.tidy(content);
    }

    /// Returns the number of consecutive failures to obtain or store the content.
    pub(super) fn failures(&self, content: ContentId) -> u32 {
        self.contents.get(&content).map_or(0, |state| state.attempts)
    }

    /// Returns whether the content is still needed and not stored.
    pub(super) fn is_wanted(&self, content: ContentId) -> bool {
        let wanted = |state: &KnownContent| !state.records.is_empty() || state.waiting > 0;
        self.contents.get(&content).is_some_and(|state| !state.is_here && wanted(state))
    }

    /// Returns the earliest time of an attempt that is postponed because the last one failed.
    pub(super) fn next_attempt(&self, urgent_only: bool) -> Option<Moment> {
        let missing = self.missing.iter().map(|(_, content)| content).filter(|_| !urgent_only);
        let states = missing.chain(&self.urgent).filter_map(|content| self.contents.get(content));
        states.filter(|state| !state.is_fetched).filter_map(|state| state.pause).min()
    }

    /// Returns whether the manifest is complete, and all contents are stored that can be obtained.
    pub(super) fn is_whole(&self) -> bool {
        self.trust == Trust::Whole
            && self.missing.iter().all(|(_, content)| self.has_failed(content))
    }

    /// Returns the contents that are not stored here, for the back end.
    pub(super) fn holdings(&self) -> Holdings {
        let mut lacking: Vec<Position> =
            self.lacking.keys().rev().copied().take(Holdings::NAMED + 1).collect();
        // The report makes no claim about records beyond those that it lists.
        let unnamed = lacking.len() > Holdings::NAMED;
        let after = match (self.trust, unnamed.then(|| lacking.pop()).flatten()) {
            (Trust::Torn, _) => Position(u64::MAX),
            (_, Some(first)) => first,
            (_, None) => Position::START,
        };
        let mut failing = Vec::new();
        for (youngest, content) in self.missing.iter().rev() {
            if failing.len() >= Holdings::FAILURES || *youngest <= after {
                break;
            }
            let Some(state) = self.contents.get(content) else { continue };
            let Some(MissingReason::Unstorable(failure)) = &state.failure else { continue };
            let records = state.records.keys().rev();
            failing.extend(records.map(|position| (*position, failure.clone())));
        }
        failing.truncate(Holdings::FAILURES);
        Holdings { after, lacking, failing }
    }

    pub(super) fn figures(&self) -> Figures {
        let referred = self.contents.values().filter(|state| !state.records.is_empty());
        let failing = self.missing.iter().filter(|(_, content)| self.has_failed(content));
        Figures {
            files: self.manifest.iter().filter(|(_, entry)| entry.content.is_some()).count(),
            held: referred.filter(|state| state.is_here).count(),
            missing: self.missing.len(),
            failing: failing.count(),
        }
    }

    /// Returns the reason why a content of the log's files cannot be stored here, if there is such a content.
    pub(super) fn unstorable(&self) -> Option<&str> {
        self.missing.iter().find_map(|(_, content)| match &self.contents.get(content)?.failure {
            Some(MissingReason::Unstorable(reason)) => Some(reason.as_str()),
            _ => None,
        })
    }

    fn has_failed(&self, content: &ContentId) -> bool {
        self.contents.get(content).is_some_and(|state| state.failure.is_some())
    }

    fn refer(&mut self, entry: FileEntry, is_here: &impl Fn(ContentId) -> bool) {
        let Some(content) = entry.content else { return };
        let here = is_here(content);
        self.change(content, |state| {
            state.is_here |= here;
            *state.records.entry(entry.position).or_default() += 1;
        });
    }

    fn drop_reference(&mut self, entry: FileEntry) {
        let Some(content) = entry.content else { return };
        self.change(content, |state| {
            if let Entry::Occupied(mut count) = state.records.entry(entry.position) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        });
        self.tidy(content);
    }

    fn set_here(&mut self, content: ContentId, is_here: bool) {
        self.change(content, |state| {
            state.is_here = is_here;
            if is_here {
                (state.failure, state.attempts, state.pause) = (None, 0, None);
            }
        });
        self.tidy(content);
    }

    /// Changes the state of a content, and updates everything derived from it.
    fn change(&mut self, content: ContentId, change: impl FnOnce(&mut KnownContent)) {
        let state = self.contents.entry(content).or_default();
        if !state.is_here {
            for (position, count) in &state.records {
                if let Entry::Occupied(mut lacking) = self.lacking.entry(*position) {
                    *lacking.get_mut() -= count;
                    if *lacking.get() == 0 {
                        lacking.remove();
                    }
                }
            }
            if let Some((youngest, _)) = state.records.last_key_value() {
                self.missing.remove(&(*youngest, content));
            }
        }
        change(state);
        if state.is_here {
            self.urgent.remove(&content);
        } else {
            for (position, count) in &state.records {
                *self.lacking.entry(*position).or_default() += count;
            }
            if let Some((youngest, _)) = state.records.last_key_value() {
                self.missing.insert((*youngest, content));
            }
            if state.waiting > 0 {
                self.urgent.insert(content);
            }
        }
    }

    /// Drops a content that is not referenced, awaited or being fetched.
    fn tidy(&mut self, content: ContentId) {
        let unneeded = |state: &KnownContent| {
            state.records.is_empty() && state.waiting == 0 && !state.is_fetched
        };
        if self.contents.get(&content).is_some_and(unneeded) {
            self.contents.remove(&content);
        }
    }
}

#[cfg(test)]
mod tests;
