//! Marks in the text of a render: where a fragment begins and ends, and where a part goes.
//!
//! A mark is 24 digits that nobody can guess, the kind, a number, and 32 dashes, dots and underscores
//! that nobody can guess: 130 random bits. None of these is a letter or is ever escaped, so a mark
//! goes unchanged through whatever works on letters or escapes text, and what changes digits does not
//! change the rest. The secret is drawn anew for each render, when its first mark is written, and
//! is forgotten with it, so no text from outside can hold a mark: neither what visitors have
//! written nor what an earlier render has left somewhere.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;
use rand::RngExt as _;

const DIGITS: &[u8] = b"0123456789";
const SIGNS: &[u8] = b"-_.";

const HEAD: usize = 24;
const NUMBER: usize = 7;
const TAIL: usize = 32;
const LENGTH: usize = HEAD + 1 + NUMBER + TAIL;

/// So much of the digits, and of the signs, is not there by chance.
const TELLING_DIGITS: usize = 12;
const TELLING_SIGNS: usize = 20;

/// What a mark marks. The number says which of the render's fragments or parts it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Begin(usize),
    End(usize),
    Part(usize),
}

/// The marks of one render.
#[derive(Debug)]
pub(super) struct Marks {
    /// What each mark begins with.
    head: String,
    /// What each mark ends with.
    tail: String,
}

/// A text without its marks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) text: Vec<u8>,
    /// The fragments in it, as often as they are there.
    pub(super) fragments: Vec<usize>,
    /// Where in `text` which part goes.
    pub(super) parts: Vec<(usize, usize)>,
}

/// Something has changed the text of fragments so that it cannot be told any more where they begin
/// and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged {
    /// One that is affected, if it can be told.
    pub(super) fragment: Option<usize>,
}

impl Marks {
    pub(super) fn new() -> Marks {
        Marks { head: secret(DIGITS, HEAD), tail: secret(SIGNS, TAIL) }
    }

    /// Writes a mark. `None` if there are more than a mark can count.
    pub(super) fn write(&self, mark: Mark, text: &mut String) -> Option<()> {
        let (kind, number) = match mark {
            Mark::Begin(number) => ('0', number),
            Mark::End(number) => ('1', number),
            Mark::Part(number) => ('2', number),
        };
        text.push_str(&self.head);
        text.push(kind);
        let mut power = 10_usize.pow(NUMBER as u32);
        let fits = number < power;
        while power > 1 {
            power /= 10;
            text.push(char::from(b'0' + (number / power % 10) as u8));
        }
        text.push_str(&self.tail);
        fits.then_some(())
    }

    /// Room for a text that gets a beginning and an end.
    pub(super) fn room(text: usize) -> String {
        String::with_capacity(text + 2 * LENGTH)
    }

    /// Takes the marks out of a text.
    pub(super) fn cut(&self, mut text: Vec<u8>) -> Result<Cut, Damaged> {
        let (mut fragments, mut parts) = (Vec::new(), Vec::new());
        let mut open = Vec::new();
        let head = memmem::Finder::new(&self.head[..TELLING_DIGITS]);
        // Up to `end` the text is without marks; from `from` on it is as it came.
        let (mut end, mut from) = (0, 0);
        while let Some(after) = head.find(&text[from..]) {
            let at = from + after;
            let mark = self.read(&text[at..]).ok_or(Damaged { fragment: None })?;
            text.copy_within(from..at, end);
            end += after;
            from = at + LENGTH;
            match mark {
                Mark::Begin(number) => {
                    open.push(number);
                    fragments.push(number);
                }
                Mark::End(number) if open.pop() == Some(number) => {}
                Mark::End(number) => return Err(Damaged { fragment: Some(number) }),
                Mark::Part(number) => parts.push((end, number)),
            }
        }
        if from > 0 {
            text.copy_within(from.., end);
            text.truncate(end + text.len() - from);
            text.shrink_to_fit();
        }
        match open.pop() {
            None if self.has_remains(&text) => Err(Damaged { fragment: None }),
            None => Ok(Cut { text, fragments, parts }),
            open => Err(Damaged { fragment: open }),
        }
    }

    /// The mark that `text` begins with, if it is whole.
    fn read(&self, text: &[u8]) -> Option<Mark> {
        let rest = text.strip_prefix(self.head.as_bytes())?;
        let (kind, rest) = rest.split_first()?;
        let (number, rest) = rest.split_at_checked(NUMBER)?;
        rest.starts_with(self.tail.as_bytes()).then_some(())?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        match kind {
            b'0' => Some(Mark::Begin(number)),
            b'1' => Some(Mark::End(number)),
            b'2' => Some(Mark::Part(number)),
            _ => None,
        }
    }

    /// Whether there is a piece of a mark, straight or turned round.
    fn has_remains(&self, text: &[u8]) -> bool {
        has_piece(text, &self.head, &IS_DIGIT, TELLING_DIGITS)
            || has_piece(text, &self.tail, &IS_SIGN, TELLING_SIGNS)
    }
}

/// Which bytes are of an alphabet.
type Alphabet = [bool; 256];

const IS_DIGIT: Alphabet = alphabet(DIGITS);
const IS_SIGN: Alphabet = alphabet(SIGNS);

const fn alphabet(letters: &[u8]) -> Alphabet {
    let mut alphabet = [false; 256];
    let mut index = 0;
    while index < letters.len() {
        alphabet[letters[index] as usize] = true;
        index += 1;
    }
    alphabet
}

fn secret(letters: &[u8], length: usize) -> String {
    let mut random = rand::rng();
    let letter = |_| char::from(letters[random.random_range(0..letters.len())]);
    (0..length).map(letter).collect()
}

