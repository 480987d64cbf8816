use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::Moment;
use crate::docroot::{FileEntry, Manifest};
use crate::link::Holdings;
use crate::log::{ContentId, FileChange, Position};

/// The time between two attempts to fetch a content that cannot be stored, or that the back end does
/// not have: from this, twice as long after each failure, up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// While a request waits for it, no longer than this.
const URGENT_PAUSE: Duration = Duration::from_secs(1);

/// How much of a failure is reported, in characters.
const LONGEST_FAILURE: usize = 500;

/// How far the manifest can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Trust {
    /// The log has not been followed yet.
    #[default]
    Unknown,
    /// It is what the log says up to the position that was applied.
    Whole,
    /// A record could not be read: it may lack something.
    Torn,
}

/// What a front end knows of the log's files, and which of their contents it lacks.
#[derive(Debug, Default)]
pub(super) struct KnownFiles {
    manifest: Manifest,
    trust: Trust,
    contents: HashMap<ContentId, KnownContent>,
    /// What is not here, by the youngest record that it belongs to: that is fetched first, because
    /// a request may wait for it.
    missing: BTreeSet<(Position, ContentId)>,
    /// What requests wait for, and is not here.
    urgent: BTreeSet<ContentId>,
    /// How many entries of a record lack their contents.
    lacking: BTreeMap<Position, u32>,
}

/// A content that is referred to.
#[derive(Debug, Default)]
struct KnownContent {
    /// The records of the entries that refer to it, and how many entries of each.
    records: BTreeMap<Position, u32>,
    /// How many requests wait for it.
    waiting: u32,
    is_here: bool,
    is_fetched: bool,
    /// Why it is not here after the last attempt.
    failure: Option<MissingReason>,
    attempts: u32,
    /// No further attempt is made before this.
    pause: Option<Moment>,
}

/// Why a content is not here.
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

/// How many files there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Files that the log has put into the docroot.
    pub files: usize,
    /// Contents of theirs that are here.
    pub held: usize,
    /// Contents of theirs that are not here yet.
    pub missing: usize,
    /// Those of the missing that cannot be stored, or not be had.
    pub failing: usize,
}

impl KnownFiles {
    /// Forgets everything and begins with a manifest. `is_here` says of a content whether it is stored.
    pub(super) fn begin(&mut self, manifest: Manifest, is_here: impl Fn(ContentId) -> bool) {
        let waiting = std::mem::take(&mut self.contents);
        *self = KnownFiles { trust: Trust::Whole, ..KnownFiles::default() };
        // Waiting requests and transfers go on, whatever the new manifest says.
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

    /// Something of what the log says could not be read.
    pub(super) fn distrust(&mut self) {
        self.trust = Trust::Torn;
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The content has come.
    pub(super) fn arrived(&mut self, content: ContentId) {
        self.set_here(content, true);
    }

    /// The content is no longer on the disk.
    pub(super) fn lost(&mut self, content: ContentId) {
        self.set_here(content, false);
    }

    /// A request waits for the content, until [`KnownFiles::unwant`].
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

    /// What is to be fetched next, and by no other task until [`KnownFiles::fetched`]: what requests
    /// wait for, then what came last into the log.
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

    /// How an attempt ended that [`KnownFiles::next`] began. `failure` says why the content cannot be had;
    /// without one the attempt was broken off and says nothing.
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

    /// How often in a row the content could not be stored, or not be had.
    pub(super) fn failures(&self, content: ContentId) -> u32 {
        self.contents.get(&content).map_or(0, |state| state.attempts)
    }

    /// Whether the content is still needed.
    pub(super) fn is_wanted(&self, content: ContentId) -> bool {
        let wanted = |state: &KnownContent| !state.records.is_empty() || state.waiting > 0;
        self.contents.get(&content).is_some_and(|state| !state.is_here && wanted(state))
    }

    /// When an attempt may be made that is not made now because the last one failed.
    pub(super) fn next_attempt(&self, urgent_only: bool) -> Option<Moment> {
        let missing = self.missing.iter().map(|(_, content)| content).filter(|_| !urgent_only);
        let states = missing.chain(&self.urgent).filter_map(|content| self.contents.get(content));
        states.filter(|state| !state.is_fetched).filter_map(|state| state.pause).min()
    }

    /// Whether the log is known, and everything is here that can be had.
    pub(super) fn is_whole(&self) -> bool {
        self.trust == Trust::Whole
            && self.missing.iter().all(|(_, content)| self.has_failed(content))
    }

    /// What is not here, for the back end.
    pub(super) fn holdings(&self) -> Holdings {
        let mut lacking: Vec<Position> =
            self.lacking.keys().rev().copied().take(Holdings::NAMED + 1).collect();
        // Of what is not named nothing is said.
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

    /// Why a content that the log's files have cannot be stored here, if there is one.
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

    /// Changes the state of a content, and what follows from it.
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

    /// Drops a content that is not referred to, waited for or being fetched.
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
