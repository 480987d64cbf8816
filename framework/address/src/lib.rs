//! Patterns that no address can match.
//!
//! The id of a page is its address in the canonical spelling: in the path, what RFC 3986 lets stand
//! in a segment, in the query what forms leave as it is, and everything else percent-encoded in
//! upper case. A pattern with a character that is never there, `ö` or a space or the `c` of `%c3`,
//! invalidates nothing, so it is refused, with the spelling to write. Ids of fragments, and those that
//! a variant function makes, may be any text. A pattern for them begins with `^` and a letter or digit,
//! as `^fragment:`, which no address does, and is taken as it is.
//!
//! What is looked at: each literal character, each one that is written in a class (`[a-zö]`), and
//! classes that hold no character of an address at all (`\p{Greek}`). Classes that hold more than
//! these (`.`, `[^/]`, `\w`) are as they always were.
//!
//! This is a crate of its own because `headwater-macros` needs it too: patterns in attributes are refused
//! when they are compiled.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

use regex_syntax::ast::{self, Ast, ClassSetItem};
use regex_syntax::hir::{Class, Hir, HirKind};

/// Why a pattern can never match, and what to write instead; none if it can, or if it is not a regular
/// expression.
pub fn never_matches(pattern: &str) -> Option<String> {
    let ast = ast::parse::Parser::new().parse(pattern).ok()?;
    if let Ast::Alternation(alternatives) = &ast {
        let text = |span: &ast::Span| &pattern[span.start.offset..span.end.offset];
        // Flags at the beginning count for all alternatives.
        let flags = match alternatives.asts.first() {
            Some(Ast::Concat(first)) => match first.asts.first() {
                Some(Ast::Flags(flags)) => text(&flags.span),
                _ => "",
            },
            _ => "",
        };
        return alternatives.asts.iter().enumerate().find_map(|(index, one)| {
            let one = text(one.span());
            match index == 0 || is_for_other_ids(one) {
                true => never_matches(one),
                false => never_matches(&format!("{flags}{one}")),
            }
        });
    }
    if is_for_other_ids(pattern) {
        return None;
    }
    let in_class = ast::visit(&ast, InClass).err();
    let hir = regex_syntax::parse(pattern).ok()?;
    let found = in_class.or_else(|| in_hir(&hir))?;
    let Strange { what, spelling } = found;
    Some(format!(
        "no address holds {what:?}: write {spelling}, for addresses are percent-encoded in upper case \
         (a pattern for other ids says how they begin, as `^fragment:`)"
    ))
}

/// Whether a pattern is for ids that are no addresses.
pub fn is_for_other_ids(pattern: &str) -> bool {
    pattern.strip_prefix('^').is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
}

/// A text that no address holds, and how addresses spell it.
struct Strange {
    what: String,
    spelling: String,
}

/// Looks for characters that are written in classes.
struct InClass;

impl ast::Visitor for InClass {
    type Output = ();
    type Err = Strange;

    fn finish(self) -> Result<(), Strange> {
        Ok(())
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Strange> {
        match ast {
            Ast::ClassBracketed(class) if !class.negated => in_set(&class.kind),
            _ => Ok(()),
        }
    }
}

fn in_set(set: &ast::ClassSet) -> Result<(), Strange> {
    let ast::ClassSet::Item(item) = set else { return Ok(()) };
    let items = match item {
        ClassSetItem::Union(union) => &union.items[..],
        item => std::slice::from_ref(item),
    };
    for item in items {
        let strange = match item {
            ClassSetItem::Literal(literal) if !is_in_path(literal.c) => literal.c,
            ClassSetItem::Range(range) if !range.end.c.is_ascii() => range.end.c,
            _ => continue,
        };
        let encoded = spelled(&strange.to_string(), false);
        let spelling = format!("`(?:[…]|{encoded})` in the place of the class `[…{strange}…]`");
        return Err(Strange { what: strange.to_string(), spelling });
    }
    Ok(())
}

fn in_hir(hir: &Hir) -> Option<Strange> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => in_literal(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            let possible = |range: &regex_syntax::hir::ClassUnicodeRange| {
                (range.start()..=range.end()).take(128).any(is_in_path)
            };
            let first = ranges.first()?.start();
            (!ranges.iter().any(possible)).then(|| Strange {
                what: first.to_string(),
                spelling: format!("`{}`", spelled(&first.to_string(), false)),
            })
        }
        HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Repetition(repetition) => in_hir(&repetition.sub),
        HirKind::Capture(capture) => in_hir(&capture.sub),
        HirKind::Concat(all) | HirKind::Alternation(all) => all.iter().find_map(in_hir),
    }
}

