//! Inline scripts and styles in HTML, whose hashes let a `Content-Security-Policy` permit exactly these.
//!
//! A site's author writes them in templates; blocks that an attacker inserts into a page are not among those. So the
//! hashes are computed when the templates load ([`KnownInline`]), and a page gets those of the blocks that it contains
//! ([`KnownInline::add_shown`]) and that are known. A block that is in no template has no hash in any page. Blocks are
//! searched in the page's own text, so it does not matter whether they result from inheritance, inclusion or a
//! fragment; the hashes of parts are added when the parts are inserted.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The kind of an inline block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InlineKind {
    /// `<script>`.
    Script,
    /// `<style>`.
    Style,
}

/// A set of hashes of inline blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InlineHashes(Vec<(InlineKind, Arc<str>)>);

impl InlineHashes {
    /// Creates the hash of one block.
    pub(crate) fn of(kind: InlineKind, text: &str) -> InlineHashes {
        InlineHashes(vec![(kind, hash(text))])
    }

    /// Adds the hashes of `others`.
    pub(crate) fn extend(&mut self, others: &InlineHashes) {
        others.0.iter().for_each(|(kind, hash)| self.add(*kind, hash));
    }

    fn add(&mut self, kind: InlineKind, hash: &Arc<str>) {
        let of_hash = |known: &(InlineKind, Arc<str>)| (known.0, &*known.1).cmp(&(kind, hash));
        if let Err(place) = self.0.binary_search_by(of_hash) {
            self.0.insert(place, (kind, Arc::clone(hash)));
        }
    }

    /// Returns the hashes of one kind, as written in a `Content-Security-Policy`: `'sha256-…'`.
    pub(crate) fn of_kind(&self, kind: InlineKind) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |known| known.0 == kind).map(|(_, hash)| &**hash)
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The inline blocks of a site's templates, by their text.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownInline {
    scripts: HashMap<Box<str>, Arc<str>>,
    styles: HashMap<Box<str>, Arc<str>>,
}

impl KnownInline {
    /// Adds the blocks of a template. In `text`, every byte of the parts that the engine evaluates is a NUL. Returns
    /// the positions of blocks whose text may differ between pages, so that they have no hash.
    pub(crate) fn add_template(&mut self, text: &str) -> Vec<(InlineKind, usize)> {
        let mut changing = Vec::new();
        for Block { kind, content } in Blocks::of(text) {
            let start = content.start;
            let content = &text[content];
            if content.contains(['\0']) {
                changing.push((kind, start));
            } else {
                self.of_kind(kind).entry(content.into()).or_insert_with(|| hash(content));
            }
        }
        changing
    }

    /// Adds the hashes of the known blocks in `page`.
    pub(crate) fn add_shown(&self, page: &[u8], hashes: &mut InlineHashes) {
        if self.scripts.is_empty() && self.styles.is_empty() {
            return;
        }
        let Ok(page) = std::str::from_utf8(page) else { return };
        for Block { kind, content } in Blocks::of(page) {
            let known = match kind {
                InlineKind::Script => &self.scripts,
                InlineKind::Style => &self.styles,
            };
            if let Some(hash) = known.get(&page[content]) {
                hashes.add(kind, hash);
            }
        }
    }

    fn of_kind(&mut self, kind: InlineKind) -> &mut HashMap<Box<str>, Arc<str>> {
        match kind {
            InlineKind::Script => &mut self.scripts,
            InlineKind::Style => &mut self.styles,
        }
    }
}

/// Returns the source expression of a block with this text. Browsers hash the text after parsing, which replaces every
/// line ending with a line feed (HTML, section 13.2.3.5).
fn hash(text: &str) -> Arc<str> {
    let digest = match text.contains('\r') {
        true => Sha256::digest(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Sha256::digest(text),
    };
    format!("'sha256-{}'", STANDARD.encode(digest)).into()
}

/// An inline block of a text.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    kind: InlineKind,
    /// The range between its tags.
    content: Range<usize>,
}

/// Iterates over the inline blocks of HTML, which excludes scripts with `src` and scripts that browsers treat as data.
/// Comments are not recognised: an additional hash can only permit a block that the site's author has written.
struct Blocks<'a> {
    text: &'a str,
    at: usize,
}

impl Blocks<'_> {
    fn of(text: &str) -> Blocks<'_> {
        Blocks { text, at: 0 }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at + memchr::memchr(b'<', &bytes[self.at..])?;
            self.at = start + 1;
            let Some((kind, end)) = [(InlineKind::Script, "script"), (InlineKind::Style, "style")]
                .into_iter()
                .find_map(|(kind, name)| Some((kind, tag_name(bytes, start + 1, name)?)))
            else {
                continue;
            };
            let tag = Attributes::read(self.text, end)?;
            let name = if kind == InlineKind::Script { "script" } else { "style" };
            let content = tag.end..end_tag(bytes, tag.end, name)?;
            self.at = content.end;
            if kind == InlineKind::Style || tag.is_inline_script {
                return Some(Block { kind, content });
            }
        }
    }
}

/// Returns the end of a tag's name, if `name` is at `at`.
fn tag_name(bytes: &[u8], at: usize, name: &str) -> Option<usize> {
    let end = at + name.len();
    let is_it = bytes.get(at..end)?.eq_ignore_ascii_case(name.as_bytes());
    let follows = *bytes.get(end)?;
    let ends = follows.is_ascii_whitespace() || matches!(follows, b'>' | b'/' | b'\0');
    (is_it && ends).then_some(end)
}

/// Returns the start of `</name`.
fn end_tag(bytes: &[u8], from: usize, name: &str) -> Option<usize> {
    let ends = memchr::memmem::find_iter(&bytes[from..], "</").map(|at| from + at);
    ends.into_iter().find(|at| tag_name(bytes, at + 2, name).is_some())
}

