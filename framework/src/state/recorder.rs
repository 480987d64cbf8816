use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::index::KeyBytes;
use super::key::Key;

/// What a request has read of the site's data, as the names of the groups that its page belongs to.
///
/// # How many groups a page may have
///
/// Beyond a limit the names are replaced by wider ones: which rows have a value of an index, how many these are, and rows that were
/// found by it, by `table@index=value*`, which every change of a row with that value invalidates, before it or after
/// it; everything else of a table by `table*`, which every change of the table does. A change that invalidates a name invalidates the wider
/// one too, so a page is invalidated too often, never too seldom. When these are too many as well, all are
/// `table*`: then there are no more than there are fields.
///
/// # What recording costs
///
/// A read that is recorded is put at the end of a list, with the row's key as the map has it: the name of the row's group is
/// made when the reply is made, or when the list is long. Of a row that is read again and again it is made once for each
/// list. The row itself is not touched for it: it may be in no cache of the processor.
pub(crate) struct Recorder {
    limit: usize,
    after_reply: AfterReply,
    read: Mutex<Read>,
}

/// How many reads are kept before they become groups.
const RECENT: usize = 256;

/// What becomes of a read after the reply has been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterReply {
    /// It panics: what is made of it may end up in a cached page that does not depend on it.
    Refused,
    /// It is not recorded: only fragments are cached, and these were made of the reply's values.
    Ignored,
}

#[derive(Default)]
struct Read {
    /// Reads that are not yet among the groups.
    recent: Vec<Recent>,
    /// The groups, each once, sorted, each with what replaces it.
    groups: Vec<(String, Wider)>,
    width: Width,
    /// Whether something was read that has no group.
    is_partial: bool,
    widened: Option<Widened>,
    /// Whether the reply is made.
    closed: bool,
}

/// A read.
struct Recent {
    what: What,
    wider: Wider,
}

