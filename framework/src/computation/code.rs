//! Records how long code takes.

use std::sync::atomic::{AtomicU8, Ordering};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The number of weights. Code whose names have the same hash shares one.
pub(super) const CODES: usize = 1024;
/// From this weight on code is slow. The measurement of a run of two milliseconds may be too high,
/// so two of them within a few runs are necessary; one run of three is sufficient.
const SLOW: u8 = 24;
/// The weight that a millisecond of a slow run adds. Each fast run subtracts 1.
const MILLISECOND: u8 = 8;
/// The greatest weight. So after about a hundred fast runs slow code is trusted again.
const GREATEST: u8 = 128;

/// 0 for code that has never run, otherwise 1 plus the weight of slow runs.
static WEIGHTS: [AtomicU8; CODES] = [const { AtomicU8::new(0) }; CODES];

/// Some code of the site, with its weight.
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
    /// Returns the template of this name.
    pub(crate) fn template(name: &str) -> Code {
        Code::of(Kind::Template, name)
    }

    /// Returns the controller of this name.
    pub(crate) fn controller(name: &str) -> Code {
        Code::of(Kind::Controller, name)
    }

    /// Returns the code that processes each byte of a large page.
    pub(crate) fn large_page() -> Code {
        Code::of(Kind::LargePage, "")
    }

    /// Returns the variant function.
    pub(crate) fn variant() -> Code {
        Code::of(Kind::Variant, "")
    }

    fn of(kind: Kind, name: &str) -> Code {
        let hash = xxh3_64_with_seed(name.as_bytes(), kind as u64);
        Code { index: hash as usize % CODES, kind }
    }

    /// Returns the index of its weight, less than [`CODES`].
    pub(super) fn index(self) -> usize {
        self.index
    }

    fn weight(self) -> &'static AtomicU8 {
        &WEIGHTS[self.index]
    }

    /// Returns whether it is the variant function.
    pub(super) fn is_variant(self) -> bool {
        self.kind == Kind::Variant
    }

    /// Returns whether it has run, and was fast.
    pub(super) fn is_trusted(self) -> bool {
        (1..SLOW).contains(&self.weight().load(Ordering::Relaxed))
    }

    /// Returns whether it has been slow lately.
    pub(super) fn is_slow(self) -> bool {
        self.weight().load(Ordering::Relaxed) >= SLOW
    }

    /// Records a run of so many milliseconds. Simultaneous runs may overwrite each other's records;
    /// later ones make up for it.
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
        // The weight of fast code seldom changes, and cores share its cache line.
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
