use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::key::Key;

/// What a request has read of the site's data, as the names of the groups that its page belongs to.
///
/// # How many groups a page may have
///
/// Beyond a limit the names are replaced by wider ones: which rows have a value of an index, and rows that were
/// found by it, by `table@index=value*`, which every change of a row with that value invalidates, before it or after
/// it; everything else of a table by `table*`, which every change of the table does. A change that invalidates a name invalidates the wider
/// one too, so a page is invalidated too often, never too seldom. When these are too many as well, all are
/// `table*`: then there are no more than there are fields.
#[derive(Debug)]
pub(crate) struct Recorder {
    limit: usize,
    after_reply: AfterReply,
    read: Mutex<Read>,
}

/// What becomes of a read after the reply has been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterReply {
    /// It panics: what is made of it may end up in a cached page that does not depend on it.
    Refused,
    /// It is not recorded: only fragments are cached, and these were made of the reply's values.
    Ignored,
}

#[derive(Debug, Default)]
struct Read {
    /// The groups, each with what replaces it.
    groups: HashMap<Arc<str>, Wider>,
    width: Width,
    /// Whether the reply is made.
    closed: bool,
}

#[derive(Debug, Clone)]
enum Wider {
    /// It stays as it is.
    Same,
    /// Every change of this table.
    Table(&'static str),
    /// Every change of a row with a value, in this table.
    Rows(Arc<str>, &'static str),
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
    /// Whether they are wider than what was read, because it was more than the limit.
    pub(crate) widened: bool,
}

impl Recorder {
    /// Records up to `limit` groups.
    pub(crate) fn new(limit: usize, after_reply: AfterReply) -> Recorder {
        Recorder { limit, after_reply, read: Mutex::default() }
    }

    /// A value of its own was read.
    pub(super) fn value(&self, field: &'static str) {
        self.record(|| field.into(), &Wider::Same);
    }

    /// Something of the table was read that has this group: a row, or that it is missing; which rows there are. `via`
    /// is the group of all rows with a value, where it was found by one.
    pub(super) fn group(&self, group: &Arc<str>, table: &'static str, via: Option<&Arc<str>>) {
        let wider = via.map_or(Wider::Table(table), |via| Wider::Rows(Arc::clone(via), table));
        self.record(|| Arc::clone(group), &wider);
    }

    /// The reply is made: what was read until now.
    pub(crate) fn close(&self) -> Reads {
        let mut read = self.read();
        read.closed = true;
        let mut groups: Vec<_> = read.groups.keys().map(|group| group.to_string()).collect();
        groups.sort_unstable();
        Reads { groups, widened: read.width != Width::Exact }
    }

    /// # Panics
    /// When the reply has been made.
    fn record(&self, group: impl FnOnce() -> Arc<str>, wider: &Wider) {
        let mut read = self.read();
        if read.closed && self.after_reply == AfterReply::Ignored {
            return;
        }
        if read.closed {
            drop(read);
            panic!(
                "the site's data were read after the reply had been made, so the cached page would not depend on \
                 what was read: read everything before the controller returns, or take this route out of the cache"
            );
        }
        let width = read.width;
        read.groups.insert(widened(group(), wider, width).0, wider.clone());
        while read.groups.len() > self.limit && read.width < Width::Tables {
            let next = if read.width == Width::Exact { Width::Values } else { Width::Tables };
            read.width = next;
            let groups = std::mem::take(&mut read.groups).into_iter();
            read.groups = groups.map(|(group, wider)| widened(group, &wider, next)).collect();
        }
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn widened(group: Arc<str>, wider: &Wider, width: Width) -> (Arc<str>, Wider) {
    let group = match (width, wider) {
        (Width::Exact, _) | (_, Wider::Same) => group,
        (Width::Values, Wider::Rows(via, _)) => Arc::clone(via),
        (_, Wider::Table(table) | Wider::Rows(_, table)) => format!("{table}*").into(),
    };
    (group, wider.clone())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Arc<str> {
        text.into()
    }

    #[test]
    fn more_reads_than_the_limit_become_wider_groups() {
        let recorder = Recorder::new(4, AfterReply::Refused);
        let tagged = text("recipes@tag=soup*");
        for key in 1..=5 {
            recorder.group(&text(&format!("recipes/{key}")), "recipes", Some(&tagged));
        }
        recorder.value("motto");
        recorder.group(&text("recipes@tag=soup"), "recipes", Some(&tagged));
        recorder.group(&text("recipes@"), "recipes", None);
        recorder.group(&text("recipes/7"), "recipes", None);
        let reads = recorder.close();
        assert_eq!(reads.groups, ["motto", "recipes*", "recipes@tag=soup*"]);
        assert!(reads.widened);
    }

    #[test]
    fn when_values_are_too_many_whole_tables_are_left() {
        let recorder = Recorder::new(4, AfterReply::Refused);
        for key in 1..=9 {
            let (row, via) =
                (text(&format!("recipes/{key}")), text(&format!("recipes@tag={key}*")));
            recorder.group(&row, "recipes", Some(&via));
            recorder.group(&text(&format!("comments/{key}")), "comments", None);
        }
        assert_eq!(recorder.close().groups, ["comments*", "recipes*"]);
    }

    #[test]
    #[should_panic(expected = "read after the reply had been made")]
    fn a_read_after_the_reply_is_an_error() {
        let recorder = Recorder::new(4, AfterReply::Refused);
        recorder.close();
        recorder.value("motto");
    }
}
