//! Marks in the text of a render: where a fragment begins and ends, and where a part goes.
//!
//! A mark is 24 digits that cannot be guessed, the kind, a number, and 32 dashes, dots and
//! underscores that cannot be guessed: 130 random bits. None of these is a letter or is ever
//! escaped, so a mark
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
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) text: Vec<u8>,
    /// The fragments in it, as often as they are there.
    pub(super) fragments: Vec<usize>,
    /// Where in `text` which part goes.
    pub(super) parts: Vec<(usize, usize)>,
}

/// The text of fragments was changed so that their beginnings and ends cannot be found any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged {
    /// One that is affected, if it is known.
    pub(super) fragment: Option<usize>,
}

impl Marks {
    pub(super) fn new() -> Marks {
        Marks { head: secret(DIGITS, HEAD), tail: secret(SIGNS, TAIL) }
    }

    /// What each mark begins with.
    pub(super) fn head(&self) -> &str {
        &self.head
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

    /// How much longer a text is that gets a beginning and an end.
    pub(super) const PAIR: usize = 2 * LENGTH;

    /// A text without its marks. `known` says what the text of a fragment was when it was written.
    ///
    /// What is still there as it was written needs no second look: it was cut when the fragment was
    /// made, by the marks of this render, or of an earlier one whose secret was another. So a page of
    /// fragments that were found is cut about as fast as it is copied.
    pub(super) fn cut<'a>(
        &self,
        text: &[u8],
        known: impl Fn(usize) -> Option<&'a [u8]>,
    ) -> Result<Cut, Damaged> {
        let mut cut = Cut { text: Vec::with_capacity(text.len()), ..Cut::default() };
        let mut open = Vec::new();
        let head = memmem::Finder::new(&self.head[..TELLING_DIGITS]);
        // From `from` on the text is as it came; from `new` on what was cut has not been looked at.
        let (mut from, mut new) = (0, 0);
        while let Some(after) = head.find(&text[from..]) {
            let at = from + after;
            let mark = self.read(&text[at..]).ok_or(Damaged { fragment: None })?;
            cut.text.extend_from_slice(&text[from..at]);
            from = at + LENGTH;
            match mark {
                Mark::Begin(number) => {
                    cut.fragments.push(number);
                    let rest = &text[from..];
                    match known(number).filter(|known| self.is_closed(number, rest, known)) {
                        None => open.push(number),
                        Some(known) => {
                            self.look_for_remains(&cut.text[new..])?;
                            cut.text.extend_from_slice(known);
                            new = cut.text.len();
                            from += known.len() + LENGTH;
                        }
                    }
                }
                Mark::End(number) if open.pop() == Some(number) => {}
                Mark::End(number) => return Err(Damaged { fragment: Some(number) }),
                Mark::Part(number) => cut.parts.push((cut.text.len(), number)),
            }
        }
        if let Some(number) = open.pop() {
            return Err(Damaged { fragment: Some(number) });
        }
        cut.text.extend_from_slice(&text[from..]);
        self.look_for_remains(&cut.text[new..])?;
        cut.text.shrink_to_fit();
        Ok(cut)
    }

