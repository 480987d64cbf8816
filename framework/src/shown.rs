//! Text that comes from a request, as a log line shows it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// How much of a text is shown, in bytes.
const MOST: usize = 256;

/// How much of a sentence about a failure is shown, which may quote a text or two, in bytes.
const MOST_OF_CAUSE: usize = 4096;

/// The beginning of a text, with nothing in it that could end a line or steer a terminal. A request
/// can thus not write as much into a log as it likes.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    beginning(text, MOST, char::is_control)
}

/// The beginning of a sentence that says why something failed. It may have lines.
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
