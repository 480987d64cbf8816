use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::index::KeyBytes;
use super::key::Key;

/// Records what a request reads of the site's data, as the names of the groups that its page belongs to.
///
/// # How many groups a page may have
///
/// Beyond a limit the names are replaced by wider ones:
///
/// - `table@index=value*` replaces the groups of one value of an index: the set of its rows, their number, the
///   places in their order, and the rows that were found by it. Every change of a row that has that value, before the change or after it,
///   invalidates this group.
/// - `table*` replaces everything else of a table. Every change of the table invalidates it.
///
/// A change that invalidates a name also invalidates the wider one, except where it changes nothing that was read
/// (`state/mod.rs`, rule 4), so a page is invalidated too often, never too seldom. If these are too many as well, all are replaced by `table*`; then there are no more groups than
/// fields.
///
/// # The cost of recording
///
/// A recorded read is appended to a list, with the row's key from the map. The name of the row's group is made
/// when the reply is made, or when the list is long; for a row that is read repeatedly it is made once for each
/// list. Recording does not touch the row itself, which may be in no cache of the processor.
pub(crate) struct Recorder {
    limit: usize,
    after_reply: AfterReply,
    read: Mutex<Recorded>,
}

/// The number of reads that are collected before they become groups.
const RECENT: usize = 256;

/// The treatment of a read after the reply has been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterReply {
    /// It panics: a cached page might use the result without depending on it.
    Refused,
    /// It is not recorded: only fragments are cached, and these were made of the reply's values.
    Ignored,
}

#[derive(Default)]
struct Recorded {
    /// Reads that are not yet among the groups.
    recent: Vec<Read>,
    /// The groups, sorted and without duplicates, each with its replacement.
    groups: Vec<(String, Wider)>,
    width: Width,
    /// Whether something without a group was read.
    is_partial: bool,
    widened: Option<Widened>,
    /// Whether the reply is made.
    closed: bool,
}

/// A read.
struct Read {
    subject: Subject,
    wider: Wider,
}

/// The object of a read.
enum Subject {
    /// The single value in this field.
    Value(&'static str),
    /// The row of a table with this key.
    Row(&'static str, KeyBytes, SpellKey),
    /// Anything with this group.
    Group(Arc<str>),
    /// The place directly before the row with this key, in the order whose groups begin with this name.
    Before(Arc<str>, KeyBytes, SpellKey),
}

/// Decodes a key and appends its spelling to the name of a group.
type SpellKey = fn(&[u8], &mut String);

/// The replacement of a group; narrower ones sort first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Wider {
    /// The group stays as it is.
    Same,
    /// The group of every change of a row with a value, in this table.
    Rows(Arc<str>, &'static str),
    /// The group of every change of this table.
    Table(&'static str),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    /// Individual rows and memberships.
    #[default]
    Exact,
    /// All rows with the value by which they were found.
    Values,
    /// Whole tables.
    Tables,
}

/// The reads that were recorded until the reply was made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// The names of the groups, sorted.
    pub(crate) groups: Vec<String>,
    /// Whether something without a group was read as well.
    pub(crate) is_partial: bool,
    /// The cause, if the groups are wider than the reads because these exceeded the limit.
    pub(crate) widened: Option<Widened>,
}

/// The reason why a page's groups are wider than its reads: the group that replaces most of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Widened {
    /// The group that replaces the reads.
    group: String,
    /// The number of reads that it replaces.
    reads: usize,
    /// The number of groups that a page may have.
    limit: usize,
}

impl fmt::Display for Widened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Widened { group, reads, limit } = self;
        let read = group.strip_suffix('*').unwrap_or(group);
        let (what, whole) = match read.split_once('@') {
            Some((table, value)) => (
                format!("the rows of `{table}` with {value}"),
                "every change of a row with that value",
            ),
            None => (format!("`{read}`"), "every change in the table"),
        };
        write!(
            f,
            "its controller has read more than {limit} rows and other things, {reads} of them of {what}, so the page \
             depends on `{group}`, {whole}. Read the rows of one page with `page(number, size)` or `newest(n)`, find \
             them by an index with `of`, or let `[limits] recorded_groups` be more"
        )
    }
}