    /// Whether a text begins with `known` and the end of this fragment.
    fn is_closed(&self, number: usize, text: &[u8], known: &[u8]) -> bool {
        let rest = text.strip_prefix(known);
        rest.is_some_and(|rest| self.read(rest) == Some(Mark::End(number)))
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

    /// Fails if there is a piece of a mark, straight or turned round.
    fn look_for_remains(&self, text: &[u8]) -> Result<(), Damaged> {
        let found = has_piece(text, &self.head, &IS_DIGIT, TELLING_DIGITS)
            || has_piece(text, &self.tail, &IS_SIGN, TELLING_SIGNS);
        if found { Err(Damaged { fragment: None }) } else { Ok(()) }
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
    let mut pieces = None;
    let mut at = length - 1;
    // A run of so many letters is under one of these bytes.
    while at < text.len() {
        let run = run(text, alphabet, at);
        at = run.end.max(at) + length;
        if run.len() >= length {
            let pieces = pieces.get_or_insert_with(|| pieces_of(secret, length));
            if text[run].windows(length).any(|piece| pieces.contains(piece)) {
                return true;
            }
        }
    }
    false
}

/// All pieces of this length, of the secret and of it turned round.
fn pieces_of(secret: &str, length: usize) -> HashSet<Box<[u8]>> {
    let turned = secret.bytes().rev().collect::<Vec<_>>();
    let both = [secret.as_bytes(), &turned];
    both.iter().flat_map(|secret| secret.windows(length)).map(Box::from).collect()
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

    /// The text without its marks, nothing known about it.
    fn cut(marks: &Marks, text: &str) -> Result<Cut, Damaged> {
        marks.cut(text.as_bytes(), |_| None)
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
        let cut = cut(&marks, &marked(&marks, &NESTED)).unwrap();
        assert_eq!(cut.text, b"12345678");
        assert_eq!(cut.fragments, [1, 0]);
        assert_eq!(cut.parts, [(4, 0), (6, 1)]);
    }

    #[test]
    fn letters_may_change_their_case_and_text_may_be_escaped() {
        let marks = Marks::new();
        let text = marked(&marks, &[Ok("a&"), Err(Mark::Begin(3)), Ok("<b>"), Err(Mark::End(3))]);
        let changed = text.to_uppercase().replace('&', "&amp;").replace('<', "&lt;");
        assert_eq!(cut(&marks, &changed).unwrap().text, b"A&amp;&lt;B>");
    }

    #[test]
    fn a_mark_of_another_render_is_text() {
        let text = marked(&Marks::new(), &NESTED);
        assert_eq!(cut(&Marks::new(), &text).unwrap().text, text.as_bytes().to_vec());
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
            assert_eq!(cut(&marks, &text), Err(Damaged { fragment: None }), "{change:?}");
        }
    }

    #[test]
    fn a_text_that_was_turned_round_is_damaged() {
        let marks = Marks::new();
        let text = marked(&marks, &NESTED).chars().rev().collect::<String>();
        assert_eq!(cut(&marks, &text), Err(Damaged { fragment: None }));
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
            if let Ok(cut) = cut(&marks, piece) {
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

        /// What is known of fragments saves work and changes nothing.
        #[test]
        fn a_text_is_cut_alike_whether_its_fragments_are_known_or_not(
            texts in proptest::collection::vec(("[a0]{0,3}", "[b1]{0,30}"), 1..9),
            changed in proptest::option::of((0_usize..9, "[b1]{0,30}")),
            from in 0_usize..90,
            less in prop_oneof![Just(0), 0_usize..90],
        ) {
            let marks = Marks::new();
            let mut text = String::new();
            for (number, (before, known)) in texts.iter().enumerate() {
                let changed = changed.as_ref().filter(|changed| changed.0 == number);
                text.push_str(before);
                marks.write(Mark::Begin(number), &mut text).unwrap();
                text.push_str(changed.map_or(known, |changed| &changed.1));
                marks.write(Mark::End(number), &mut text).unwrap();
            }
            let from = if less == 0 { 0 } else { from.min(text.len()) };
            let text = &text[from..text.len().max(from + less) - less];
            let known = |number: usize| Some(texts.get(number)?.1.as_bytes());
            let (quick, plain) = (marks.cut(text.as_bytes(), known), cut(&marks, text));
            prop_assert_eq!(quick.as_ref().ok(), plain.as_ref().ok());
        }

        #[test]
        fn no_text_makes_the_cutting_panic(pieces in proptest::collection::vec("[0-9é]{0,30}", 0..9)) {
            let marks = Marks { head: "0".repeat(HEAD), tail: "0".repeat(TAIL) };
            let _ = cut(&marks, &pieces.concat());
        }
    }
}
