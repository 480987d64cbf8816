//! The scripts and styles that stand in HTML itself, by which a `Content-Security-Policy` lets exactly these run.
//!
//! A site's author writes them in templates; what an attacker brings into a page is not one of them. So their
//! hashes are made when the templates load ([`KnownInline`]), and a page is given those of the blocks that it
//! shows ([`KnownInline::add_shown`]), which are looked up among the known ones. A block that is in no template
//! has no hash in any page. In whatever way a block comes into a page, by inheritance, inclusion or a fragment, it
//! is found in the page's own text; what parts bring along is added when they are put in.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What an inline block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InlineKind {
    /// `<script>`.
    Script,
    /// `<style>`.
    Style,
}

/// The hashes of inline blocks, each of them once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InlineHashes(Vec<(InlineKind, Arc<str>)>);

impl InlineHashes {
    /// That of one block.
    pub(crate) fn of(kind: InlineKind, text: &str) -> InlineHashes {
        InlineHashes(vec![(kind, hash(text))])
    }

    /// Adds those of `others`.
    pub(crate) fn extend(&mut self, others: &InlineHashes) {
        others.0.iter().for_each(|(kind, hash)| self.add(*kind, hash));
    }

    fn add(&mut self, kind: InlineKind, hash: &Arc<str>) {
        let of_hash = |known: &(InlineKind, Arc<str>)| (known.0, &*known.1).cmp(&(kind, hash));
        if let Err(place) = self.0.binary_search_by(of_hash) {
            self.0.insert(place, (kind, Arc::clone(hash)));
        }
    }

    /// Those of one kind, as a `Content-Security-Policy` writes them: `'sha256-…'`.
    pub(crate) fn of_kind(&self, kind: InlineKind) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |known| known.0 == kind).map(|(_, hash)| &**hash)
    }

    /// Whether there are none.
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
    /// Adds the blocks of a template whose text, but for what the engine evaluates, is `text`: of that every
    /// byte is a NUL. Returns where the blocks are of which each page may have another text, so that they have no hash.
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

    /// Adds the hashes of the known blocks that stand in `page`.
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

/// The source expression of a block with this text. Browsers hash what their parser has made of it, and that has read
/// every end of line as a line feed (HTML, section 13.2.3.5).
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
    /// What stands between its tags.
    content: Range<usize>,
}

/// The inline blocks of HTML. What has `src` is none, and neither is a script that is data to browsers. Comments
/// are not recognised: a hash too many lets run what the site's author has written.
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

/// Where a tag's name ends, if it is `name` and stands at `at`.
fn tag_name(bytes: &[u8], at: usize, name: &str) -> Option<usize> {
    let end = at + name.len();
    let is_it = bytes.get(at..end)?.eq_ignore_ascii_case(name.as_bytes());
    let follows = *bytes.get(end)?;
    let ends = follows.is_ascii_whitespace() || matches!(follows, b'>' | b'/' | b'\0');
    (is_it && ends).then_some(end)
}

/// Where `</name` begins.
fn end_tag(bytes: &[u8], from: usize, name: &str) -> Option<usize> {
    let ends = memchr::memmem::find_iter(&bytes[from..], "</").map(|at| from + at);
    ends.into_iter().find(|at| tag_name(bytes, at + 2, name).is_some())
}

/// What a start tag says.
struct Attributes {
    /// Where its content begins.
    end: usize,
    /// Whether a browser would run what stands in a script.
    is_inline_script: bool,
}

impl Attributes {
    /// Reads those of the tag whose name ends at `at` (HTML, section 13.2.5.32 and what follows it).
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

/// Whether scripts of this type are more than data to browsers. One that the template engine says may be.
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
    fn blocks_are_found_as_browsers_find_them() {
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
        // That of the example in the recommendation (Content Security Policy Level 3, section 2.3.1).
        let hash = InlineHashes::of(InlineKind::Script, "alert('Hello, world.');");
        let expected = "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='";
        assert_eq!(hash.of_kind(InlineKind::Script).collect::<Vec<_>>(), [expected]);
        let of = |text| InlineHashes::of(InlineKind::Style, text);
        assert_eq!(of("a\r\nb\rc"), of("a\nb\nc"));
    }

    #[test]
    fn a_page_has_the_hashes_of_its_own_blocks_and_of_none_that_no_template_has() {
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
    fn a_block_with_something_evaluated_in_it_has_no_hash() {
        let mut known = KnownInline::default();
        let text =
            "<script\0\0>a</script><script>let b = \0\0\0</script><script type='\0'>\0</script>";
        let places = known.add_template(text);
        assert_eq!(places.len(), 2);
        assert!(places.iter().all(|(kind, _)| *kind == InlineKind::Script));
        assert_eq!(known.scripts.len(), 1);
    }
}