/// The relevant properties of a start tag.
struct Attributes {
    /// The start of its content.
    end: usize,
    /// Whether a browser would run the content of the script.
    is_inline_script: bool,
}

impl Attributes {
    /// Reads the attributes of the tag whose name ends at `at` (HTML, section 13.2.5.32 and the following).
    fn read(text: &str, mut at: usize) -> Option<Attributes> {
        let bytes = text.as_bytes();
        let mut is_inline_script = true;
        let until = |from: usize, is_end: fn(u8) -> bool| {
            bytes[from..].iter().position(|byte| is_end(*byte)).map(|length| from + length)
        };
        loop {
            at = until(at, |byte| !byte.is_ascii_whitespace() && byte != b'/')?;
            if bytes[at] == b'>' {
                return Some(Attributes { end: at + 1, is_inline_script });
            }
            let name = at..until(at + 1, |byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>' | b'=')
            })?;
            at = until(name.end, |byte| !byte.is_ascii_whitespace())?;
            let mut value = at..at;
            if bytes[at] == b'=' {
                let from = until(at + 1, |byte| !byte.is_ascii_whitespace())?;
                (value, at) = match bytes[from] {
                    quote @ (b'"' | b'\'') => {
                        let end = from + 1 + memchr::memchr(quote, &bytes[from + 1..])?;
                        (from + 1..end, end + 1)
                    }
                    _ => {
                        let end = until(from, |byte| byte.is_ascii_whitespace() || byte == b'>')?;
                        (from..end, end)
                    }
                };
            }
            match text.get(name)? {
                name if name.eq_ignore_ascii_case("src") => is_inline_script = false,
                name if name.eq_ignore_ascii_case("type") => {
                    is_inline_script &= is_run(text.get(value)?);
                }
                _ => {}
            }
        }
    }
}

/// Returns whether browsers run scripts of this type, rather than treating them as data. A type that the template
/// engine evaluates may be one of those.
fn is_run(media_type: &str) -> bool {
    let media_type = media_type.trim().to_ascii_lowercase();
    matches!(&*media_type, "" | "module" | "importmap" | "speculationrules")
        || media_type.contains('\0')
        || media_type.contains("javascript")
        || media_type.contains("ecmascript")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &str) -> Vec<(InlineKind, &str)> {
        Blocks::of(text).map(|block| (block.kind, &text[block.content])).collect()
    }

    #[test]
    fn blocks_are_recognised_as_by_browsers() {
        use InlineKind::{Script, Style};
        for (html, found) in [
            ("<script>a</script>", vec![(Script, "a")]),
            (
                "<p><SCRIPT\ndefer>a < b</Script ><style media=print>c</style>",
                vec![(Script, "a < b"), (Style, "c")],
            ),
            ("<script nonce='>' x=\">\">a</script>", vec![(Script, "a")]),
            ("<script type=module>a</script>", vec![(Script, "a")]),
            ("<script type=\"text/javascript\">a</script>", vec![(Script, "a")]),
            (
                "<script>'<script>' + '</scripts>'</script>",
                vec![(Script, "'<script>' + '</scripts>'")],
            ),
            ("<script/>a</script>", vec![(Script, "a")]),
            ("<script src=/a.js>a</script>", vec![]),
            ("<script src>a</script>", vec![]),
            ("<script SRC = '/a.js' type=module></script><style>b</style>", vec![(Style, "b")]),
            ("<script type='application/json'>{}</script>", vec![]),
            ("<script type=application/ld+json>{}</script>", vec![]),
            ("<scripts>a</scripts><styled>b</styled>", vec![]),
            ("<script>a", vec![]),
            ("<script", vec![]),
            ("<script a='", vec![]),
            ("<", vec![]),
        ] {
            assert_eq!(blocks(html), found, "{html}");
        }
    }

    #[test]
    fn a_hash_is_what_browsers_compute() {
        // From the example in the recommendation (Content Security Policy Level 3, section 2.3.1).
        let hash = InlineHashes::of(InlineKind::Script, "alert('Hello, world.');");
        let expected = "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='";
        assert_eq!(hash.of_kind(InlineKind::Script).collect::<Vec<_>>(), [expected]);
        let of = |text| InlineHashes::of(InlineKind::Style, text);
        assert_eq!(of("a\r\nb\rc"), of("a\nb\nc"));
    }

    #[test]
    fn a_page_has_the_hashes_of_its_own_blocks_that_are_in_templates() {
        let mut known = KnownInline::default();
        assert!(
            known.add_template("<script>a</script><style>b</style><script>c</script>").is_empty()
        );
        let mut hashes = InlineHashes::default();
        let page = "<script>a</script><script>a</script><style>b</style><style>a</style><script>evil()</script>";
        known.add_shown(page.as_bytes(), &mut hashes);
        let mut expected = InlineHashes::of(InlineKind::Script, "a");
        expected.extend(&InlineHashes::of(InlineKind::Style, "b"));
        assert_eq!(hashes, expected);
        hashes.extend(&InlineHashes::of(InlineKind::Script, "a"));
        assert_eq!(hashes, expected, "each of them once");
    }

    #[test]
    fn a_block_with_an_evaluated_expression_has_no_hash() {
        let mut known = KnownInline::default();
        let text =
            "<script\0\0>a</script><script>let b = \0\0\0</script><script type='\0'>\0</script>";
        let places = known.add_template(text);
        assert_eq!(places.len(), 2);
        assert!(places.iter().all(|(kind, _)| *kind == InlineKind::Script));
        assert_eq!(known.scripts.len(), 1);
    }
}
