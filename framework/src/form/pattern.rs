use std::sync::OnceLock;

use regex::Regex;

/// A `pattern` of HTML: the text for the page, and the equivalent expression for the server.
#[derive(Debug)]
pub struct Pattern {
    pub(super) html: &'static str,
    expression: &'static str,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    /// Makes a pattern, which is compiled on first use.
    #[doc(hidden)]
    pub const fn new(html: &'static str, expression: &'static str) -> Pattern {
        Pattern { html, expression, compiled: OnceLock::new() }
    }

    /// Returns the compiled expression, or the error if it is too large.
    pub(super) fn compiled(&self) -> Result<&Regex, &str> {
        let compile = || Regex::new(self.expression).map_err(|error| error.to_string());
        self.compiled.get_or_init(compile).as_ref().map_err(String::as_str)
    }
}
