//! What the text of one fragment depends on, found out when it is asked for.
//!
//! # The rule
//!
//! The text of a fragment is a function of the values that its body names (`mentions` says which). So
//!
//! - it is in the groups of all marks of these values, and of the marks around them that cover them; and
//! - if one of them, or a part of one, has no mark that covers it, it is in all groups of what was read for
//!   the page that it is made for ([`Dependence::all`]). The same goes for what cannot be seen: the whole
//!   context, `loop` of a loop around the fragment, what code of the site reads. And a fragment whose values have more
//!   groups than a page may have is in those of the page, too, which are fewer and wider.
//!
//! # Why the groups are not enough, and what is in the key
//!
//! A group says that a *row* has changed, not that another row is now shown in its place. Take
//! `{% cache id="newest" %}{{ stories[0].title }}{% endcache %}`, or a loop variable, or a row that the
//! controller has chosen: the row's group stays valid when another row is chosen, and the text under the id
//! would be that of the old one. So *which* values are named is in the fragment's key, beside its id: the
//! group of each row, and the values themselves of what is no row, or was made of one. Let a fragment be found under an id at a
//! moment, with the values that its body names at that moment. Its key says that it was made of the same
//! rows, in the same places, and of the same counts and lists; its groups say that none of these rows has
//! changed. So it is what would be evaluated now.
//!
//! Where a value has no mark, the key says nothing of it, because the author's id has to: at one position of
//! the log, the id decides on the text, as it always did. Then all groups of the page guard it: the page that
//! it was made for would give the same now, and so would every other with this id.
//!
//! Of a fragment with `row=` the author says no id. So its key also has the values without marks, whole: a
//! page with another such value looks for another fragment, so the groups of the page do not have to guard these. What
//! a function of the site finds out for itself cannot be in it. Where there are blocks in a body, the
//! template that the page was begun with decides on them, so this is in the key, too.
//!
//! What a fragment uses of the request ([`RequestUses`]: by name, or by a function such as `t`) is in its key as it is,
//! whatever it is made of: the pages around it may differ by it. In a body that cannot be seen these are language and scheme;
//! the path is for the author's id to say, as other values are.
//!
//! # What has no mark though it was read
//!
//! A count, a truth, and that a row is not there. `count()`, `is_empty()` and `get()` give Rust's own numbers, truths
//! and `None`, because a controller calculates with them and decides by them: a number of a type of our own would be
//! without its mark after the first `+ 1`, and `None` has no room for a group. In templates they have no address
//! either, so a mark of theirs would hold only as long as nothing is done with them. They are values without a mark, and a
//! fragment that names one is in all groups of the page: too many, never too few. A page or list of rows
//! has its mark, with its `total`, its `next` and its emptiness, and the rows in an `Option` have theirs.
//!
//! # What would break it
//!
//! A mark that says too little: a [row](crate::packed::MarkKind::Row) whose value depends on more than its
//! group, or a read with a group too few. A value that takes a covered one's place under its address or name
//! (see `marked`). A name that is used in the body and not found there (see `mentions`). And a function,
//! filter or test of the site under the name of one of Tera's that reads other variables than its arguments.

use std::sync::Arc;

use memchr::memmem;
use tera::value::{Key, ValueKind};
use tera::{State, Value};

use super::mentions::{Path, Place, Places, SESSION};
use crate::request_values::RequestUses;
use crate::templates::engine::is_json;
use crate::templates::marked::{Mark, Marked, PAGE, address};
use crate::templates::values::Values;

/// What a render knows of its values.
pub(super) struct Known {
    pub(super) places: Arc<Places>,
    pub(super) values: Values,
    pub(super) marked: Marked,
    /// The template that the render was begun with.
    pub(super) template: Arc<str>,
}

/// What a fragment's text depends on.
#[derive(Debug, Default)]
pub(super) struct Dependence {
    /// The groups of what it names.
    pub(super) groups: Vec<Arc<str>>,
    /// Whether it may depend on everything that the page was made of.
    pub(super) all: bool,
    /// What its key says of the values.
    pub(super) digest: Option<u128>,
    /// Whether its key says all that it has to.
    pub(super) has_key: bool,
}

