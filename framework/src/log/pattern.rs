use regex::{Regex, RegexBuilder};

/// How large a compiled pattern may be, in bytes.
const COMPILED_LIMIT: usize = 1 << 20;

/// Compiles the pattern of an invalidation. Back ends check patterns with it before they write
/// them, and front ends read them with it, so both mean the same.
///
/// # Errors
/// The pattern is not a regular expression, or a very large one; the message has the place.
pub fn compile_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(COMPILED_LIMIT).build()
}
