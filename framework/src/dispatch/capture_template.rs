use std::fmt;

use crate::problem::nearest;

/// Text with placeholders for a route's captures, as in `story:{slug}`. `{{` and `}}` are escaped
/// braces.
#[derive(Debug, Clone, Default)]
pub(super) struct CaptureTemplate {
    written: String,
    pieces: Vec<Piece>,
}

/// A piece of a [`CaptureTemplate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Literal text.
    Text(String),
    /// A placeholder for the route's capture with this index.
    Capture(usize),
}

impl CaptureTemplate {
    /// Creates a template from its pieces; `written` is its source text.
    pub(super) fn new(written: impl Into<String>, pieces: Vec<Piece>) -> CaptureTemplate {
        CaptureTemplate { written: written.into(), pieces }
    }

    /// Parses `written`, whose placeholders must be names in `captures`. The error is a sentence.
    pub(super) fn parse(written: &str, captures: &[String]) -> Result<CaptureTemplate, String> {
        let mut pieces = Vec::new();
        for part in split(written)? {
            pieces.push(match part {
                Part::Text(text) => Piece::Text(text),
                Part::Place(name) => match captures.iter().position(|known| known == name) {
                    Some(index) => Piece::Capture(index),
                    None => return Err(unknown_capture(name, captures)),
                },
            });
        }
        Ok(CaptureTemplate::new(written, pieces))
    }

    /// Returns the pieces in order.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns the text, if the template has no placeholders.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends this template to `prefix`, with the indices of its captures raised by `shift`. A
    /// path that is only a slash adds nothing.
    pub(super) fn after(&self, prefix: &CaptureTemplate, shift: usize) -> CaptureTemplate {
        if prefix.pieces.is_empty() {
            return self.clone();
        }
        if self.literal() == Some("/") {
            return prefix.clone();
        }
        let mut pieces = prefix.pieces.clone();
        if let Some(Piece::Text(text)) = pieces.last_mut() {
            text.truncate(text.trim_end_matches('/').len());
        }
        for piece in &self.pieces {
            match (piece, pieces.last_mut()) {
                (Piece::Text(more), Some(Piece::Text(text))) => text.push_str(more),
                (Piece::Text(text), _) => pieces.push(Piece::Text(text.clone())),
                (Piece::Capture(index), _) => pieces.push(Piece::Capture(index + shift)),
            }
        }
        CaptureTemplate::new(format!("{}{self}", prefix.written.trim_end_matches('/')), pieces)
    }

    /// Returns the template with each literal text replaced.
    pub(super) fn map_text(mut self, replace: impl Fn(&str) -> String) -> CaptureTemplate {
        for piece in &mut self.pieces {
            if let Piece::Text(text) = piece {
                *text = replace(text);
            }
        }
        self
    }

    /// Returns the text with each placeholder replaced by `fill`, which appends the capture with
    /// that index.
    pub(super) fn expand(&self, mut fill: impl FnMut(usize, &mut String)) -> String {
        let mut text = String::with_capacity(self.written.len() + 32);
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Capture(index) => fill(*index, &mut text),
            }
        }
        text
    }
}

impl fmt::Display for CaptureTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// A piece of source text. Text between braces is a placeholder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'w> {
    Text(String),
    Place(&'w str),
}

/// Splits `written` at its placeholders. Adjacent text is one part. The error is a sentence.
pub(super) fn split(written: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = written;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
            continue;
        }
        let place = after.split_once('}').filter(|_| brace == "{");
        let Some((name, after)) = place.filter(|(name, _)| !name.contains('{')) else {
            return Err(format!(
                "`{written}` has a `{brace}` without its counterpart; \
                 write `{brace}{brace}` for the character itself"
            ));
        };
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        parts.push(Part::Place(name));
        rest = after;
    }
    text.push_str(rest);
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}

fn unknown_capture(name: &str, captures: &[String]) -> String {
    if captures.is_empty() {
        return format!("`{{{name}}}` is not a capture of the route; it has none");
    }
    let known: Vec<String> = captures.iter().map(|known| format!("`{{{known}}}`")).collect();
    let known = known.join(", ");
    match nearest(name, captures.iter().map(String::as_str)) {
        Some(near) => {
            format!(
                "`{{{name}}}` is not a capture of the route ({known}); did you mean `{{{near}}}`?"
            )
        }
        None => format!("`{{{name}}}` is not a capture of the route ({known})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn places_are_filled_in_order() {
        let capture_template = CaptureTemplate::parse("{b}:x{{{a}}}", &names(&["a", "b"])).unwrap();
        let text = capture_template.expand(|index, text| text.push_str(["1", "2"][index]));
        assert_eq!(text, "2:x{1}");
        assert_eq!(capture_template.literal(), None);
        assert_eq!(CaptureTemplate::parse("a{{}}", &[]).unwrap().literal(), Some("a{}"));
    }

    #[test]
    fn an_unknown_place_names_the_nearest_capture() {
        let message = CaptureTemplate::parse("story:{slog}", &names(&["slug"])).unwrap_err();
        assert!(message.ends_with("did you mean `{slug}`?"), "{message}");
    }

    #[test]
    fn single_braces_are_refused() {
        for text in ["{", "a}", "{a", "{a{b}", "}{"] {
            assert!(CaptureTemplate::parse(text, &names(&["a", "b"])).is_err(), "{text}");
        }
    }
}
