use std::fmt::Write;

use headwater_address::{is_in_path, never_matches};
use regex::{Regex, RegexBuilder};

/// The maximum size of a compiled pattern, in bytes.
const COMPILED_LIMIT: usize = 1 << 20;

/// Compiles the pattern of an invalidation. Back ends check patterns with it before they write them, and front
/// ends compile them with it, so both interpret them alike.
///
/// # Errors
/// When the pattern is not a regular expression, or a very large one; the message contains the position.
pub(crate) fn compile_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(COMPILED_LIMIT).build()
}

/// Checks a pattern before it is written to the log: it must be a regular expression that can match an id.
pub(super) fn check_pattern(pattern: &str) -> Result<(), String> {
    if let Err(error) = compile_pattern(pattern) {
        return Err(format!("it is not a regular expression: {error}"));
    }
    match never_matches(pattern) {
        Some(reason) => Err(reason),
        None => Ok(()),
    }
}

/// Returns the regular expression that matches the spelling of `text` in addresses.
pub(crate) fn escape_address(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '%' => escaped.push_str("%25"),
            '?' => escaped.push_str("%3F"),
            letter if is_in_path(letter) => {
                escaped.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
            }
            letter => {
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a string cannot fail.
                    let _ = write!(escaped, "%{byte:02X}");
                }
            }
        }
    }
    escaped
}