fn in_literal(literal: &str) -> Option<Strange> {
    let (path, query) = match literal.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (literal, None),
    };
    let strange =
        !is_spelled(path, is_in_path) || query.is_some_and(|query| !is_spelled(query, is_in_query));
    strange.then(|| {
        let mut spelling = spelled(path, false);
        if let Some(query) = query {
            spelling += r"\?";
            spelling += &spelled(query, true);
        }
        Strange { what: literal.to_owned(), spelling: format!("`{spelling}`") }
    })
}

fn is_spelled(text: &str, is_there: fn(char) -> bool) -> bool {
    let escapes = text
        .match_indices('%')
        .all(|(at, _)| text[at + 1..].chars().take(2).all(|digit| !matches!(digit, 'a'..='f')));
    escapes && text.chars().all(is_there)
}

/// The canonical spelling of a text in a path, or in a query.
fn spelled(text: &str, in_query: bool) -> String {
    let is_there: fn(char) -> bool = if in_query { is_in_query } else { is_in_path };
    let mut spelling = String::new();
    let mut digits = 0;
    for letter in text.chars() {
        match letter {
            'a'..='f' if digits > 0 => spelling.push(letter.to_ascii_uppercase()),
            ' ' if in_query => spelling.push('+'),
            letter if is_there(letter) => spelling.push(letter),
            letter => {
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    spelling += &format!("%{byte:02X}");
                }
            }
        }
        digits = if letter == '%' { 2 } else { usize::saturating_sub(digits, 1) };
    }
    spelling
}

/// What may stand in the path of an address, besides the `?` after it.
pub fn is_in_path(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "/%-._~!$&'()*+,;=:@?".contains(letter)
}

fn is_in_query(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "%-._*+=&".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_no_address_can_match_is_refused_with_the_spelling() {
        for (pattern, spelling) in [
            ("^/echo/größe$", "write `/echo/gr%C3%B6%C3%9Fe`"),
            ("größe", "write `gr%C3%B6%C3%9Fe`"),
            ("^/(klein|größe)$", "write `gr%C3%B6%C3%9Fe`"),
            ("^/(größe)?$", "write `gr%C3%B6%C3%9Fe`"),
            ("^/a b", "write `/a%20b`"),
            ("^fragment:ö|^/ö", "write `/%C3%B6`"),
            (r"^/a\?q=a b", r"write `/a\?q=a+b`"),
            (r"^/a\?q=a!", r"write `/a\?q=a%21`"),
            ("^/gr%c3%b6", "write `/gr%C3%B6`"),
            (r#"^/a"b"#, "write `/a%22b`"),
            (r"^/\{a\}", "write `/%7Ba%7D`"),
            (r"^/\x{F6}", "write `/%C3%B6`"),
            ("(?i)^/ö", "write `%C3%96`"),
            ("^/[a-zäöü]+", "`(?:[…]|%C3%A4)` in the place"),
            ("^/[a-ü]+", "`(?:[…]|%C3%BC)` in the place"),
            (r"^/\p{Greek}", "write `%CD%B0`"),
            ("^/[äö]", "write"),
        ] {
            let reason = never_matches(pattern).unwrap_or_default();
            assert!(reason.contains(spelling), "{pattern}: {reason}");
        }
    }

    #[test]
    fn what_an_address_may_hold_is_taken() {
        for pattern in [
            "",
            "^/",
            "^/blog/|^/news$",
            r"^/index\.html$",
            r"^/a(\?|/|$)",
            "^/gr%C3%B6%C3%9Fe$",
            "(?i)^/gr%c3%b6",
            "(?i)^/a|^/gr%c3%b6",
            r"^/[^/ö]+/.*\w\S?",
            "^/a-b_c~d!$",
            "^/[ -~]+$",
            "^fragment:größe",
            "^größe:",
            "^fragment:card/{a b}",
            r"leaf=2&page=\d+",
            r"\?q=a\+b&r=%21",
            "(unclosed",
        ] {
            assert_eq!(never_matches(pattern), None, "{pattern}");
        }
    }
}
