/// Converts HTML's `pattern` to an expression of the crate `regex` that matches as a browser does: against the whole
/// value, with `\d`, `\w` and `\b` limited to ASCII.
///
/// # Errors
/// The pattern is invalid in browsers, which would ignore it, or in `regex`, which has neither look-around nor
/// back-references because they cannot be matched in linear time.
pub(super) fn expression(html: &str) -> Result<String, String> {
    let mut expression = String::from("\\A(?:");
    let mut classes = 0_usize;
    let mut letters = html.chars().peekable();
    let mut before = None;
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        match letter {
            '\\' => {
                match letters.next() {
                    Some('d') => expression.push_str("[0-9]"),
                    Some('D') => expression.push_str("[^0-9]"),
                    Some('w') => expression.push_str("[0-9A-Za-z_]"),
                    Some('W') => expression.push_str("[^0-9A-Za-z_]"),
                    Some(bound @ ('b' | 'B')) if classes == 0 => {
                        expression.push_str(&format!("(?-u:\\{bound})"));
                    }
                    Some(escaped) => {
                        expression.extend(['\\', escaped]);
                        // `\p{Letter}`, `\u{1F600}`
                        if matches!(escaped, 'p' | 'P' | 'u') && letters.peek() == Some(&'{') {
                            for letter in letters.by_ref() {
                                expression.push(letter);
                                if letter == '}' {
                                    break;
                                }
                            }
                        }
                    }
                    None => return Err("it ends with a `\\`".to_owned()),
                }
                before = Some('\\');
                continue;
            }
            '[' => classes += 1,
            ']' => classes = classes.saturating_sub(1),
            '(' | ')' | '{' | '}' | '|' | '/' if classes > 0 => {
                return Err(format!(
                    "browsers reject a pattern with a bare `{letter}` between `[` and `]`: write `\\{letter}`"
                ));
            }
            '-' if classes > 0
                && next != Some('-')
                && before != Some('-')
                && (matches!(before, Some('[' | '^')) || next == Some(']')) =>
            {
                return Err(
                    "browsers reject a pattern with a bare `-` at the end of `[…]`: write `\\-`"
                        .to_owned(),
                );
            }
            _ => {}
        }
        expression.push(letter);
        before = Some(letter);
    }
    expression.push_str(")\\z");
    match regex_syntax::parse(&expression) {
        Ok(_) => Ok(expression),
        Err(regex_syntax::Error::Parse(error)) => Err(error.kind().to_string()),
        Err(regex_syntax::Error::Translate(error)) => Err(error.kind().to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_words_are_of_ascii_as_in_a_browser() {
        assert_eq!(expression(r"\d{2}[\w.]+").unwrap(), r"\A(?:[0-9]{2}[[0-9A-Za-z_].]+)\z");
        assert_eq!(expression(r"a|b\\d").unwrap(), r"\A(?:a|b\\d)\z");
    }

    #[test]
    fn patterns_that_browsers_or_the_server_cannot_parse_are_refused() {
        for wrong in ["(", "[a", "a\\", r"(?=a)b", r"(a)\1", "[a-z-]", "[-a]", "[(]", "[a/b]"] {
            assert!(expression(wrong).is_err(), "{wrong}: {:?}", expression(wrong));
        }
        for right in [
            r"[a-z\-]",
            r"[\(]",
            "a-b",
            r"[^a-z]+",
            r"[\p{L}][^\/\p{Cc}]*",
            r"[\u{61}]",
            r"[[a-z]--[aeiou]]",
            "(?:a|b)/c",
        ] {
            assert!(expression(right).is_ok(), "{right}: {:?}", expression(right));
        }
    }
}