impl Recorder {
    /// Records up to `limit` groups.
    pub(crate) fn new(limit: usize, after_reply: AfterReply) -> Recorder {
        Recorder { limit, after_reply, read: Mutex::default() }
    }

    /// Records that a single value was read.
    pub(super) fn value(&self, field: &'static str) {
        self.record(Subject::Value(field), Wider::Same);
    }

    /// Records that the table's row with this key was read. If the row was found by a value of an index, `via` is
    /// the wide group of that value, `table@index=value*`.
    pub(super) fn row(
        &self,
        table: &'static str,
        (key, spell): (&KeyBytes, SpellKey),
        via: Option<&Arc<str>>,
    ) {
        self.record(Subject::Row(table, key.clone(), spell), Wider::of(table, via));
    }

    /// Records that something else of the table was read, such as the absence of a row, or the set of rows with
    /// a value.
    pub(super) fn group(&self, group: &Arc<str>, table: &'static str, via: Option<&Arc<str>>) {
        self.record(Subject::Group(Arc::clone(group)), Wider::of(table, via));
    }

    /// Records that the place directly before the row with this key was read. `order` is the beginning of the
    /// order's groups. The place is empty, or contains another row that was read.
    pub(super) fn before(
        &self,
        order: &Arc<str>,
        (key, spell): (&KeyBytes, SpellKey),
        table: &'static str,
        via: Option<&Arc<str>>,
    ) {
        self.record(Subject::Before(Arc::clone(order), key.clone(), spell), Wider::of(table, via));
    }

    /// Records that the request has seen data without a group: the output of an update.
    pub(crate) fn record_ungrouped(&self) {
        self.read().is_partial = true;
    }

    /// Closes the recorder when the reply is made, and returns all reads until then.
    pub(crate) fn close(&self) -> Reads {
        let mut read = self.read();
        read.settle(self.limit);
        read.closed = true;
        let groups = std::mem::take(&mut read.groups).into_iter().map(|(name, _)| name).collect();
        Reads { groups, widened: read.widened.take(), is_partial: read.is_partial }
    }

    /// # Panics
    /// When the reply has been made, with [`AfterReply::Refused`].
    fn record(&self, subject: Subject, wider: Wider) {
        let mut read = self.read();
        if read.closed && self.after_reply == AfterReply::Ignored {
            return;
        }
        if read.closed {
            drop(read);
            panic!(
                "the site's data (`{}`) were read after the reply had been made, so the cached page would not \
                 depend on what was read: read everything before the controller returns, or take this route out \
                 of the cache",
                subject.name()
            );
        }
        read.recent.push(Read { subject, wider });
        if read.recent.len() == RECENT {
            read.settle(self.limit);
        }
    }

    fn read(&self) -> MutexGuard<'_, Recorded> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorded {
    /// Converts the recent reads to groups. The result depends neither on the order of the reads nor on when
    /// this is called: groups are exact if they do not exceed the limit, else by value if those do not, else by
    /// table.
    fn settle(&mut self, limit: usize) {
        let mut recent = std::mem::take(&mut self.recent);
        // The name of a group is made once for all its reads.
        recent.sort_unstable_by(|one, two| one.target(self.width).cmp(&two.target(self.width)));
        recent.dedup_by(|other, read| {
            let is_same = other.target(self.width) == read.target(self.width);
            if is_same && other.wider < read.wider {
                std::mem::swap(&mut other.wider, &mut read.wider);
            }
            is_same
        });
        let width = self.width;
        self.add(recent.drain(..).map(|Read { subject, wider }| {
            let group = wider.name(width).unwrap_or_else(|| subject.name());
            (group, wider)
        }));
        self.recent = recent;
        while self.groups.len() > limit && self.width < Width::Tables {
            self.width = match self.width {
                Width::Exact => Width::Values,
                _ => Width::Tables,
            };
            if self.widened.is_none() {
                self.widened = self.widest(limit);
            }
            let (groups, width) = (std::mem::take(&mut self.groups), self.width);
            self.add(groups.into_iter().map(|(group, wider)| {
                let group = wider.name(width).unwrap_or(group);
                (group, wider)
            }));
        }
    }

