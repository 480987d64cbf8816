//! The content codings that a client accepts (RFC 9110, section 12.5.3).
//!
//! Where the header leaves a choice, the decision favours simple clients:
//!
//! - Without the header, any coding would be allowed; only the identity coding suits all clients.
//! - A client that names codings but not `identity` accepts `identity` as a last resort, with the
//!   lowest quality.
//! - A coding that is named twice has the lower quality. Malformed members are skipped.

use http::{HeaderMap, HeaderValue, header};

use super::weight::{self, Weight};

/// The highest quality, in thousandths.
const HIGHEST: u16 = Weight::FULL.thousandths();

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coding {
    /// No coding.
    Identity,
    /// `gzip` (RFC 1952).
    Gzip,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
}

/// The qualities that a client gives to the codings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// By coding, in thousandths.
    qualities: [u16; Coding::ALL.len()],
}

impl Coding {
    /// All codings.
    pub const ALL: [Coding; 4] = [Coding::Identity, Coding::Gzip, Coding::Brotli, Coding::Zstd];

    /// Returns the coding's name in headers: `identity`, `gzip`, `br` or `zstd`.
    pub const fn name(self) -> &'static str {
        match self {
            Coding::Identity => "identity",
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    /// Returns the value of `Content-Encoding` for this coding; `None` for `identity`, which that
    /// header must not contain.
    pub const fn content_encoding(self) -> Option<HeaderValue> {
        match self {
            Coding::Identity => None,
            _ => Some(HeaderValue::from_static(self.name())),
        }
    }

    /// Returns the coding with this name, in any case.
    fn named(name: &str) -> Option<Coding> {
        let same = |coding: &Coding| name.eq_ignore_ascii_case(coding.name());
        match Coding::ALL.into_iter().find(same) {
            // RFC 9110, section 8.4.1.3.
            None if name.eq_ignore_ascii_case("x-gzip") => Some(Coding::Gzip),
            found => found,
        }
    }
}

impl Preferences {
    /// Accepts only the identity coding.
    pub const PLAIN: Preferences = Preferences { qualities: [HIGHEST, 0, 0, 0] };

    /// Returns the client's quality for a coding, in thousandths: 0 if it is not acceptable.
    pub fn quality(&self, coding: Coding) -> u16 {
        self.qualities[coding as usize]
    }

    /// Returns whether the client accepts the coding.
    pub fn takes(&self, coding: Coding) -> bool {
        self.quality(coding) > 0
    }

