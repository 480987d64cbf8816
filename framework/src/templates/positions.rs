//! Where in a site's own text something is that Tera has found in the text it was given.

use std::collections::HashMap;
use std::ops::Range;

/// A template whose text was changed before Tera read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// As the site's author wrote it.
    original: String,
    /// As Tera reads it.
    text: String,
    /// How far the original has been copied.
    copied: usize,
    /// In the order of the text.
    edits: Vec<Edit>,
}

/// Text in the place of other text, both without line breaks. Offsets are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    /// What was put in, in the new text.
    new: Range<usize>,
    /// What it stands for, in the original.
    old: Range<usize>,
    /// What is shown if something is wrong with what was put in, in the original.
    shown: Range<usize>,
}

/// A place in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPosition {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

impl TextPosition {
    /// The place of a byte in a text.
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

    /// Puts `with` in the place of `old`, which comes after all that was replaced so far. What is
    /// found wrong with it is shown as if it were `shown` of the original.
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

    /// Copies what is left.
    pub(super) fn finish(mut self, original: &str) -> Rewritten {
        self.text.push_str(&original[self.copied..]);
        self.copied = original.len();
        self
    }

    /// What Tera is to read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether Tera means text that the author did not write.
    pub(super) fn is_ours(&self, place: TextPosition) -> bool {
        let offset = offset_of(&self.text, place);
        self.edit_at(offset).is_some_and(|edit| edit.new.contains(&offset))
    }

    /// Where in the original the place is that Tera means.
    pub fn original(&self, place: TextPosition) -> TextPosition {
        TextPosition::of(&self.original, self.start(offset_of(&self.text, place)))
    }

    /// The line of the original around that place, without its line break, and how many characters
    /// of it are meant where Tera means `width`.
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

    /// The last edit that begins at `offset` or before.
    fn edit_at(&self, offset: usize) -> Option<&Edit> {
        let after = self.edits.partition_point(|edit| edit.new.start <= offset);
        after.checked_sub(1).map(|last| &self.edits[last])
    }
}

/// The byte at a place, or where the line or text ends before it.
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

    /// Where in the author's text the place is that Tera means.
    pub(super) fn place(&self, name: &str, place: TextPosition) -> TextPosition {
        self.get(name).map_or(place, |rewritten| rewritten.original(place))
    }

    /// Tera's report of an error that says `message`, with places and lines as the author knows
    /// them.
    ///
    /// A report is the message and then, for each place, a line that names it, a bar, the line of
    /// the template and what is meant in it.
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

    /// A line that names a place in a template that was changed: what stands before line and
    /// column, and the place.
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

/// As Tera shows a place.
fn show(heading: &str, at: TextPosition, text: &str, width: usize) -> String {
    let TextPosition { line, column } = at;
    let padding = " ".repeat(line.to_string().len());
    let before = text.chars().take(column - 1);
    let before =
        before.map(|character| if character == '\t' { '\t' } else { ' ' }).collect::<String>();
    let under = "^".repeat(width);
    format!("{heading}:{line}:{column}\n{padding} |\n{line} | {text}\n{padding} | {before}{under}")
}
