//! Text from a request, in the form for log lines.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The number of bytes of a text that are shown.
const MOST: usize = 256;

/// The number of bytes that are shown of a sentence about a failure, which may quote a text or two.
const MOST_OF_CAUSE: usize = 4096;

/// Returns the beginning of a text, with all characters escaped that could end a line or control a
/// terminal. So a request cannot write arbitrary amounts into a log.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    beginning(text, MOST, char::is_control)
}

/// Returns the beginning of the cause of a failure. It may have several lines.
pub(crate) fn shown_cause(text: &str) -> Cow<'_, str> {
    beginning(text, MOST_OF_CAUSE, |letter| letter.is_control() && letter != '\n')
}

fn beginning(text: &str, most: usize, is_hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    let begin = &text[..text.floor_char_boundary(most)];
    if begin.len() == text.len() && !text.chars().any(&is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(begin.len() + 32);
    for letter in begin.chars() {
        match is_hidden(letter) {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    if begin.len() < text.len() {
        // Writing to a string cannot fail.
        let _ = write!(shown, "… ({} bytes)", text.len());
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_beginning_of_a_long_text_is_shown() {
        assert!(matches!(shown("/stories/rain"), Cow::Borrowed("/stories/rain")));
        let long = shown(&"ü".repeat(30_000)).into_owned();
        assert!(long.len() < 300 && long.ends_with("ü… (60000 bytes)"), "{long}");
        assert_eq!(shown("a\n\x1b[31mb\u{9b}"), "a\\n\\u{1b}[31mb\\u{9b}");
        assert_eq!(shown_cause("a\n\x1bb"), "a\n\\u{1b}b");
        assert!(shown_cause(&"x".repeat(60_000)).len() < 4200);
    }
}
