use std::sync::OnceLock;

use regex::Regex;

/// A `pattern` of HTML: what the page says, and the expression that does the same here.
#[derive(Debug)]
pub struct Pattern {
    pub(super) html: &'static str,
    expression: &'static str,
    compiled: OnceLock<Result<Regex, String>>,
}

impl Pattern {
    /// A pattern. It is compiled when it is first asked for.
    #[doc(hidden)]
    pub const fn new(html: &'static str, expression: &'static str) -> Pattern {
        Pattern { html, expression, compiled: OnceLock::new() }
    }

    /// The expression, if it has a size that can be matched.
    pub(super) fn compiled(&self) -> Result<&Regex, &str> {
        let compile = || Regex::new(self.expression).map_err(|error| error.to_string());
        self.compiled.get_or_init(compile).as_ref().map_err(String::as_str)
    }
}
