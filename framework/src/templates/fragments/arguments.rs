//! The arguments of `{% cache … %}`: names are checked at load time, values evaluated at render time.

use std::borrow::Cow;
use std::time::Duration;

use tera::{Error, Kwargs, TeraResult, Value};

use super::rewrite::Wrong;
use crate::problem::nearest;
use crate::templates::scanner::{self, Tag};
use crate::units::parse_duration;

/// The lifetime of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FragmentType {
    /// Until it is evicted, invalidated, or older than the configured lifetime.
    Normal,
    /// Exactly this long.
    Timeout(Duration),
    /// Until it is invalidated; it is evicted last.
    Persistent,
}

/// The key of a fragment in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentKey {
    /// The id as patterns see it: `fragment:` and the id of the tag.
    pub id: String,
    /// Whether the values in it are escaped. Text written for a plain-text page must never appear in HTML, even with
    /// the same id.
    pub escaped: bool,
    /// A digest of the rows and other marked values that it was made of, which distinguishes it from other fragments
    /// with this id.
    pub values: Option<u128>,
}

/// The beginning of the id of every fragment.
const NAMESPACE: &str = "fragment:";

const NAMES: [&str; 4] = ["id", "row", "groups", "type"];

/// Returns the errors in the arguments of a tag that are visible without evaluating them.
pub(super) fn check(text: &str, tag: &Tag<'_>) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let mut at = tag.rest().start;
    while let Some(argument) = Argument::next(text, at..tag.inside_end) {
        let Argument { name, start, ref value, end } = match argument {
            Ok(argument) => argument,
            Err(error) => {
                wrong.push(error);
                return wrong;
            }
        };
        at = end;
        if !NAMES.contains(&name) {
            wrong.push(Wrong::new(start, unknown(name)));
        } else if seen.contains(&name) {
            wrong.push(Wrong::new(start, format!("`{name}` is there twice; leave one out")));
        }
        seen.push(name);
        if let ("type", Some(literal)) = (name, literal(&text[value.clone()]))
            && let Err(message) = kind(literal)
        {
            wrong.push(Wrong::new(value.start, message));
        }
    }
    let message = match (seen.contains(&"id"), seen.contains(&"row")) {
        (false, false) => {
            "a fragment needs an id, as in `{% cache id=\"latest-news\" %}`, or a row, as in \
             `{% cache row=story %}`"
        }
        (true, true) => "with `row` a fragment has an id; leave `id` out",
        _ => return wrong,
    };
    if wrong.is_empty() {
        wrong.push(Wrong::new(tag.range.start, message));
    }
    wrong
}

/// Returns the groups that a tag names; `None` if they are an expression.
pub(super) fn constant_groups<'t>(text: &'t str, tag: &Tag<'_>) -> Option<Vec<&'t str>> {
    let mut at = tag.rest().start;
    while let Some(Ok(argument)) = Argument::next(text, at..tag.inside_end) {
        if argument.name == "groups" {
            let names = literal(&text[argument.value])?.split(',').map(str::trim);
            return Some(names.filter(|name| !name.is_empty()).collect());
        }
        at = argument.end;
    }
    Some(Vec::new())
}

fn unknown(name: &str) -> String {
    match nearest(name, NAMES) {
        Some(near) => format!("`cache` takes no `{name}`; did you mean `{near}`?"),
        None => format!("`cache` takes no `{name}`; it takes `id`, `row`, `groups` and `type`"),
    }
}

/// An argument, `name=value`.
struct Argument<'a> {
    name: &'a str,
    start: usize,
    /// The value, without the white space around it.
    value: std::ops::Range<usize>,
    /// The beginning of the next argument.
    end: usize,
}

