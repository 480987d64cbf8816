//! Determines the dependence of one fragment's text at render time.
//!
//! # The rule
//!
//! The text of a fragment is a function of the values that its body names (see `mentions`). Therefore:
//!
//! - The fragment belongs to the groups of all marks of these values, and of the surrounding marks that cover them.
//! - If one of these values, or a part of one, has no mark that covers it, the fragment belongs to all groups
//!   recorded for its page ([`Dependence::all`]). So does a fragment that depends on something that cannot be
//!   analysed: the whole context, `loop` of a loop around the fragment, values that the site's code reads.
//! - A fragment with more groups than a page may have belongs to the groups of its page instead, which are fewer and
//!   wider.
//!
//! # Why the groups are not enough: the key
//!
//! A group states that a *row* has changed, not that another row is now shown in its place. Take
//! `{% cache id="newest" %}{{ stories[0].title }}{% endcache %}`, or a loop variable, or a row chosen by the
//! controller. When another row is chosen, the group of the old row stays valid, and the id alone would still find
//! the old row's text. So the fragment's key contains, beside the id, *which* values are named: the group of each
//! row, and the content of values that are not rows or were made of rows.
//!
//! Suppose that a fragment is found under its id and the values that its body names at that moment. Its key proves
//! that it was made of the same rows, in the same places, and of the same counts and lists. Its groups prove that
//! none of these rows has changed. So its text equals a fresh evaluation.
//!
//! A value without a mark is not in the key, because the author's id has to distinguish it: at one position of the
//! log, the id determines the text. All groups of the page guard such a fragment: the page that it was made for would
//! give the same text now, and so would every other page with this id.
//!
//! A fragment with `row=` has no author's id. So its key also contains the whole content of values without marks: a
//! page with another such value looks up another fragment, and the groups of the page need not guard these values.
//! Data that a function of the site reads by itself cannot be in the key. If a body contains blocks, the template
//! that the render began with determines them, so its name is in the key, too.
//!
//! The request values that a fragment uses ([`RequestUses`]: by name, or through a function such as `t`) are always
//! in its key verbatim, because the pages around it may differ in them. For a body that cannot be analysed, these are
//! language and scheme; the author's id must cover the path, like other values.
//!
//! # Reads without a mark
//!
//! Counts, booleans and absent rows have no mark. `count()`, `is_empty()` and `get()` return Rust's own numbers,
//! booleans and `None`, because a controller calculates and decides with them: a number of a special type would lose
//! its mark at the first `+ 1`, and `None` has no room for a group. In templates they have no address either, so any
//! operation on them would lose the mark. A fragment that names one belongs to all groups of the page: too many,
//! never too few. A page or list of rows has a mark that covers its `total`, its `next` and its emptiness, and the
//! rows in an `Option` keep theirs.
//!
//! # Assumptions
//!
//! The rule holds only if
//!
//! - marks are complete: the value of a [row](crate::packed::MarkKind::Row) depends on its group alone, and a read
//!   lists all of its groups;
//! - no value takes the place of a covered one under its address or name (see `marked`);
//! - every name that is used in the body is found there (see `mentions`);
//! - no function, filter or test with which the site replaces one of Tera's reads variables other than its arguments.

use std::sync::Arc;

use memchr::memmem;
use tera::value::{Key, ValueKind};
use tera::{State, Value};

use super::mentions::{Path, Place, Places, SESSION};
use crate::request_values::RequestUses;
use crate::templates::engine::is_json;
use crate::templates::marked::{Mark, Marked, PAGE, address};
use crate::templates::values::Values;

/// The values of a render.
pub(super) struct Known {
    pub(super) places: Arc<Places>,
    pub(super) values: Values,
    pub(super) marked: Marked,
    /// The template that the render began with.
    pub(super) template: Arc<str>,
}

/// The dependence of a fragment's text.
#[derive(Debug, Default)]
pub(super) struct Dependence {
    /// The groups of the values that it names.
    pub(super) groups: Vec<Arc<str>>,
    /// Whether it may depend on everything that the page was made of.
    pub(super) all: bool,
    /// A digest of the values, for the key.
    pub(super) digest: Option<u128>,
    /// Whether the key is complete. Without a complete key the fragment is not kept.
    pub(super) has_key: bool,
}

/// The limit on the groups of a fragment, if its page has fewer. A fragment with more belongs to the groups of its
/// page instead: each group of a mark, or a wider one, is among these, and a page has a limit of its own.
const MOST_GROUPS: usize = 256;

