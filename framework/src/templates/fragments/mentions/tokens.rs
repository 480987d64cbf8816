//! Splits an expression into the same tokens as Tera's lexer.

use crate::templates::scanner;

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::templates) enum Token<'a> {
    /// A name or a keyword.
    Word(&'a str),
    /// A string as written, with quotes.
    Text(&'a str),
    Number,
    /// Anything else.
    Sign(&'a str),
}

/// Signs of more than one character; a sign follows those that it is a prefix of.
const LONG_SIGNS: [&str; 10] = ["...", "?.", "?[", "==", "!=", "<=", ">=", "**", "//", "</"];

/// Splits the text between braces into tokens.
pub(in crate::templates) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let word = scanner::identifier(rest);
        let (length, token) = if first.is_ascii_whitespace() {
            (1, None)
        } else if !word.is_empty() {
            (word.len(), Some(Token::Word(word)))
        } else if scanner::is_quote(first) {
            let end = scanner::end_of_string(rest.as_bytes(), 0).unwrap_or(rest.len());
            let end = if rest.is_char_boundary(end) { end } else { rest.len() };
            (end, Some(Token::Text(&rest[..end])))
        } else if first.is_ascii_digit() {
            (end_of_number(rest.as_bytes()), Some(Token::Number))
        } else {
            let long = LONG_SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let one = rest.chars().next().map_or(1, char::len_utf8);
            let length = long.map_or(one, |sign| sign.len());
            (length, Some(Token::Sign(&rest[..length])))
        };
        tokens.extend(token);
        rest = &rest[length.min(rest.len())..];
    }
    tokens
}

/// Returns the length of the number at the beginning. It may have one point.
fn end_of_number(bytes: &[u8]) -> usize {
    let mut point = false;
    let part = |byte: &&u8| {
        byte.is_ascii_digit() || **byte == b'.' && !std::mem::replace(&mut point, true)
    };
    bytes.iter().take_while(part).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_strings_numbers_and_signs_are_distinguished() {
        use Token::{Number, Sign, Text, Word};
        assert_eq!(
            tokens("a_1?.b[-1.5:2] == 'x\\' y' | f(k=`z`)~...c"),
            [
                Word("a_1"),
                Sign("?."),
                Word("b"),
                Sign("["),
                Sign("-"),
                Number,
                Sign(":"),
                Number,
                Sign("]"),
                Sign("=="),
                Text("'x\\' y'"),
                Sign("|"),
                Word("f"),
                Sign("("),
                Word("k"),
                Sign("="),
                Text("`z`"),
                Sign(")"),
                Sign("~"),
                Sign("..."),
                Word("c"),
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([a-z0-9é.'\"`\\\\?=<> -]|\\[|\\{)*") {
            tokens(&text);
        }
    }
}
