//! Converts `{% cache … %}` into tags that Tera supports.
//!
//! ```text
//! {%- cache id=ID, groups=GROUPS %}      {%- if OPEN(place=3, id=ID, groups=GROUPS) %}{% filter CLOSE %}
//! body                                   body
//! {% endcache -%}                        {% endfilter %}{% else %}{{ FOUND() }}{% endif -%}
//! ```
//!
//! The rest of the text stays unchanged, no line is added or removed, and the arguments keep their position, so that
//! Tera parses and evaluates them as the arguments of any function. `place` is the fragment's number within the site.

use super::arguments;
use super::functions::{CLOSE, FOUND, OPEN, PLACE};
use crate::problem::line_of;
use crate::templates::positions::Rewritten;
use crate::templates::scanner::{self, Tag};

/// An error in a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The offset in the template's text, in bytes.
    pub offset: usize,
    /// The error and its correction, as a sentence.
    pub message: String,
}

impl Wrong {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Wrong {
        Wrong { offset, message: message.into() }
    }
}

/// Rewrites a template for Tera; `None` if it has no fragments. Its fragments are numbered from `first`.
///
/// # Errors
/// Returns all errors in `cache` and `endcache`. Tera reports errors in the rest.
pub fn rewrite(text: &str, first: usize) -> Result<Option<Rewritten>, Vec<Wrong>> {
    let mut rewriter = Rewriter {
        text,
        place: first,
        rewritten: Rewritten::of(text),
        open: Vec::new(),
        wrong: Vec::new(),
    };
    let mut found = false;
    let mut tags = scanner::tags(text);
    for tag in tags.by_ref() {
        found |= is_of_fragment(&tag);
        rewriter.tag(tag);
    }
    if let Some(Tag { word, range, .. }) = tags.unfinished().filter(|tag| is_of_fragment(tag)) {
        found = true;
        let message = format!("this `{word}` does not end; close its strings, and write `%}}`");
        rewriter.wrong.push(Wrong::new(range.start, message));
    } else {
        for tag in rewriter.open.iter().filter(|tag| tag.word == CACHE) {
            let message =
                "this `cache` is never closed; write `{% endcache %}` where the fragment ends";
            rewriter.wrong.push(Wrong::new(tag.at, message));
        }
    }
    match (found, rewriter.wrong.is_empty()) {
        (false, _) => Ok(None),
        (true, true) => Ok(Some(rewriter.rewritten.finish(text))),
        (true, false) => Err(rewriter.wrong),
    }
}

/// Returns the groups that each fragment of a template names, with its offset; `None` if they are an expression.
pub(crate) fn constant_groups(text: &str) -> impl Iterator<Item = (usize, Option<Vec<&str>>)> {
    let of_fragment = scanner::tags(text).filter(|tag| tag.word == CACHE);
    of_fragment.map(|tag| (tag.range.start, arguments::constant_groups(text, &tag)))
}

/// Returns whether the tag is `cache` or `endcache`.
fn is_of_fragment(tag: &Tag<'_>) -> bool {
    matches!(tag.word, CACHE | END_CACHE)
}

const CACHE: &str = "cache";
const END_CACHE: &str = "endcache";

/// Tags with a body, by the words that open and close them.
const BODIES: [(&str, &str); 6] = [
    ("if", "endif"),
    ("for", "endfor"),
    ("filter", "endfilter"),
    ("block", "endblock"),
    ("component", "endcomponent"),
    (CACHE, END_CACHE),
];

struct Rewriter<'a> {
    text: &'a str,
    /// The number of the next fragment.
    place: usize,
    rewritten: Rewritten,
    /// The tags whose body has not ended.
    open: Vec<Open<'a>>,
    wrong: Vec<Wrong>,
}

struct Open<'a> {
    word: &'a str,
    at: usize,
    /// Whether it is in the `else` of a loop.
    in_else: bool,
}

impl<'a> Rewriter<'a> {
    fn tag(&mut self, tag: Tag<'a>) {
        match tag.word {
            CACHE => self.cache(&tag),
            END_CACHE => self.end_cache(&tag),
            "else" => {
                if let Some(last) = self.open.last_mut() {
                    last.in_else = true;
                }
            }
            "break" | "continue" => self.jump(&tag),
            word => {
                if BODIES.iter().any(|(open, _)| *open == word) {
                    self.open.push(Open { word, at: tag.range.start, in_else: false });
                } else if let Some((open, _)) = BODIES.iter().find(|(_, end)| *end == word) {
                    self.end(open, &tag);
                }
            }
        }
    }

    fn cache(&mut self, tag: &Tag<'a>) {
        self.wrong.extend(arguments::check(self.text, tag));
        self.open.push(Open { word: CACHE, at: tag.range.start, in_else: false });
        let word = tag.word_at..tag.rest().start;
        let with = format!("if {OPEN}({PLACE}={},", self.place);
        self.place += 1;
        self.rewritten.replace(self.text, word, &with, &tag.range);
        let end = tag.inside_end..tag.inside_end;
        self.rewritten.replace(self.text, end, &format!(") %}}{{% filter {CLOSE} "), &tag.range);
    }

    fn end_cache(&mut self, tag: &Tag<'a>) {
        let rest = &self.text[tag.rest()];
        if !rest.trim().is_empty() {
            let at = tag.rest().start + rest.len() - rest.trim_start().len();
            self.wrong.push(Wrong::new(at, "`endcache` takes nothing; write `{% endcache %}`"));
        }
        match self.open.iter().rposition(|open| open.word == CACHE) {
            None => {
                let message = "there is no `{% cache %}` before this `endcache`";
                self.wrong.push(Wrong::new(tag.range.start, message));
            }
            Some(cache) => {
                if let Some(inner) = self.open.get(cache + 1) {
                    let (word, line) = (inner.word, line_of(self.text, inner.at));
                    let message = format!("the `{word}` of line {line} must be closed before this");
                    self.wrong.push(Wrong::new(tag.range.start, message));
                }
                self.open.truncate(cache);
            }
        }
        let with = format!("endfilter %}}{{% else %}}{{{{ {FOUND}() }}}}{{% endif");
        self.rewritten.replace(self.text, tag.word_at..tag.rest().start, &with, &tag.range);
    }

    /// Closes one of Tera's own tags.
    fn end(&mut self, word: &str, tag: &Tag<'a>) {
        match self.open.last() {
            Some(open) if open.word == word => {
                self.open.pop();
            }
            Some(open) if open.word == CACHE => {
                let line = line_of(self.text, open.at);
                let message = format!(
                    "the `cache` of line {line} must be closed before this; write `{{% endcache %}}`"
                );
                self.wrong.push(Wrong::new(tag.range.start, message));
            }
            _ => {}
        }
    }

    /// Checks a `break` or `continue`. It would not be executed on a hit, so it must not leave a fragment.
    fn jump(&mut self, tag: &Tag<'a>) {
        let leaves = |open: &&Open<'_>| open.word == CACHE || open.word == "for" && !open.in_else;
        if self.open.iter().rev().find(leaves).is_some_and(|open| open.word == CACHE) {
            let message = format!(
                "`{}` cannot leave a fragment, because the body is not evaluated when the fragment is \
                 in the cache; put all of the loop into `{{% cache %}}`, or `{{% cache %}}` after this",
                tag.word
            );
            self.wrong.push(Wrong::new(tag.range.start, message));
        }
    }
}