impl Known {
    /// Returns the dependence of the fragment at this place, in this state. `row` is the group of its row, if it has
    /// one, and `secret` is part of each text of this render that contains a fragment or a part.
    pub(super) fn dependence(
        &self,
        place: &Place,
        row: Option<&Arc<str>>,
        state: &State<'_>,
        secret: Option<&str>,
    ) -> Dependence {
        let is_of_data =
            self.values.has_marks() || self.values.recorded().is_none_or(|all| !all.is_empty());
        let all = place.mentions.is_opaque;
        // The session is in no key. A template that visibly names it is refused, but an opaque body may name
        // anything.
        let may_name_session = all && self.values.is_set(SESSION);
        // The key of a row's fragment must contain all values that it names.
        let lacks_values = row.is_some() && place.mentions.is_unknown;
        let has_key = !may_name_session && !lacks_values;
        let found = Dependence { all, has_key, ..Dependence::default() };
        let (mut named, taken) = (place.mentions.request_uses(), place.mentions.uses);
        if all {
            named.add(RequestUses::LANG.and(RequestUses::SCHEME));
        }
        let mut reader = Reader { known: self, is_row: row.is_some(), content: Vec::new(), found };
        if is_json(&self.template) {
            // JSON escapes text differently from HTML.
            reader.push(b'J', b"");
        }
        reader.of_request(named, taken);
        if !is_of_data && row.is_none() {
            return match reader.content.is_empty() {
                true => reader.found,
                false => reader.finish(),
            };
        }
        match row {
            None => reader.push(b'B', &place.body),
            Some(row) => {
                reader.found.groups.push(Arc::clone(row));
                reader.push(b'R', row.as_bytes());
            }
        }
        if place.mentions.has_blocks {
            reader.push(b'P', place.name.as_bytes());
            reader.push(b'T', self.template.as_bytes());
        }
        for path in &place.mentions.paths {
            reader.path(path, state);
        }
        if let Some(secret) = secret {
            // No other render could find this key, because the secret is unique to the render.
            reader.found.has_key &= memmem::find(&reader.content, secret.as_bytes()).is_none();
        }
        reader.finish()
    }

    /// Returns the group of a row.
    pub(super) fn row(&self, value: &Value) -> Option<&Arc<str>> {
        self.marked.container(address(value)?)?.row.as_ref()
    }
}

/// Signals a value that no mark covers, entirely or in part.
struct Uncovered;

struct Reader<'a> {
    known: &'a Known,
    is_row: bool,
    /// The content of the key: each item with its kind and length.
    content: Vec<u8>,
    found: Dependence,
}

impl<'a> Reader<'a> {
    fn finish(mut self) -> Dependence {
        let page = self.known.values.recorded().map_or(0, <[_]>::len);
        self.found.groups.sort_unstable();
        self.found.groups.dedup();
        if self.found.groups.len() > page.max(MOST_GROUPS) {
            self.found.groups.clear();
            self.found.all = true;
        }
        let digest = *blake3::hash(&self.content).as_bytes();
        let (half, _) = digest.split_at(size_of::<u128>());
        self.found.digest = half.try_into().ok().map(u128::from_le_bytes);
        self.found
    }

    /// Adds the request values that are named, or that functions and filters take. A value of the page may have the
    /// name of one: it is added like other values, and functions still take the request's.
    fn of_request(&mut self, named: RequestUses, taken: RequestUses) {
        let values = self.known.values.request();
        let is_of_request = |name| self.known.values.is_set(name);
        // Two names refer to the language.
        let lang = values.lang.as_deref().filter(|_| named.has(RequestUses::LANG));
        let other = |used, name| taken.has(used) || named.has(used) && is_of_request(name);
        let scheme = values.scheme.filter(|_| other(RequestUses::SCHEME, "scheme"));
        let path = values.path.as_deref().filter(|_| other(RequestUses::PATH, "path"));
        for (kind, value) in [(b'L', lang), (b'S', scheme), (b'A', path)] {
            if let Some(value) = value {
                self.push(kind, value.as_bytes());
            }
        }
    }

    /// Adds the value of one path.
    fn path(&mut self, path: &Path, state: &State<'_>) {
        let Some((name, fields)) = path.split_first() else { return };
        match &**name {
            // Outside of a loop this is an ordinary name.
            "loop" => self.around(fields, state),
            // Its content is not available here.
            "__tera_context" => {
                self.found.all = true;
                self.found.has_key &= !self.is_row;
                return;
            }
            _ => {}
        }
        let known = self.known;
        let value = state.get::<Value>(name).ok().flatten().unwrap_or_else(Value::undefined);
        let is_undefined = value.is_undefined();
        if known.is_fixed(name) {
            if self.is_row {
                self.value(path, &value);
            }
            return;
        }
        if is_undefined && known.places.is_implicit(name) {
            // A component called here may take the value from the context in which this component was called.
            self.found.has_key &= !self.is_row;
        }
        let is_given = !is_undefined && !known.places.may_be_bound(name);
        let given = known.marked.field(PAGE, name).filter(|_| is_given);
        let before = self.content.len();
        if self.covered(path, fields, value.clone(), given).is_err() {
            self.content.truncate(before);
            match self.is_row {
                true => self.value(path, &value),
                false => self.found.all = true,
            }
        }
    }