    /// Returns the group that replaces most of the groups that must be widened.
    fn widest(&self, limit: usize) -> Option<Widened> {
        let mut reads: BTreeMap<String, usize> = BTreeMap::new();
        let groups = self.groups.iter();
        for wide in groups.filter_map(|(_, wider)| wider.name(self.width)) {
            *reads.entry(wide).or_default() += 1;
        }
        let (group, reads) = reads.into_iter().max_by_key(|(_, reads)| *reads)?;
        Some(Widened { group, reads, limit })
    }

    /// Adds groups. A group that was read in several ways keeps the narrowest replacement.
    fn add(&mut self, groups: impl Iterator<Item = (String, Wider)>) {
        self.groups.extend(groups);
        // The existing groups are sorted, and so, mostly, are the new ones: this merges two runs.
        self.groups.sort();
        // The narrowest replacement sorts first.
        self.groups.dedup_by(|other, kept| other.0 == kept.0);
    }
}

impl Read {
    /// Returns a kind, an address, a length and a key. Reads for which these are equal have the same group; `add`
    /// removes the groups that are equal in spite of different addresses.
    fn target(&self, width: Width) -> (u8, usize, usize, Option<&KeyBytes>) {
        let text = |kind, text: &str| (kind, text.as_ptr().addr(), text.len(), None);
        match (width, &self.wider, &self.subject) {
            (Width::Values, Wider::Rows(via, _), _) => text(0, via),
            (Width::Values | Width::Tables, Wider::Table(table) | Wider::Rows(_, table), _) => {
                text(1, table)
            }
            (_, _, Subject::Value(field)) => text(2, field),
            (_, _, Subject::Group(group)) => text(3, group),
            (_, _, Subject::Row(table, key, _)) => {
                (4, table.as_ptr().addr(), table.len(), Some(key))
            }
            (_, _, Subject::Before(order, key, _)) => {
                (5, order.as_ptr().addr(), order.len(), Some(key))
            }
        }
    }
}

impl Subject {
    /// Returns the name of its group.
    fn name(&self) -> String {
        match self {
            Subject::Value(field) => (*field).to_owned(),
            Subject::Row(table, key, spell) => {
                let mut group = String::with_capacity(table.len() + 24);
                group.push_str(table);
                group.push('/');
                spell(key.as_slice(), &mut group);
                group
            }
            Subject::Group(group) => group.to_string(),
            Subject::Before(order, key, spell) => {
                let mut group = order.to_string();
                spell(key.as_slice(), &mut group);
                group
            }
        }
    }
}

impl Wider {
    fn of(table: &'static str, via: Option<&Arc<str>>) -> Wider {
        via.map_or(Wider::Table(table), |via| Wider::Rows(Arc::clone(via), table))
    }

    /// Returns the name of the group that replaces another one at this width, if one does.
    fn name(&self, width: Width) -> Option<String> {
        match (width, self) {
            (Width::Exact, _) | (_, Wider::Same) => None,
            (Width::Values, Wider::Rows(via, _)) => Some(via.to_string()),
            (_, Wider::Table(table) | Wider::Rows(_, table)) => Some(format!("{table}*")),
        }
    }
}

/// Returns `table/key`, the group of a row.
pub(super) fn row_group(table: &str, key: &(impl Key + ?Sized)) -> String {
    let mut group = String::with_capacity(table.len() + 24);
    group.push_str(table);
    group.push('/');
    key.spell(&mut group);
    group
}

/// Returns `table@index=value`, the group of the set of rows with the value, and of their order.
pub(super) fn value_group(table: &str, index: &str, value: &(impl Key + ?Sized)) -> String {
    let mut group = format!("{table}@{index}=");
    value.spell(&mut group);
    group
}

/// Returns `group>count`, the group for whether more than `count` rows are in `group`.
pub(super) fn more_than(group: &str, count: usize) -> String {
    format!("{group}>{count}")
}

/// Returns `group>`, which updates invalidate instead of `group>count` if they add or remove very many rows.
pub(super) fn many_more(group: &str) -> String {
    format!("{group}>")
}

/// Returns `group<`, the group of a place in an order: followed by a key, the place before that row; without a
/// key, the place at the end.
pub(super) fn before(group: &str) -> String {
    format!("{group}<")
}

#[cfg(test)]
mod tests;
