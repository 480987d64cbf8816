//! Filters that encode values: `urlencode`, `urlencode_strict` and `slugify` for URLs, `json_encode` for JSON and
//! scripts. Also the escape function for values inside JSON strings.

use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tera::{Error, Kwargs, State, TeraResult, Value};

use crate::slug::slug;

/// The characters that need no escaping in any part of a URL (RFC 3986, section 2.3: `unreserved`).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const UNRESERVED_AND_SLASH: &AsciiSet = &UNRESERVED.remove(b'/');

/// Encodes a path: slashes stay.
pub(super) fn urlencode(value: &Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    percent_encode("urlencode", value, UNRESERVED_AND_SLASH)
}

/// Encodes one segment of a path, or a value in a query.
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

/// Encodes a value as [`json_encode`] does, for a template that makes JSON, where the result must not be escaped
/// again.
pub(super) fn json_encode_safely(
    value: &Value,
    arguments: Kwargs,
    state: &State<'_>,
) -> TeraResult<Value> {
    Ok(Value::safe_string(&json_encode(value, arguments, state)?))
}

/// Writes a text escaped for the inside of a JSON string. Like the filter, it writes nothing that ends a script or
/// begins markup.
pub(super) fn escape_json(text: &str, output: &mut dyn Write) -> io::Result<()> {
    let quoted = serde_json::to_string(text)?;
    let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    output.write_all(without_markup(inside).as_bytes())
}

/// Encodes a value as JSON that cannot end a script or begin markup, so `{{ v | json_encode | safe }}` is safe inside
/// a `<script>`. `pretty=true` breaks lines.
pub(super) fn json_encode(value: &Value, arguments: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let json = match arguments.get::<bool>("pretty")?.unwrap_or(false) {
        true => serde_json::to_string_pretty(value),
        false => serde_json::to_string(value),
    };
    let json = json.map_err(|error| Error::message(format!("this is not JSON: {error}")))?;
    Ok(without_markup(&json))
}

/// Escapes the characters of markup and the line terminators of scripts. In JSON they occur only inside strings.
fn without_markup(json: &str) -> String {
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}