    /// Adds a field of `loop` of the loop around the fragment, if there is one.
    fn around(&mut self, fields: &[Box<str>], state: &State<'_>) {
        let Some(field) = fields.first().map(|field| format!("__tera_loop_{field}")) else {
            return;
        };
        let Some(value) = state.get::<Value>(&field).ok().flatten() else { return };
        match self.is_row {
            true => self.value(&[field.into()], &value),
            false => self.found.all = true,
        }
    }

    /// Follows `fields` into `value`, which has the mark `leaf` if it is not a list or object.
    fn covered(
        &mut self,
        path: &[Box<str>],
        fields: &[Box<str>],
        mut value: Value,
        mut leaf: Option<&'a Mark>,
    ) -> Result<(), Uncovered> {
        let known = self.known;
        for field in fields {
            let Some((at, map)) = address(&value).zip(value.as_map()) else { break };
            let cover = known.marked.container(at);
            let next = map.get(&Key::Str(field)).cloned();
            // The mark that covers the object covers the absence of a field.
            leaf = known.marked.field(at, field).filter(|_| next.is_some()).or(cover);
            value = next.unwrap_or_else(Value::undefined);
        }
        self.push_path(path);
        self.whole(&value, leaf)
    }

    /// Adds a whole value, which has the mark `leaf` if it is not a list or object.
    fn whole(&mut self, value: &Value, leaf: Option<&Mark>) -> Result<(), Uncovered> {
        let known = self.known;
        let Some(at) = address(value) else {
            let mark = leaf.ok_or(Uncovered)?;
            self.found.groups.extend(mark.groups.iter().cloned());
            if let Some(row) = &mark.row {
                self.push(b'r', row.as_bytes());
            }
            if mark.row.is_none() || mark.is_made {
                self.plain(value);
            }
            return Ok(());
        };
        let mark = known.marked.container(at).ok_or(Uncovered)?;
        self.found.groups.extend(mark.groups.iter().cloned());
        if let Some(row) = &mark.row {
            self.push(b'r', row.as_bytes());
            if !mark.has_marks && !mark.is_made {
                return Ok(());
            }
        }
        if let Some(list) = value.as_array() {
            self.push(b'[', &list.len().to_le_bytes());
            for (index, value) in list.iter().enumerate() {
                let leaf = known.marked.element(at, index).unwrap_or(mark);
                self.whole(value, Some(leaf))?;
            }
        }
        let entries = entries(value);
        self.push(b'm', &entries.len().to_le_bytes());
        for (key, value) in entries {
            self.push(b'{', key.as_bytes());
            let leaf = known.marked.field(at, &key).unwrap_or(mark);
            self.whole(value, Some(leaf))?;
        }
        Ok(())
    }

    /// Adds a whole value without a mark.
    fn value(&mut self, path: &[Box<str>], value: &Value) {
        self.push_path(path);
        self.plain(value);
    }

    fn plain(&mut self, value: &Value) {
        match value.kind() {
            ValueKind::Array => {
                let list = value.as_array().unwrap_or_default();
                self.push(b'[', &list.len().to_le_bytes());
                list.iter().for_each(|value| self.plain(value));
            }
            ValueKind::Map => {
                let entries = entries(value);
                self.push(b'm', &entries.len().to_le_bytes());
                for (key, value) in entries {
                    self.push(b'{', key.as_bytes());
                    self.plain(value);
                }
            }
            kind => {
                // Safe text is written differently from other text.
                self.push(b'k', &[kind as u8, value.is_safe().into()]);
                match value.as_str() {
                    Some(text) => self.push(b'v', text.as_bytes()),
                    None => self.push(b'v', value.to_string().as_bytes()),
                }
            }
        }
    }

    fn push_path(&mut self, path: &[Box<str>]) {
        path.iter().for_each(|name| self.push(b'.', name.as_bytes()));
    }

    fn push(&mut self, kind: u8, bytes: &[u8]) {
        self.content.push(kind);
        self.content.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.content.extend_from_slice(bytes);
    }
}

impl Known {
    /// Returns whether the value of this name is independent of the data read.
    fn is_fixed(&self, name: &str) -> bool {
        if self.places.may_be_bound(name) {
            return false;
        }
        match self.values.context().contains_key(name) {
            true => self.values.is_set(name),
            false => self.places.is_global(name),
        }
    }
}

/// Returns the entries of an object, sorted by key.
fn entries(value: &Value) -> Vec<(String, &Value)> {
    let map = value.as_map().into_iter().flatten();
    let mut entries: Vec<_> = map.map(|(key, value)| (key.to_string(), value)).collect();
    entries.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    entries
}