/// How many groups a fragment may have, if its page has not more. Beyond that it is in those of its page: each group of a
/// mark, or a wider one, is among these, and a page has no more than its limit.
const MOST_GROUPS: usize = 256;

impl Known {
    /// What the fragment at this place depends on, in this state. `row` is the group of its row, if it has
    /// one, and `secret` is in each text of this render that holds a fragment or a part.
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
        // The session is in no key. Where it is named, the template is refused; this may name anything.
        let may_name_session = all && self.values.is_set(SESSION);
        // The key of a row's fragment has to say all values that it names.
        let lacks_values = row.is_some() && place.mentions.is_unknown;
        let has_key = !may_name_session && !lacks_values;
        let found = Dependence { all, has_key, ..Dependence::default() };
        let (mut named, taken) = (place.mentions.request_uses(), place.mentions.uses);
        if all {
            named.add(RequestUses::LANG.and(RequestUses::SCHEME));
        }
        let mut reader = Reader { known: self, is_row: row.is_some(), said: Vec::new(), found };
        if is_json(&self.template) {
            // Its text is escaped otherwise than in HTML.
            reader.say(b'J', b"");
        }
        reader.of_request(named, taken);
        if !is_of_data && row.is_none() {
            return match reader.said.is_empty() {
                true => reader.found,
                false => reader.finish(),
            };
        }
        match row {
            None => reader.say(b'B', &place.body),
            Some(row) => {
                reader.found.groups.push(Arc::clone(row));
                reader.say(b'R', row.as_bytes());
            }
        }
        if place.mentions.has_blocks {
            reader.say(b'P', place.name.as_bytes());
            reader.say(b'T', self.template.as_bytes());
        }
        for path in &place.mentions.paths {
            reader.path(path, state);
        }
        if let Some(secret) = secret {
            // No other render could find it.
            reader.found.has_key &= memmem::find(&reader.said, secret.as_bytes()).is_none();
        }
        reader.finish()
    }

    /// The group of the row that a value is.
    pub(super) fn row(&self, value: &Value) -> Option<&Arc<str>> {
        self.marked.container(address(value)?)?.row.as_ref()
    }
}

/// A value, or a part of it, has no mark that covers it.
struct Uncovered;

