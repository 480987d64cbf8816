//! What brings a value into another notation: the filters `urlencode`, `urlencode_strict` and `slugify` into a URL, `json_encode`
//! into JSON or a script; and what escapes a value within a string of JSON.

use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tera::{Error, Kwargs, State, TeraResult, Value};

use crate::slug::slug;

/// What stands for itself in every part of a URL (RFC 3986, section 2.3: `unreserved`).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const UNRESERVED_AND_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');

/// For a path: slashes stay.
pub(super) fn urlencode(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    percent_encode("urlencode", value, UNRESERVED_AND_SLASH)
}

/// For one segment of a path, or a value in a query.
pub(super) fn urlencode_strict(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    percent_encode("urlencode_strict", value, UNRESERVED)
}

pub(super) fn slugify(text: &str, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    Ok(slug(text))
}

fn percent_encode(filter: &str, value: &Value, encoded: &'static AsciiSet) -> TeraResult<String> {
    if value.is_string() || value.is_number() || value.is_bool() {
        return Ok(utf8_percent_encode(&value.to_string(), encoded).to_string());
    }
    Err(Error::message(format!(
        "the filter `{filter}` takes a string, a number or a bool, but it got {}",
        value.name()
    )))
}

/// The same for a template that makes JSON, where it is not escaped once more.
pub(super) fn json_encode_safely(
    value: &Value,
    arguments: Kwargs,
    state: &State<'_>,
) -> TeraResult<Value> {
    Ok(Value::safe_string(&json_encode(value, arguments, state)?))
}

/// Writes a text as it stands within a string of JSON. Like the filter, it writes nothing that ends a script or begins
/// markup.
pub(super) fn escape_json(text: &str, output: &mut dyn Write) -> io::Result<()> {
    let quoted = serde_json::to_string(text)?;
    let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    output.write_all(without_markup(inside).as_bytes())
}

/// JSON in which nothing ends a script or begins markup, so that `{{ v | json_encode | safe }}` may
/// stand in a `<script>`. `pretty=true` breaks lines.
pub(super) fn json_encode(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let json = match arguments.get::<bool>("pretty")?.unwrap_or(false) {
        true => serde_json::to_string_pretty(value),
        false => serde_json::to_string(value),
    };
    let json = json.map_err(|error| Error::message(format!("this is not JSON: {error}")))?;
    Ok(without_markup(&json))
}

/// JSON without the signs of markup and the line ends of scripts; none of them stands outside of strings.
fn without_markup(json: &str) -> String {
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
