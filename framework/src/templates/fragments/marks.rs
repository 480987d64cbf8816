//! Marks in the text of a render: the beginning and end of a fragment, and the position of a part.
//!
//! A mark consists of 24 random digits, the kind, a number, and 32 random dashes, dots and underscores: 130 random
//! bits. None of these is a letter or is ever escaped, so a mark survives any operation on letters and any escaping,
//! and an operation on digits leaves the signs unchanged. The secret is drawn anew for each render, when its first
//! mark is written, and is discarded with it. So no text from outside can contain a mark: neither visitors' text nor
//! text that an earlier render has left somewhere.

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

/// Pieces of the secret at least this long do not occur by chance.
const TELLING_DIGITS: usize = 12;
const TELLING_SIGNS: usize = 20;

/// The kind of a mark, with the number of the fragment or part in its render.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Begin(usize),
    End(usize),
    Part(usize),
}

/// The marks of one render.
#[derive(Debug)]
pub(super) struct Marks {
    /// The beginning of each mark.
    head: String,
    /// The end of each mark.
    tail: String,
}

/// A text with its marks removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) text: Vec<u8>,
    /// The fragments in it, each as often as it occurs.
    pub(super) fragments: Vec<usize>,
    /// Offsets in `text`, with the number of the part at each.
    pub(super) parts: Vec<(usize, usize)>,
}

/// The text of fragments was changed so that their beginnings and ends cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damaged {
    /// A fragment that is affected, if one is known.
    pub(super) fragment: Option<usize>,
}

impl Marks {
    pub(super) fn new() -> Marks {
        Marks { head: secret(DIGITS, HEAD), tail: secret(SIGNS, TAIL) }
    }

    /// Returns the beginning of each mark.
    pub(super) fn head(&self) -> &str {
        &self.head
    }

    /// Writes a mark. Returns `None` if its number has too many digits.
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

    /// The length that a beginning and an end add to a text.
    pub(super) const PAIR: usize = 2 * LENGTH;

    /// Removes the marks from a text. `known` returns the text of a fragment at the time when it was written.
    ///
    /// Text that is still unchanged is not scanned again: it was cut when the fragment was made, with the marks of
    /// this render or of an earlier one with another secret. So a page of cached fragments is cut about as fast as it
    /// is copied.
    pub(super) fn cut<'a>(
        &self,
        text: &[u8],
        known: impl Fn(usize) -> Option<&'a [u8]>,
    ) -> Result<Cut, Damaged> {
        let mut cut = Cut { text: Vec::with_capacity(text.len()), ..Cut::default() };
        let mut open = Vec::new();
        let head = memmem::Finder::new(&self.head[..TELLING_DIGITS]);
        // `text[from..]` has not been processed; `cut.text[new..]` has not been checked for remains.
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

    /// Returns whether a text begins with `known` and the end of this fragment.
    fn is_closed(&self, number: usize, text: &[u8], known: &[u8]) -> bool {
        let rest = text.strip_prefix(known);
        rest.is_some_and(|rest| self.read(rest) == Some(Mark::End(number)))
    }

    /// Parses the mark that `text` begins with, if it is complete.
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

    /// Fails if the text contains a piece of a mark, forwards or reversed.
    fn look_for_remains(&self, text: &[u8]) -> Result<(), Damaged> {
        let found = has_piece(text, &self.head, &IS_DIGIT, TELLING_DIGITS)
            || has_piece(text, &self.tail, &IS_SIGN, TELLING_SIGNS);
        if found { Err(Damaged { fragment: None }) } else { Ok(()) }
    }
}

/// For each byte, whether it belongs to an alphabet.
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

/// Returns whether `text` contains `length` consecutive letters of `secret` or of its reverse.
fn has_piece(text: &[u8], secret: &str, alphabet: &Alphabet, length: usize) -> bool {
    let mut pieces = None;
    let mut at = length - 1;
    // Every run of `length` letters covers one of the visited bytes.
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

/// Returns all pieces of this length, of the secret and of its reverse.
fn pieces_of(secret: &str, length: usize) -> HashSet<Box<[u8]>> {
    let turned = secret.bytes().rev().collect::<Vec<_>>();
    let both = [secret.as_bytes(), &turned];
    both.iter().flat_map(|secret| secret.windows(length)).map(Box::from).collect()
}

/// Returns the run of letters around the byte at `at`; empty if it is not a letter.
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

    /// Removes the marks from a text of which no fragment is known.
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
    fn cutting_a_text_returns_where_its_marks_were() {
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
    fn a_reversed_text_is_damaged() {
        let marks = Marks::new();
        let text = marked(&marks, &NESTED).chars().rev().collect::<String>();
        assert_eq!(cut(&marks, &text), Err(Damaged { fragment: None }));
    }

    proptest! {
        /// A piece of a text is either refused or without marks, unless the piece of a mark in it is so short that it
        /// could be ordinary text.
        #[test]
        fn no_mark_survives_in_a_piece_of_a_text(from in 0_usize..460, length in 0_usize..460) {
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

        /// Known texts of fragments save work and do not change the result.
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