/// What was read.
enum What {
    /// A value of its own, in this field.
    Value(&'static str),
    /// A row of a table, by its key.
    Row(&'static str, KeyBytes, SpellKey),
    /// What has this group.
    Group(Arc<str>),
    /// What comes right before a row in an order that is called so, by the row's key.
    Before(Arc<str>, KeyBytes, SpellKey),
}

/// Appends a key to the name of a group, read from its bytes.
type SpellKey = fn(&[u8], &mut String);

/// What replaces a group; the narrower one first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Wider {
    /// It stays as it is.
    Same,
    /// Every change of a row with a value, in this table.
    Rows(Arc<str>, &'static str),
    /// Every change of this table.
    Table(&'static str),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    /// Each row and each membership.
    #[default]
    Exact,
    /// Rows by the value that they were found by.
    Values,
    /// Whole tables.
    Tables,
}

/// What was recorded until the reply was made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// The names of the groups, sorted.
    pub(crate) groups: Vec<String>,
    /// Whether something was read besides that has no group.
    pub(crate) is_partial: bool,
    /// Which read was too much, if they are wider than what was read, because that was more than the limit.
    pub(crate) widened: Option<Widened>,
}

/// Why the groups of a page are wider than what was read: what took most of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Widened {
    /// The group that stands in for what was read.
    group: String,
    /// In the place of how many.
    reads: usize,
    /// How many groups a page may have.
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

    /// A value of its own was read.
    pub(super) fn value(&self, field: &'static str) {
        self.record(What::Value(field), Wider::Same);
    }

    /// The row of the table with this key was read. `via` is the group of all rows with a value, where it was found by one.
    pub(super) fn row(
        &self,
        table: &'static str,
        (key, spell): (&KeyBytes, SpellKey),
        via: Option<&Arc<str>>,
    ) {
        self.record(What::Row(table, key.clone(), spell), Wider::of(table, via));
    }

    /// Something else of the table was read that has this group: that a row is missing; which rows there are.
    pub(super) fn group(&self, group: &Arc<str>, table: &'static str, via: Option<&Arc<str>>) {
        self.record(What::Group(Arc::clone(group)), Wider::of(table, via));
    }

    /// What comes right before the row with this key was read of the table, in an order whose groups begin like this: nothing, or
    /// another row that was read.
    pub(super) fn before(
        &self,
        order: &Arc<str>,
        (key, spell): (&KeyBytes, SpellKey),
        table: &'static str,
        via: Option<&Arc<str>>,
    ) {
        self.record(What::Before(Arc::clone(order), key.clone(), spell), Wider::of(table, via));
    }

    /// Something becomes known that has no group: what an update has returned.
    pub(crate) fn miss(&self) {
        self.read().is_partial = true;
    }

    /// The reply is made: what was read until now.
    pub(crate) fn close(&self) -> Reads {
        let mut read = self.read();
        read.settle(self.limit);
        read.closed = true;
        let groups = std::mem::take(&mut read.groups).into_iter().map(|(name, _)| name).collect();
        Reads { groups, widened: read.widened.take(), is_partial: read.is_partial }
    }

    /// # Panics
    /// When the reply has been made.
    fn record(&self, what: What, wider: Wider) {
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
                what.name()
            );
        }
        read.recent.push(Recent { what, wider });
        if read.recent.len() == RECENT {
            read.settle(self.limit);
        }
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Read {
    /// Makes groups of the recent reads. Which ones does not depend on the order of the reads, nor on when this is
    /// called: they are exact if these are no more than the limit, else by value if those are no more, else by table.
    fn settle(&mut self, limit: usize) {
        let mut recent = std::mem::take(&mut self.recent);
        // Of reads that have one group it is made once.
        recent.sort_unstable_by(|one, two| one.target(self.width).cmp(&two.target(self.width)));
        recent.dedup_by(|other, read| {
            let is_same = other.target(self.width) == read.target(self.width);
            if is_same && other.wider < read.wider {
                std::mem::swap(&mut other.wider, &mut read.wider);
            }
            is_same
        });
        let width = self.width;
        self.add(recent.drain(..).map(|Recent { what, wider }| {
            let group = wider.name(width).unwrap_or_else(|| what.name());
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

    /// Of the groups that are to be widened, what stands in for most.
    fn widest(&self, limit: usize) -> Option<Widened> {
        let mut reads: BTreeMap<String, usize> = BTreeMap::new();
        let groups = self.groups.iter();
        for wide in groups.filter_map(|(_, wider)| wider.name(self.width)) {
            *reads.entry(wide).or_default() += 1;
        }
        let (group, reads) = reads.into_iter().max_by_key(|(_, reads)| *reads)?;
        Some(Widened { group, reads, limit })
    }

    /// Adds groups. Where one was read in several ways, each of what replaces it does.
    fn add(&mut self, groups: impl Iterator<Item = (String, Wider)>) {
        self.groups.extend(groups);
        // Both those that were there and, mostly, those that come are sorted: this merges two runs.
        self.groups.sort();
        // The narrowest of those that replace it is the first.
        self.groups.dedup_by(|other, kept| other.0 == kept.0);
    }
}

impl Recent {
    /// What is the same for what is one group: a kind, an address and a length, and a key.
    fn target(&self, width: Width) -> (u8, usize, usize, Option<&KeyBytes>) {
        let text = |kind, text: &str| (kind, text.as_ptr().addr(), text.len(), None);
        match (width, &self.wider, &self.what) {
            (Width::Values, Wider::Rows(via, _), _) => text(0, via),
            (Width::Values | Width::Tables, Wider::Table(table) | Wider::Rows(_, table), _) => {
                text(1, table)
            }
            (_, _, What::Value(field)) => text(2, field),
            (_, _, What::Group(group)) => text(3, group),
            (_, _, What::Row(table, key, _)) => (4, table.as_ptr().addr(), table.len(), Some(key)),
            (_, _, What::Before(order, key, _)) => {
                (5, order.as_ptr().addr(), order.len(), Some(key))
            }
        }
    }
}

impl What {
    /// The name of its group.
    fn name(&self) -> String {
        match self {
            What::Value(field) => (*field).to_owned(),
            What::Row(table, key, spell) => {
                let mut group = String::with_capacity(table.len() + 24);
                group.push_str(table);
                group.push('/');
                spell(key.as_slice(), &mut group);
                group
            }
            What::Group(group) => group.to_string(),
            What::Before(order, key, spell) => {
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

    /// The name of the group that replaces another one, if one does.
    fn name(&self, width: Width) -> Option<String> {
        match (width, self) {
            (Width::Exact, _) | (_, Wider::Same) => None,
            (Width::Values, Wider::Rows(via, _)) => Some(via.to_string()),
            (_, Wider::Table(table) | Wider::Rows(_, table)) => Some(format!("{table}*")),
        }
    }
}

/// `table/key`: a row.
pub(super) fn row_group(table: &str, key: &(impl Key + ?Sized)) -> String {
    let mut group = String::with_capacity(table.len() + 24);
    group.push_str(table);
    group.push('/');
    key.spell(&mut group);
    group
}

/// `table@index=value`: which rows have the value, and their order.
pub(super) fn value_group(table: &str, index: &str, value: &(impl Key + ?Sized)) -> String {
    let mut group = format!("{table}@{index}=");
    value.spell(&mut group);
    group
}

/// `group>count`: whether more than `count` rows are in what has this group.
pub(super) fn more_than(group: &str, count: usize) -> String {
    format!("{group}>{count}")
}

/// `group>`: how many rows are in what has this group, if very many come or go at once.
pub(super) fn many_more(group: &str) -> String {
    format!("{group}>")
}

/// `group<`: what comes before a row, whose key follows, in an order; without a key, what comes at its end.
pub(super) fn before(group: &str) -> String {
    format!("{group}<")
}

#[cfg(test)]
mod tests;