/// Whether `length` letters in a row of `secret`, or of it turned round, are in `text`.
fn has_piece(text: &[u8], secret: &str, alphabet: &Alphabet, length: usize) -> bool {
    let secret = secret.as_bytes();
    let turned = secret.iter().rev().copied().collect::<Vec<_>>();
    let mut pieces = None;
    let mut at = length - 1;
    // A run of so many letters is under one of these bytes.
    while at < text.len() {
        let run = run(text, alphabet, at);
        at = run.end.max(at) + length;
        if run.len() >= length {
            let pieces: &HashSet<&[u8]> = pieces.get_or_insert_with(|| {
                secret.windows(length).chain(turned.windows(length)).collect()
            });
            if text[run].windows(length).any(|piece| pieces.contains(piece)) {
                return true;
            }
        }
    }
    false
}

/// The letters of the alphabet around the byte at `at`; empty if it is none.
fn run(text: &[u8], alphabet: &Alphabet, at: usize) -> Range<usize> {
    let letter = |byte: &&u8| alphabet[usize::from(**byte)];
    let after = text[at..].iter().take_while(letter).count();
    if after == 0 {
        return at..at;
    }
    at - text[..at].iter().rev().take_while(letter).count()..at + after
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(marks: &Marks, pieces: &[Result<&str, Mark>]) -> String {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Ok(piece) => text.push_str(piece),
                Err(mark) => marks.write(*mark, &mut text).unwrap(),
            }
        }
        text
    }

    const NESTED: [Result<&str, Mark>; 11] = [
        Ok("12"),
        Err(Mark::Begin(1)),
        Ok("34"),
        Err(Mark::Begin(0)),
        Ok(""),
        Err(Mark::End(0)),
        Err(Mark::Part(0)),
        Ok("56"),
        Err(Mark::End(1)),
        Err(Mark::Part(1)),
        Ok("78"),
    ];

    #[test]
    fn a_text_without_its_marks_says_where_they_were() {
        let marks = Marks::new();
        let cut = marks.cut(marked(&marks, &NESTED).as_bytes().to_vec()).unwrap();
        assert_eq!(cut.text, b"12345678");
        assert_eq!(cut.fragments, [1, 0]);
        assert_eq!(cut.parts, [(4, 0), (6, 1)]);
    }

    #[test]
    fn letters_may_change_their_case_and_text_may_be_escaped() {
        let marks = Marks::new();
        let text = marked(&marks, &[Ok("a&"), Err(Mark::Begin(3)), Ok("<b>"), Err(Mark::End(3))]);
        let changed = text.to_uppercase().replace('&', "&amp;").replace('<', "&lt;");
        assert_eq!(marks.cut(changed.as_bytes().to_vec()).unwrap().text, b"A&amp;&lt;B>");
    }

    #[test]
    fn a_mark_of_another_render_is_text() {
        let text = marked(&Marks::new(), &NESTED);
        assert_eq!(
            Marks::new().cut(text.as_bytes().to_vec()).unwrap().text,
            text.as_bytes().to_vec()
        );
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert_eq!(Marks::new().write(Mark::Begin(9_999_999), &mut String::new()), Some(()));
        assert_eq!(Marks::new().write(Mark::Begin(10_000_000), &mut String::new()), None);
    }

    #[test]
    fn other_digits_or_other_signs_are_damage() {
        let marks = Marks::new();
        let text = marked(&marks, &NESTED);
        for change in [("0123456789", "a"), ("-_.", "-"), ("012", "3"), (".", " ")] {
            let text = text.replace(|c: char| change.0.contains(c), change.1);
            assert_eq!(
                marks.cut(text.as_bytes().to_vec()),
                Err(Damaged { fragment: None }),
                "{change:?}"
            );
        }
    }

    #[test]
    fn a_text_that_was_turned_round_is_damaged() {
        let marks = Marks::new();
        let text = marked(&marks, &NESTED).chars().rev().collect::<String>();
        assert_eq!(marks.cut(text.as_bytes().to_vec()), Err(Damaged { fragment: None }));
    }

    proptest! {
        /// Whatever piece of a text is left, marks are gone from it or it is refused, unless so
        /// little of a mark is left that it could be anything.
        #[test]
        fn what_is_left_of_a_text_holds_no_mark(from in 0_usize..460, length in 0_usize..460) {
            let marks = Marks::new();
            let text = marked(&marks, &NESTED);
            let rest = &text[from.min(text.len())..];
            let piece = &rest[..length.min(rest.len())];
            if let Ok(cut) = marks.cut(piece.as_bytes().to_vec()) {
                let text = String::from_utf8(cut.text).unwrap();
                let pieces = |secret: &str, length: usize| {
                    let pieces = secret.as_bytes().windows(length).map(<[u8]>::to_vec);
                    pieces.map(|piece| String::from_utf8(piece).unwrap()).collect::<Vec<_>>()
                };
                let digits = pieces(&marks.head, TELLING_DIGITS);
                let signs = pieces(&marks.tail, TELLING_SIGNS);
                let left = digits.iter().chain(&signs).find(|piece| text.contains(*piece));
                prop_assert_eq!(left, None);
            }
        }

        #[test]
        fn no_text_makes_the_cutting_panic(pieces in proptest::collection::vec("[0-9é]{0,30}", 0..9)) {
            let marks = Marks { head: "0".repeat(HEAD), tail: "0".repeat(TAIL) };
            let _ = marks.cut(pieces.concat().into_bytes());
        }
    }
}
