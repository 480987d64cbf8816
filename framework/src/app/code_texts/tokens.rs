//! Splits Rust code into words, signs and string literals.

/// A token of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// The content of a string literal, with its escapes as written.
    Text(&'a str),
    /// Any other sign.
    Sign(u8),
}

/// Returns the tokens of a file, without comments and character literals. Accepts any text.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let (bytes, mut tokens, mut at) = (code.as_bytes(), Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let rest = &code[at..];
        at += match byte {
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => comment(rest),
            b'"' => {
                let length = string(&bytes[at..]);
                tokens.push(Token::Text(rest.get(1..length - 1).unwrap_or_default()));
                length
            }
            b'\'' => character(rest),
            _ if byte.is_ascii_whitespace() => 1,
            _ if is_of_word(byte) => {
                let length = rest.bytes().take_while(|byte| is_of_word(*byte)).count();
                match (&rest[..length], raw_string(&rest[length..])) {
                    ("r" | "br" | "cr", Some((text, end))) => {
                        tokens.push(Token::Text(text));
                        length + end
                    }
                    (word, _) => {
                        tokens.push(Token::Word(word));
                        length
                    }
                }
            }
            _ => {
                tokens.push(Token::Sign(byte));
                1
            }
        };
    }
    tokens
}

/// Letters beyond ASCII occur in names.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Returns the length of a comment from `/*` to `*/`, with nested ones.
fn comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let Some(sign) = rest[at..].find(['*', '/']) else { return rest.len() };
        at += sign;
        let change = match &rest.as_bytes()[at..] {
            [b'*', b'/', ..] => -1,
            [b'/', b'*', ..] => 1,
            _ => 0,
        };
        depth += change;
        at += if change == 0 { 1 } else { 2 };
    }
    at
}

/// Returns the length of a string with its quotes.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Returns the text in `#"…"#`, with any number of `#`, and the length of the whole.
fn raw_string(rest: &str) -> Option<(&str, usize)> {
    let signs = rest.bytes().take_while(|byte| *byte == b'#').count();
    let text = rest[signs..].strip_prefix('"')?;
    let end = format!("\"{}", &rest[..signs]);
    let length = text.find(&end)?;
    Some((&text[..length], signs + 1 + length + end.len()))
}

/// Returns the length of `'x'`, or that of the quote if it begins a lifetime.
fn character(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some((escaped, letter))) => {
            let after = escaped + letter.len_utf8();
            rest[after..].find('\'').map_or(1, |end| after + end + 1)
        }
        (Some(_), Some((end, '\''))) => end + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(code: &str) -> Vec<&str> {
        let texts = tokens(code).into_iter().filter_map(|token| match token {
            Token::Text(text) => Some(text),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn texts_are_found_outside_of_comments_only() {
        let code = r###"
            // "no" it's
            /* "no" /* "no" */ "no" */
            fn a<'a>(x: &'a str) -> char { if x == "a" { '"' } else { '\'' } }
            const B: &[u8] = b"b"; const C: &str = r"c\"; const D: &str = r#"d"e"#; f!("f \" g", 'ü', "h\\")
        "###;
        assert_eq!(texts(code), ["a", "b", r"c\", "d\"e", r#"f \" g"#, r"h\\"]);
        let expected =
            [Token::Word("r"), Token::Sign(b'#'), Token::Word("type"), Token::Sign(b'!')];
        assert_eq!(tokens("r#type!"), expected);
        assert_eq!(tokens("\"never ends"), [Token::Text("never end")]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(code in "[a-z\"'#/*\\\\ü r\n]{0,40}") {
            tokens(&code);
        }
    }
}