    /// Returns the coding that the client prefers among `offers`, each a coding and a length in
    /// bytes. Of equally preferred codings it is the shortest, and of those the first. `None` if
    /// the client accepts none of them.
    pub fn best(&self, offers: impl IntoIterator<Item = (Coding, u64)>) -> Option<Coding> {
        let liked = offers.into_iter().filter(|(coding, _)| self.takes(*coding));
        let rank = |(coding, length): &(Coding, u64)| (HIGHEST - self.quality(*coding), *length);
        liked.min_by_key(rank).map(|(coding, _)| coding)
    }
}

/// Parses `Accept-Encoding`, in time linear in its length.
pub fn acceptable(headers: &HeaderMap) -> Preferences {
    let mut lines = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
    if lines.peek().is_none() {
        return Preferences::PLAIN;
    }
    let mut named: [Option<u16>; Coding::ALL.len()] = [None; Coding::ALL.len()];
    let mut others = None;
    for line in lines {
        for member in line.as_bytes().split(|byte| *byte == b',') {
            let Some((name, weight)) = weight::member(member) else { continue };
            let quality = weight.thousandths();
            let place = match Coding::named(name) {
                Some(coding) => &mut named[coding as usize],
                None if name == "*" => &mut others,
                None => continue,
            };
            *place = Some(place.map_or(quality, |before: u16| before.min(quality)));
        }
    }
    let unnamed = |coding| match (others, coding) {
        (Some(quality), _) => quality,
        (None, Coding::Identity) => 1,
        (None, _) => 0,
    };
    Preferences {
        qualities: Coding::ALL.map(|coding| match named[coding as usize] {
            Some(quality) => quality,
            None => unnamed(coding),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(lines: &[&str]) -> Preferences {
        let lines = lines.iter().map(|line| {
            (header::ACCEPT_ENCODING, HeaderValue::from_bytes(line.as_bytes()).unwrap())
        });
        acceptable(&lines.collect())
    }

    /// Identity, gzip, br, zstd.
    fn qualities(lines: &[&str]) -> [u16; 4] {
        Coding::ALL.map(|coding| of(lines).quality(coding))
    }

    #[test]
    fn qualities_follow_the_header() {
        for (line, expected) in [
            ("", [1, 0, 0, 0]),
            ("gzip", [1, 1000, 0, 0]),
            ("gzip, deflate, br, zstd", [1, 1000, 1000, 1000]),
            ("GZip ; Q=0.5 , x-gzip;q=0.7, BR;q=1.000", [1, 500, 1000, 0]),
            ("br;q=0.123", [1, 0, 123, 0]),
            ("br;q=0, *;q=0.5", [500, 500, 0, 500]),
            ("gzip, *;q=0", [0, 1000, 0, 0]),
            ("identity;q=0", [0, 0, 0, 0]),
            ("identity;q=0.5, gzip;q=0.4", [500, 400, 0, 0]),
            ("*", [1000, 1000, 1000, 1000]),
            ("gzip;q=2, br;q=-1, zstd;q=x", [1, 0, 0, 0]),
            ("gzip;q=1.5, br;q=., zstd;q=", [1, 0, 0, 0]),
            ("gzip;a=b;q=.25,,;;,br;x", [1, 250, 1000, 0]),
            ("gzip;q=0.12399999999999", [1, 123, 0, 0]),
        ] {
            assert_eq!(qualities(&[line]), expected, "{line}");
        }
        assert_eq!(qualities(&[]), [1000, 0, 0, 0]);
        assert_eq!(qualities(&["gzip;q=0.5", "br", "gzip;q=0.2"]), [1, 200, 1000, 0]);
    }

    #[test]
    fn of_equally_good_codings_the_shortest_is_taken() {
        let offers =
            [(Coding::Identity, 100), (Coding::Gzip, 30), (Coding::Zstd, 20), (Coding::Brotli, 20)];
        let best = |line| of(&[line]).best(offers);
        assert_eq!(best("gzip, br, zstd"), Some(Coding::Zstd));
        assert_eq!(best("gzip, br"), Some(Coding::Brotli));
        assert_eq!(best("gzip, br;q=0.9"), Some(Coding::Gzip));
        assert_eq!(best("deflate"), Some(Coding::Identity));
        assert_eq!(best("identity, gzip;q=0.5"), Some(Coding::Identity));
        assert_eq!(best("identity;q=0"), None);
        assert_eq!(of(&["*"]).best([]), None);
        assert_eq!(of(&[]).best(offers), Some(Coding::Identity));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(lines in prop::collection::vec("[ -~\t\u{80}-\u{ff}]{0,40}", 0..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            prop_assert!(qualities(&lines).iter().all(|quality| *quality <= HIGHEST));
        }

        #[test]
        fn a_well_formed_header_is_parsed_to_its_qualities(
            members in prop::collection::btree_map(0..4_usize, 0..=1000_u16, 1..5),
            others in prop::option::of(0..=1000_u16),
            space in "[ \t]{0,2}",
        ) {
            let names = members.iter().map(|(coding, quality)| (Coding::ALL[*coding].name(), *quality));
            let line: Vec<String> = names
                .chain(others.map(|quality| ("*", quality)))
                .map(|(name, quality)| match quality {
                    HIGHEST => name.to_owned(),
                    _ => format!("{name}{space};{space}q=0.{quality:03}{space}"),
                })
                .collect();
            let found = of(&[&line.join(",")]);
            for coding in Coding::ALL {
                let least = if coding == Coding::Identity { 1 } else { 0 };
                let expected = members.get(&(coding as usize)).copied().or(others);
                prop_assert_eq!(found.quality(coding), expected.unwrap_or(least));
            }
        }

        #[test]
        fn the_best_has_the_highest_quality_and_then_the_shortest_length(
            qualities in prop::array::uniform4(0..4_u16),
            lengths in prop::array::uniform4(0..4_u64),
        ) {
            let liked = Preferences { qualities };
            let offers = || Coding::ALL.into_iter().zip(lengths);
            match liked.best(offers()) {
                None => prop_assert!(qualities.iter().all(|quality| *quality == 0)),
                Some(best) => {
                    let (quality, length) = (liked.quality(best), lengths[best as usize]);
                    prop_assert!(quality > 0);
                    for (coding, other) in offers() {
                        let rank = (liked.quality(coding), std::cmp::Reverse(other));
                        prop_assert!(rank <= (quality, std::cmp::Reverse(length)));
                    }
                }
            }
        }
    }
}
