//! Finds the tags of a template, exactly where Tera's lexer finds them.
//!
//! Comments, raw blocks, the inside of `{{ … }}` and strings are skipped, so a tag-like text in them is not a tag.
//! Where Tera would report an error (an unterminated string, comment or tag), the search ends too: Tera reads the
//! same text afterwards and reports the error.

use std::ops::Range;

/// One `{% … %}`. Offsets are bytes of the template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The whole tag, with braces.
    pub range: Range<usize>,
    /// The identifier at its beginning, `""` if there is none.
    pub word: &'a str,
    /// The offset of the word.
    pub word_at: usize,
    /// The offset of `%}` or `-%}`.
    pub inside_end: usize,
}

impl<'a> Tag<'a> {
    /// Returns the range from the end of the word to the closing brace.
    pub fn rest(&self) -> Range<usize> {
        self.word_at + self.word.len()..self.inside_end
    }
}

/// Returns all tags of a template in their order.
pub fn tags(text: &str) -> Tags<'_> {
    Tags(statements(text))
}

/// A part of a template that Tera evaluates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement<'a> {
    Tag(Tag<'a>),
    /// The inside of `{{ … }}`.
    Output(Range<usize>),
}

/// Returns all tags and outputs of a template in their order.
pub(super) fn statements(text: &str) -> Statements<'_> {
    Statements { text, at: 0, unfinished: None }
}

/// An iterator over tags and outputs.
#[derive(Debug)]
pub(super) struct Statements<'a> {
    text: &'a str,
    at: usize,
    unfinished: Option<Tag<'a>>,
}

impl<'a> Iterator for Statements<'a> {
    type Item = Statement<'a>;

    fn next(&mut self) -> Option<Statement<'a>> {
        let bytes = self.text.as_bytes();
        let found = self.advance(bytes);
        if found.is_none() {
            self.at = bytes.len();
        }
        found
    }
}

/// An iterator over tags.
#[derive(Debug)]
pub struct Tags<'a>(Statements<'a>);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        self.0.find_map(|statement| match statement {
            Statement::Tag(tag) => Some(tag),
            Statement::Output(_) => None,
        })
    }
}

impl<'a> Tags<'a> {
    /// Returns the tag that has no end, if the search has reached one: its braces, or a string in it, are not closed.
    /// It extends to the end of the text.
    pub(super) fn unfinished(&self) -> Option<&Tag<'a>> {
        self.0.unfinished.as_ref()
    }
}

impl<'a> Statements<'a> {
    fn advance(&mut self, bytes: &[u8]) -> Option<Statement<'a>> {
        loop {
            let start = self.at + memchr::memchr(b'{', &bytes[self.at..])?;
            let opened = start + 2;
            let inside = opened + usize::from(bytes.get(opened) == Some(&b'-'));
            match bytes.get(start + 1) {
                Some(b'{') => {
                    let (inside_end, end) = closing(bytes, inside, b"}}")?;
                    self.at = end;
                    return Some(Statement::Output(inside..inside_end));
                }
                Some(b'#') => self.at = inside + find(&bytes[inside..], b"#}")? + 2,
                Some(b'%') => match end_of_word_tag(bytes, inside, b"raw") {
                    Some(raw) => self.at = end_of_raw(bytes, raw)?,
                    None => {
                        let Some((inside_end, end)) = closing(bytes, inside, b"%}") else {
                            let end = bytes.len();
                            self.unfinished = Some(self.tag(start, inside, end, end));
                            return None;
                        };
                        self.at = end;
                        return Some(Statement::Tag(self.tag(start, inside, inside_end, end)));
                    }
                },
                _ => self.at = start + 1,
            }
        }
    }

    fn tag(&self, start: usize, inside: usize, inside_end: usize, end: usize) -> Tag<'a> {
        let word_at = inside + spaces(&self.text.as_bytes()[inside..inside_end]);
        let word = identifier(&self.text[word_at..inside_end]);
        Tag { range: start..end, word, word_at, inside_end }
    }
}

/// Returns the identifier at the beginning of `text`, `""` if there is none.
pub(super) fn identifier(text: &str) -> &str {
    let bytes = text.as_bytes();
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if bytes.first().is_some_and(u8::is_ascii_digit) {
        return "";
    }
    &text[..bytes.iter().take_while(|byte| part(byte)).count()]
}

