//! What is known of how long code takes.

use std::sync::atomic::{AtomicU8, Ordering};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many weights there are. Code whose names have one hash shares one.
pub(super) const CODES: usize = 1024;
/// From this weight on code is slow. A run of two milliseconds may have been measured too long, so it takes
/// two of them within a few runs; a run of three is enough.
const SLOW: u8 = 24;
/// What a millisecond of a slow run adds. Each quick run takes 1 away.
const MILLISECOND: u8 = 8;
/// The greatest weight. So about a hundred quick runs, and slow code is trusted again.
const GREATEST: u8 = 128;

/// 0 for code that has never run, otherwise 1 and what slow runs have added.
static WEIGHTS: [AtomicU8; CODES] = [const { AtomicU8::new(0) }; CODES];

/// Some code of the site, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code {
    index: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Template = 1,
    Controller,
    LargePage,
    Variant,
}

impl Code {
    /// The template of this name.
    pub(crate) fn template(name: &str) -> Code {
        Code::of(Kind::Template, name)
    }

    /// The controller of this name.
    pub(crate) fn controller(name: &str) -> Code {
        Code::of(Kind::Controller, name)
    }

    /// What is done with each byte of a large page.
    pub(crate) fn large_page() -> Code {
        Code::of(Kind::LargePage, "")
    }

    /// The variant function.
    pub(crate) fn variant() -> Code {
        Code::of(Kind::Variant, "")
    }

    fn of(kind: Kind, name: &str) -> Code {
        let hash = xxh3_64_with_seed(name.as_bytes(), kind as u64);
        Code { index: hash as usize % CODES, kind }
    }

    /// Which of the [`CODES`] it is.
    pub(super) fn index(self) -> usize {
        self.index
    }

    fn weight(self) -> &'static AtomicU8 {
        &WEIGHTS[self.index]
    }

    /// Whether it is the variant function.
    pub(super) fn is_variant(self) -> bool {
        self.kind == Kind::Variant
    }

    /// Whether it has run, and was quick.
    pub(super) fn is_trusted(self) -> bool {
        (1..SLOW).contains(&self.weight().load(Ordering::Relaxed))
    }

    /// Whether it has been slow lately.
    pub(super) fn is_slow(self) -> bool {
        self.weight().load(Ordering::Relaxed) >= SLOW
    }

    /// It has run for so many milliseconds. Runs at the same time may overwrite what the other notes; the
    /// next ones make up for it.
    pub(super) fn note(self, milliseconds: u64) {
        let before = self.weight().load(Ordering::Relaxed);
        let weight = before.max(1);
        let after = match milliseconds {
            0 | 1 => weight.saturating_sub(1).max(1),
            slow => {
                let slow = u8::try_from(slow).unwrap_or(u8::MAX);
                weight.saturating_add(slow.saturating_mul(MILLISECOND)).min(GREATEST)
            }
        };
        // Quick code stays as it is, and cores share the line.
        if after != before {
            self.weight().store(after, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_trusted_after_its_first_quick_run_and_no_more_after_a_long_one() {
        let code = Code::template("code.rs");
        assert!(!code.is_trusted() && !code.is_slow());
        code.note(0);
        assert!(code.is_trusted());
        code.note(3000);
        assert!(!code.is_trusted() && code.is_slow());
        let quick_runs = (1..1000).take_while(|_| {
            code.note(1);
            code.is_slow()
        });
        assert!((90..120).contains(&quick_runs.count()));
        assert!(code.is_trusted());
    }

    #[test]
    fn one_interruption_is_forgiven_and_a_second_one_is_not() {
        let code = Code::controller("code.rs");
        code.note(0);
        code.note(2);
        assert!(code.is_trusted());
        code.note(2);
        assert!(code.is_slow());
    }
}
