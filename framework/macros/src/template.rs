use headwater_address::never_matches;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

/// A piece of a group's name or of a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Capture(String),
}

impl ToTokens for Piece {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Piece::Text(text) => quote!(::headwater::controller::Piece::Text(#text)),
            Piece::Capture(name) => quote!(::headwater::controller::Piece::Capture(#name)),
        });
    }
}

/// Parses a group's name: `{name}` is a capture, `{{` and `}}` are braces.
pub(crate) fn group(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Pieces::default();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        pieces.text(&rest[..at]);
        let brace = &rest[at..];
        if let Some(after) = brace.strip_prefix("{{").or_else(|| brace.strip_prefix("}}")) {
            pieces.text(&brace[..1]);
            rest = after;
        } else if let Some((name, after)) = capture(brace) {
            pieces.capture(name);
            rest = after;
        } else {
            return Err(format!(
                "in the group `{text}`, a brace must be part of `{{name}}`, the name of a capture of \
                 the route; for a brace itself write it twice: `{{{{`"
            ));
        }
    }
    pieces.text(rest);
    Ok(pieces.0)
}

/// Parses a pattern: `{name}` is a capture where it has no meaning in a regular expression. Checks
/// that the pattern is a valid expression.
pub(crate) fn pattern(text: &str) -> Result<Vec<Piece>, String> {
    let pieces = pattern_pieces(text);
    // A capture is inserted escaped, so a letter can stand for it here.
    let filled: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Capture(_) => "x",
        })
        .collect();
    match regex_syntax::parse(&filled) {
        Ok(_) => match never_matches(&filled) {
            Some(reason) => Err(format!("`{text}` can never match: {reason}")),
            None => Ok(pieces),
        },
        Err(error) => Err(format!("`{text}` is not a regular expression: {}", reason(&error))),
    }
}

fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => {
            format!("{}, at character {}", error.kind(), error.span().start.column)
        }
        regex_syntax::Error::Translate(error) => {
            format!("{}, at character {}", error.kind(), error.span().start.column)
        }
        other => other.to_string(),
    }
}

fn pattern_pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            '\\' => escape_length(rest),
            '[' => class_length(rest),
            '{' => match capture(rest) {
                Some((name, after)) => {
                    pieces.capture(name);
                    rest = after;
                    continue;
                }
                None => 1,
            },
            _ => letter.len_utf8(),
        };
        pieces.text(&rest[..length]);
        rest = &rest[length..];
    }
    pieces.0
}

/// Returns the length of `\x`, and of `\p{Greek}`, `\x{7F}`, `\b{start}` with their braces.
fn escape_length(text: &str) -> usize {
    let mut letters = text[1..].chars();
    let Some(escaped) = letters.next() else { return 1 };
    let length = 1 + escaped.len_utf8();
    let braced =
        matches!(escaped, 'p' | 'P' | 'x' | 'u' | 'U' | 'b') && letters.next() == Some('{');
    match text[length..].find('}') {
        Some(end) if braced => length + end + 1,
        _ => length,
    }
}

/// Returns the length of a class `[…]` including nested classes, or of the whole text if the class
/// has no end.
fn class_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        match letter {
            '\\' => at += escape_length(&text[at..]),
            '[' => {
                depth += 1;
                at += 1;
                at += usize::from(text[at..].starts_with('^'));
                // Directly after the opening bracket, `]` does not end a class.
                at += usize::from(text[at..].starts_with(']'));
            }
            ']' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += letter.len_utf8(),
        }
    }
    text.len()
}

/// Returns the name in `{name}` at the beginning of the text, and the rest of the text.
fn capture(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let mut letters = name.chars();
    let first = letters.next()?;
    let is_name = (first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_');
    is_name.then_some((name, after))
}

/// A list of pieces without adjacent texts.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    fn capture(&mut self, name: &str) {
        self.0.push(Piece::Capture(name.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn slug() -> Piece {
        Piece::Capture("slug".to_owned())
    }

    #[test]
    fn a_group_may_hold_captures_and_doubled_braces() {
        assert_eq!(group("story:{slug}").unwrap(), [text("story:"), slug()]);
        assert_eq!(group("{slug}").unwrap(), [slug()]);
        assert_eq!(group("a{{b}}").unwrap(), [text("a{b}")]);
        for wrong in ["a{", "a}", "{}", "{a b}", "{3}"] {
            assert!(group(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_capture_in_a_pattern_is_not_taken_for_a_regular_expression() {
        let around = [text("^/stories/"), slug(), text("$")];
        assert_eq!(pattern("^/stories/{slug}$").unwrap(), around);
        for plain in [
            r"a{2}b{1,}c{,3}",
            r"[{slug}]",
            r"[]{slug}]",
            r"[a[{slug}]{slug}]",
            r"\p{Greek}\x{7F}",
            r"\{slug\}",
        ] {
            assert_eq!(pattern_pieces(plain), [text(plain)]);
        }
        assert_eq!(pattern_pieces(r"[a\]]{slug}"), [text(r"[a\]]"), slug()]);
        assert_eq!(pattern_pieces(r"\\{slug}"), [text(r"\\"), slug()]);
    }

    #[test]
    fn a_pattern_must_be_a_regular_expression() {
        let error = pattern("^/blog/(").unwrap_err();
        assert_eq!(error, "`^/blog/(` is not a regular expression: unclosed group, at character 8");
        assert!(pattern(r"\p{Klingon}").is_err());
        assert!(pattern("{slug}{2}").is_ok());
        let error = pattern("^/größe/{slug}$").unwrap_err();
        assert!(error.contains("write `/gr%C3%B6%C3%9Fe/x`"), "{error}");
        assert!(pattern("^fragment:größe/{slug}$").is_ok());
    }
}