impl<'a> Argument<'a> {
    /// Returns the first argument in `range` of `text`.
    fn next(text: &'a str, range: std::ops::Range<usize>) -> Option<Result<Argument<'a>, Wrong>> {
        let bytes = &text.as_bytes()[..range.end];
        let start = range.start + scanner::spaces(&bytes[range.start..]);
        if start == range.end {
            return None;
        }
        let name = scanner::identifier(&text[start..range.end]);
        let equals = start + name.len();
        let equals = equals + scanner::spaces(&bytes[equals..]);
        if name.is_empty()
            || bytes.get(equals) != Some(&b'=')
            || bytes.get(equals + 1) == Some(&b'=')
        {
            let message = "this is not an argument; write `id=…`, `row=…`, `groups=…` or `type=…`, with commas between";
            return Some(Err(Wrong::new(start, message)));
        }
        let begin = equals + 1 + scanner::spaces(&bytes[equals + 1..]);
        let end = match end_of_value(bytes, begin) {
            Ok(end) => end,
            Err(bracket) => {
                let message =
                    format!("this `{}` closes no bracket of the tag", char::from(bytes[bracket]));
                return Some(Err(Wrong::new(bracket, message)));
            }
        };
        let value = begin..begin + text[begin..end].trim_end().len();
        if value.is_empty() {
            return Some(Err(Wrong::new(start, format!("`{name}` has no value"))));
        }
        let end = range.end.min(end + 1);
        Some(Ok(Argument { name, start, value, end }))
    }
}

/// Returns the position of the comma that ends the expression at `from`.
///
/// # Errors
/// Returns the position of a closing bracket without an opening one. It would end the call in the rewritten tag, so
/// that the text after it would be more than arguments.
fn end_of_value(bytes: &[u8], from: usize) -> Result<usize, usize> {
    let (mut at, mut depth) = (from, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b',' if depth == 0 => return Ok(at),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.checked_sub(1).ok_or(at)?,
            byte if scanner::is_quote(*byte) => {
                at = scanner::end_of_string(bytes, at).unwrap_or(bytes.len());
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(bytes.len())
}

/// Returns the content of a string literal; `None` for other expressions.
fn literal(expression: &str) -> Option<&str> {
    let bytes = expression.as_bytes();
    let whole = scanner::is_quote(*bytes.first()?)
        && scanner::end_of_string(bytes, 0) == Some(bytes.len())
        && !expression.contains('\\');
    whole.then(|| &expression[1..expression.len() - 1])
}

/// Returns the fragment type that a `{% cache … %}` requests; `None` for `no_cache`.
pub(super) fn kind_of(values: &Kwargs) -> TeraResult<Option<FragmentType>> {
    let Some(value) = values.get::<&Value>("type")? else { return Ok(Some(FragmentType::Normal)) };
    let text = value.as_str().ok_or_else(|| is_no("type", "a string", value))?;
    kind(text).map_err(Error::message)
}

/// Returns the id of a `{% cache id=… %}`.
pub(super) fn id_of(values: &Kwargs) -> TeraResult<String> {
    id(values.must_get::<&Value>("id")?)
}

/// Returns the id of a `{% cache row=… %}` at this place, for the row with this group.
pub(super) fn id_of_row(place: &str, row: &str) -> String {
    let mut id = NAMESPACE.to_owned();
    push_element(&mut id, place);
    id.push('/');
    push_element(&mut id, row);
    id
}

/// Returns the error for a value that is not a row.
pub(super) fn is_no_row(value: &Value) -> Error {
    Error::message(format!(
        "`row` of a fragment must be a row of a table as a controller got it and gave it to the page, but \
         this is `{}` without a row; write `id=[…]` with all that the text depends on",
        value.name()
    ))
}

/// Returns the groups that a `{% cache … %}` names.
pub(super) fn groups(values: &Kwargs) -> TeraResult<Vec<String>> {
    let Some(value) = values.get::<&Value>("groups")? else { return Ok(Vec::new()) };
    let wanted = "a string, or an array of strings";
    let mut groups: Vec<String> = match (value.as_str(), value.as_array()) {
        (Some(names), _) => names.split(',').map(|name| name.trim().to_owned()).collect(),
        (None, Some(names)) => {
            let name = |(index, name)| Ok(element("groups", wanted, index, name)?.into_owned());
            names.iter().enumerate().map(name).collect::<TeraResult<_>>()?
        }
        (None, None) => return Err(is_no("groups", wanted, value)),
    };
    groups.retain(|group| !group.is_empty());
    Ok(groups)
}

/// Returns the id as patterns see it.
fn id(value: &Value) -> TeraResult<String> {
    let mut id = NAMESPACE.to_owned();
    let wanted = "a string, a number, or an array of those";
    match value.as_array() {
        None => {
            let text = text(value).ok_or_else(|| is_no("id", wanted, value))?;
            // In the cache a line break ends the id; the space distinguishes this one from it.
            id.push_str(&text.replace('\n', "\n "));
        }
        Some(elements) => {
            for (index, value) in elements.iter().enumerate() {
                if index > 0 {
                    id.push('/');
                }
                push_element(&mut id, &element("id", wanted, index, value)?);
            }
        }
    }
    if id.len() == NAMESPACE.len() {
        return Err(Error::message("the id of a fragment must not be empty"));
    }
    Ok(id)
}

/// Appends an element, escaped so that different elements never give the same id.
fn push_element(id: &mut String, element: &str) {
    for character in element.chars() {
        match character {
            '%' => id.push_str("%25"),
            '/' => id.push_str("%2F"),
            '\n' => id.push_str("%0A"),
            character => id.push(character),
        }
    }
}

/// Parses a type; `None` for `no_cache`.
fn kind(text: &str) -> Result<Option<FragmentType>, String> {
    let text = text.trim();
    if let Some(lifetime) = text.strip_prefix("timeout ") {
        let lifetime = parse_duration(lifetime).map_err(|error| error.to_string())?;
        return Ok(Some(FragmentType::Timeout(lifetime)));
    }
    match text {
        "normal" => Ok(Some(FragmentType::Normal)),
        "persistent" => Ok(Some(FragmentType::Persistent)),
        "no_cache" => Ok(None),
        _ => Err(format!(
            "`{text}` is not a type of a fragment; write \"normal\", \"persistent\", \"timeout 20s\" or \
             \"no_cache\""
        )),
    }
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value.as_str() {
        Some(text) => Some(text.into()),
        None => value.is_number().then(|| value.to_string().into()),
    }
}

/// Returns the text of the array element at `index`.
fn element<'v>(
    argument: &str,
    wanted: &str,
    index: usize,
    value: &'v Value,
) -> TeraResult<Cow<'v, str>> {
    text(value).ok_or_else(|| {
        let (number, kind) = (index + 1, value.name());
        Error::message(format!(
            "`{argument}` of a fragment must be {wanted}, but element {number} of its array is \
             `{kind}`"
        ))
    })
}

fn is_no(argument: &str, wanted: &str, value: &Value) -> Error {
    Error::message(format!(
        "`{argument}` of a fragment must be {wanted}, but it is `{}`",
        value.name()
    ))
}