/// Returns the number of white-space characters at the beginning.
pub(super) fn spaces(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Returns the offset after the string whose quote is at `at`.
pub(super) fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    let quote = bytes[at];
    let mut at = at + 1;
    while *bytes.get(at)? != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    Some(at + 1)
}

/// Returns whether a byte begins a string.
pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// Returns the range of the first `brace` outside of strings, with a `-` before it.
pub(super) fn closing(bytes: &[u8], from: usize, brace: &[u8; 2]) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let byte = *bytes.get(at)?;
        if is_quote(byte) {
            at = end_of_string(bytes, at)?;
            continue;
        }
        let rest = &bytes[at..];
        if rest.starts_with(brace) {
            return Some((at, at + 2));
        }
        if byte == b'-' && rest[1..].starts_with(brace) {
            return Some((at, at + 3));
        }
        at += 1;
    }
}

/// Returns the end of the tag, if it contains nothing but `word`.
fn end_of_word_tag(bytes: &[u8], from: usize, word: &[u8]) -> Option<usize> {
    let mut at = from + usize::from(bytes.get(from) == Some(&b'-'));
    at += spaces(&bytes[at..]);
    at += bytes[at..].starts_with(word).then_some(word.len())?;
    at += spaces(&bytes[at..]);
    at += usize::from(bytes.get(at) == Some(&b'-'));
    bytes[at..].starts_with(b"%}").then_some(at + 2)
}

/// Returns the offset after the next `{% endraw %}`.
fn end_of_raw(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += find(&bytes[at..], b"{%")? + 2;
        if let Some(end) = end_of_word_tag(bytes, at, b"endraw") {
            return Some(end);
        }
    }
}

fn find(bytes: &[u8], what: &[u8; 2]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<&str> {
        tags(text).map(|tag| tag.word).collect()
    }

    #[test]
    fn tags_are_found_with_their_words_and_ranges() {
        let text = "a{%- cache id = 1 -%}b{% endcache %}{%x%}{% </a> %}";
        let found = tags(text).collect::<Vec<_>>();
        let shown = found.iter().map(|tag| (tag.word, &text[tag.range.clone()], &text[tag.rest()]));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                ("cache", "{%- cache id = 1 -%}", " id = 1 "),
                ("endcache", "{% endcache %}", " "),
                ("x", "{%x%}", ""),
                ("", "{% </a> %}", "</a> "),
            ]
        );
    }

    #[test]
    fn text_that_only_looks_like_a_tag_is_skipped() {
        let text = "{# {% a %} #}{#- {% a %} -#}{{ '{% a %}' }}{{ \"}}{% a %}\" }}{{- `{%` -}}\
                    {% raw %}{% a %}{{ '{% endraw -%}{% set x = '%}' %}{%- raw -%}{% endraw %}\
                    {{ 'it\\'s {% a %}' }}{ % a %}{{%}}{% b %}";
        assert_eq!(words(text), ["set", "b"]);
    }

    #[test]
    fn a_text_that_tera_cannot_read_ends_the_search() {
        for text in ["{% a", "{% a 'x %}{% b %}", "{{ x {% b %}", "{# {% b %}", "{% raw %}{% b %}"]
        {
            assert_eq!(words(text), Vec::<&str>::new(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_search_panic(
            text in "([{}%# a'\"é`\\\\-]|\\{% |%\\}|raw|endraw|cache)*"
        ) {
            for tag in tags(&text) {
                prop_assert!(text.is_char_boundary(tag.range.start));
                prop_assert!(text.is_char_boundary(tag.inside_end));
                prop_assert_eq!(&text[tag.range.clone()][..2], "{%");
            }
        }

        /// Tera supports none of these tags, so it stops at the first.
        #[test]
        fn the_first_tag_is_where_tera_sees_it(
            text in "(a|\\{|\\}|#|%|-|'|é|\\{\\{|\\}\\}|\\{#|#\\}|\\{% raw %\\}|\\{% endraw %\\}|\\{% unknown %\\})*"
        ) {
            let error = tera::Tera::new().add_raw_template("t", &text).err();
            let Some(tera::ErrorKind::SyntaxError(report)) = error.as_ref().map(tera::Error::kind)
            else {
                prop_assert_eq!(words(&text), Vec::<&str>::new());
                return Ok(());
            };
            // For the scanner, an unterminated tag is not a tag.
            if report.message() == "Unknown tag" && let Some(first) = tags(&text).next() {
                prop_assert_eq!(first.word_at, report.span().range.start);
            }
        }
    }
}
