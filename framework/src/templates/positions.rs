//! Maps positions from the text that Tera reads to the site's own text.

use std::collections::HashMap;
use std::ops::Range;

/// A template whose text was changed before Tera read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The text as the site's author wrote it.
    original: String,
    /// The text as Tera reads it.
    text: String,
    /// The offset in the original up to which it has been copied.
    copied: usize,
    /// The changes, in the order of the text.
    edits: Vec<Edit>,
}

/// A replacement of text, both sides without line breaks. Offsets are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    /// The inserted range, in the new text.
    new: Range<usize>,
    /// The replaced range, in the original.
    old: Range<usize>,
    /// The range of the original that errors in the inserted text point to.
    shown: Range<usize>,
}

/// A position in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPosition {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
}

impl TextPosition {
    /// Returns the position of a byte in a text.
    pub fn of(text: &str, offset: usize) -> TextPosition {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |line_break| line_break + 1);
        TextPosition {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }
}

impl Rewritten {
    /// Begins to rewrite `original`.
    pub(super) fn of(original: &str) -> Rewritten {
        Rewritten {
            original: original.to_owned(),
            text: String::with_capacity(original.len() + 256),
            copied: 0,
            edits: Vec::new(),
        }
    }

    /// Replaces `old`, which must follow all ranges replaced so far, with `with`. Errors in it point to `shown` in
    /// the original.
    pub(super) fn replace(
        &mut self,
        original: &str,
        old: Range<usize>,
        with: &str,
        shown: &Range<usize>,
    ) {
        self.text.push_str(&original[self.copied..old.start]);
        let start = self.text.len();
        self.text.push_str(with);
        self.copied = old.end;
        self.edits.push(Edit { new: start..self.text.len(), old, shown: shown.clone() });
    }

    /// Copies the rest of the original.
    pub(super) fn finish(mut self, original: &str) -> Rewritten {
        self.text.push_str(&original[self.copied..]);
        self.copied = original.len();
        self
    }

    /// Returns the text that is passed to Tera.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the position is in inserted text.
    pub(super) fn is_ours(&self, place: TextPosition) -> bool {
        let offset = offset_of(&self.text, place);
        self.edit_at(offset).is_some_and(|edit| edit.new.contains(&offset))
    }

    /// Maps a position that Tera reports to the original.
    pub fn original(&self, place: TextPosition) -> TextPosition {
        TextPosition::of(&self.original, self.start(offset_of(&self.text, place)))
    }

    /// Returns the line of the original around that position, without its line break, and how many of its characters
    /// correspond to `width` in Tera's text.
    fn excerpt(&self, place: TextPosition, width: usize) -> (&str, usize) {
        let end = offset_of(&self.text, TextPosition { column: place.column + width, ..place });
        let at = offset_of(&self.text, place);
        let start = self.start(at);
        let end = match self.edit_at(at).filter(|edit| edit.new.contains(&at)) {
            Some(edit) => edit.shown.end,
            None => self.end(end),
        };
        let line_start = self.original[..start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.original[line_start..];
        let line_end = line_start + rest.find('\n').unwrap_or(rest.len());
        let marked = self.original.get(start..end.min(line_end)).unwrap_or_default();
        (&self.original[line_start..line_end], marked.chars().count().max(1))
    }

    fn start(&self, offset: usize) -> usize {
        match self.edit_at(offset) {
            None => offset,
            Some(edit) if edit.new.contains(&offset) => edit.shown.start,
            Some(edit) => edit.old.end + (offset - edit.new.end),
        }
    }

    fn end(&self, offset: usize) -> usize {
        match self.edit_at(offset) {
            None => offset,
            Some(edit) if edit.new.contains(&offset) => edit.old.start,
            Some(edit) => edit.old.end + (offset - edit.new.end),
        }
    }

    /// Returns the last edit that begins at or before `offset`.
    fn edit_at(&self, offset: usize) -> Option<&Edit> {
        let after = self.edits.partition_point(|edit| edit.new.start <= offset);
        after.checked_sub(1).map(|last| &self.edits[last])
    }
}

/// Returns the offset of a position, or the end of its line or of the text if that comes first.
fn offset_of(text: &str, place: TextPosition) -> usize {
    let mut start = 0;
    for _ in 1..place.line {
        match text[start..].find('\n') {
            Some(line_break) => start += line_break + 1,
            None => return text.len(),
        }
    }
    let rest = &text[start..];
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let column = line.char_indices().nth(place.column.saturating_sub(1));
    start + column.map_or(line.len(), |(at, _)| at)
}

/// All templates whose text was changed, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Originals(HashMap<String, Rewritten>);

impl Originals {
    pub(super) fn insert(&mut self, name: String, rewritten: Rewritten) {
        self.0.insert(name, rewritten);
    }

    pub(super) fn get(&self, name: &str) -> Option<&Rewritten> {
        self.0.get(name)
    }

    /// Maps a position that Tera reports to the author's text.
    pub(super) fn place(&self, name: &str, place: TextPosition) -> TextPosition {
        self.get(name).map_or(place, |rewritten| rewritten.original(place))
    }

    /// Rewrites Tera's report of an error with `message` so that positions and lines are the author's.
    ///
    /// A report consists of the message and then, for each position, a line that names it, a bar, the line of the
    /// template and the underline.
    pub(super) fn restore(&self, report: &str, message: &str) -> String {
        let rest = report.strip_prefix("error: ").and_then(|rest| rest.strip_prefix(message));
        let Some(places) = rest else { return report.to_owned() };
        let mut restored = format!("error: {message}");
        let mut lines = places.split('\n').skip(1);
        while let Some(line) = lines.next() {
            restored.push('\n');
            match self.heading(line) {
                None => restored.push_str(line),
                Some((heading, rewritten, place)) => {
                    let mut following = || lines.next().unwrap_or_default();
                    let (_, _, under) = (following(), following(), following());
                    let width = under.chars().filter(|character| *character == '^').count();
                    let original = rewritten.original(place);
                    let (text, width) = rewritten.excerpt(place, width);
                    restored.push_str(&show(heading, original, text, width));
                }
            }
        }
        restored
    }

    /// Parses a line that names a position in a changed template, and returns the text before line and column, and
    /// the position.
    fn heading<'a>(&self, line: &'a str) -> Option<(&'a str, &Rewritten, TextPosition)> {
        let mut parts = line.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let place = TextPosition { column, line: parts.next()?.parse().ok()? };
        let heading = parts.next()?;
        let name = heading.trim_start().strip_prefix("--> ");
        let name = name.or_else(|| heading.strip_prefix("note: called from "))?;
        Some((heading, self.get(name)?, place))
    }
}

/// Formats a position as Tera does.
fn show(heading: &str, at: TextPosition, text: &str, width: usize) -> String {
    let TextPosition { line, column } = at;
    let padding = " ".repeat(line.to_string().len());
    let before = text.chars().take(column - 1);
    let before =
        before.map(|character| if character == '\t' { '\t' } else { ' ' }).collect::<String>();
    let under = "^".repeat(width);
    format!("{heading}:{line}:{column}\n{padding} |\n{line} | {text}\n{padding} | {before}{under}")
}