struct Reader<'a> {
    known: &'a Known,
    is_row: bool,
    /// What the key says, each behind its length.
    said: Vec<u8>,
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
        let digest = *blake3::hash(&self.said).as_bytes();
        let (half, _) = digest.split_at(size_of::<u128>());
        self.found.digest = half.try_into().ok().map(u128::from_le_bytes);
        self.found
    }

    /// The values of the request that are named or that functions and filters take. A value of the page may have the name of
    /// one: then it is said as others are, and what functions take is that of the request all the same.
    fn of_request(&mut self, named: RequestUses, taken: RequestUses) {
        let values = self.known.values.request();
        let is_of_request = |name| self.known.values.is_set(name);
        // Two names stand for the language.
        let lang = values.lang.as_deref().filter(|_| named.has(RequestUses::LANG));
        let other = |used, name| taken.has(used) || named.has(used) && is_of_request(name);
        let scheme = values.scheme.filter(|_| other(RequestUses::SCHEME, "scheme"));
        let path = values.path.as_deref().filter(|_| other(RequestUses::PATH, "path"));
        for (kind, value) in [(b'L', lang), (b'S', scheme), (b'A', path)] {
            if let Some(value) = value {
                self.say(kind, value.as_bytes());
            }
        }
    }

    /// What one of the paths leads to.
    fn path(&mut self, path: &Path, state: &State<'_>) {
        let Some((name, fields)) = path.split_first() else { return };
        match &**name {
            // Where no loop is around it, this is a name as any other.
            "loop" => self.around(fields, state),
            // It cannot be had here.
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
            // A component that is called here may find it where this one was called.
            self.found.has_key &= !self.is_row;
        }
        let is_given = !is_undefined && !known.places.may_be_bound(name);
        let given = known.marked.field(PAGE, name).filter(|_| is_given);
        let before = self.said.len();
        if self.covered(path, fields, value.clone(), given).is_err() {
            self.said.truncate(before);
            match self.is_row {
                true => self.value(path, &value),
                false => self.found.all = true,
            }
        }
    }

    /// What `loop` says of the loop around the fragment, if there is one.
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

    /// Follows a path into `value`, which has the mark `leaf` if it is not a list or object.
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
            // That a field is missing is said by what covers the object.
            leaf = known.marked.field(at, field).filter(|_| next.is_some()).or(cover);
            value = next.unwrap_or_else(Value::undefined);
        }
        self.say_path(path);
        self.whole(&value, leaf)
    }

    /// All of a value, which has the mark `leaf` if it is not a list or object.
    fn whole(&mut self, value: &Value, leaf: Option<&Mark>) -> Result<(), Uncovered> {
        let known = self.known;
        let Some(at) = address(value) else {
            let mark = leaf.ok_or(Uncovered)?;
            self.found.groups.extend(mark.groups.iter().cloned());
            if let Some(row) = &mark.row {
                self.say(b'r', row.as_bytes());
            }
            if mark.row.is_none() || mark.is_made {
                self.plain(value);
            }
            return Ok(());
        };
        let mark = known.marked.container(at).ok_or(Uncovered)?;
        self.found.groups.extend(mark.groups.iter().cloned());
        if let Some(row) = &mark.row {
            self.say(b'r', row.as_bytes());
            if !mark.has_marks && !mark.is_made {
                return Ok(());
            }
        }
        if let Some(list) = value.as_array() {
            self.say(b'[', &list.len().to_le_bytes());
            for (index, value) in list.iter().enumerate() {
                let leaf = known.marked.element(at, index).unwrap_or(mark);
                self.whole(value, Some(leaf))?;
            }
        }
        let entries = entries(value);
        self.say(b'm', &entries.len().to_le_bytes());
        for (key, value) in entries {
            self.say(b'{', key.as_bytes());
            let leaf = known.marked.field(at, &key).unwrap_or(mark);
            self.whole(value, Some(leaf))?;
        }
        Ok(())
    }

    /// A value without a mark, all of it.
    fn value(&mut self, path: &[Box<str>], value: &Value) {
        self.say_path(path);
        self.plain(value);
    }

    fn plain(&mut self, value: &Value) {
        match value.kind() {
            ValueKind::Array => {
                let list = value.as_array().unwrap_or_default();
                self.say(b'[', &list.len().to_le_bytes());
                list.iter().for_each(|value| self.plain(value));
            }
            ValueKind::Map => {
                let entries = entries(value);
                self.say(b'm', &entries.len().to_le_bytes());
                for (key, value) in entries {
                    self.say(b'{', key.as_bytes());
                    self.plain(value);
                }
            }
            kind => {
                // What is safe is written otherwise than what is not.
                self.say(b'k', &[kind as u8, value.is_safe().into()]);
                match value.as_str() {
                    Some(text) => self.say(b'v', text.as_bytes()),
                    None => self.say(b'v', value.to_string().as_bytes()),
                }
            }
        }
    }

    fn say_path(&mut self, path: &[Box<str>]) {
        path.iter().for_each(|name| self.say(b'.', name.as_bytes()));
    }

    fn say(&mut self, what: u8, bytes: &[u8]) {
        self.said.push(what);
        self.said.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.said.extend_from_slice(bytes);
    }
}

impl Known {
    /// Whether this name stands for what is the same on the page whatever is read.
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

/// The entries of an object, in the order of their keys.
fn entries(value: &Value) -> Vec<(String, &Value)> {
    let map = value.as_map().into_iter().flatten();
    let mut entries: Vec<_> = map.map(|(key, value)| (key.to_string(), value)).collect();
    entries.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    entries
}
