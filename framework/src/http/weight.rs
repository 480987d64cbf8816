//! The weighted members of fields like `Accept-Language` (RFC 9110, section 12.4.2).

/// The weight (`q`) of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(u16);

impl Weight {
    /// The highest weight, which is also the default.
    pub(crate) const FULL: Weight = Weight(1000);

    /// Returns the weight in thousandths: 0 to 1000.
    pub(crate) const fn thousandths(self) -> u16 {
        self.0
    }

    /// Returns whether the weight is zero: not acceptable.
    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Parses a number from 0 to 1, with or without a point; digits beyond thousandths are cut off.
    fn parse(text: &str) -> Option<Weight> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole = match whole {
            "" if fraction.is_empty() => return None,
            "0" | "" => 0,
            "1" => Weight::FULL.0,
            _ => return None,
        };
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = fraction.bytes().chain(*b"000").take(3);
        let fraction = digits.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        Some(Weight(whole + fraction)).filter(|weight| *weight <= Weight::FULL)
    }
}

/// Parses a member into its name and weight; `None` if it is malformed.
pub(crate) fn member(member: &[u8]) -> Option<(&str, Weight)> {
    let mut parts = std::str::from_utf8(member).ok()?.split(';').map(str::trim_ascii);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim_ascii().eq_ignore_ascii_case("q").then_some(value.trim_ascii())
    });
    Some((name, weight.map_or(Some(Weight::FULL), Weight::parse)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(&str, u16)> {
        member(text.as_bytes()).map(|(name, weight)| (name, weight.thousandths()))
    }

    #[test]
    fn a_member_has_a_weight() {
        for (text, expected) in [
            ("de-CH", ("de-CH", 1000)),
            (" de;q=0.9", ("de", 900)),
            ("en ;\tQ=0.85 ", ("en", 850)),
            ("*;q=0", ("*", 0)),
            ("fr;x=y;q=1.000", ("fr", 1000)),
            ("it;level=2", ("it", 1000)),
            ("a;q=.5", ("a", 500)),
            ("b;q=0.1239", ("b", 123)),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_malformed_member_is_none() {
        for text in
            ["", ";q=1", "a;q=", "a;q=.", "a;q=2", "a;q=1.1", "a;q=-1", "a;q=0.x", "a;q=1 .0"]
        {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(member(b"\xff"), None);
    }

    proptest! {
        #[test]
        fn weights_are_thousandths(thousandths in 0u16..=1000, digits in 0usize..=3) {
            let unit = 10u16.pow(3 - digits as u32);
            let thousandths = thousandths / unit * unit;
            let text = match digits {
                0 => (thousandths / 1000).to_string(),
                _ => format!("{:.*}", digits, f64::from(thousandths) / 1000.0),
            };
            prop_assert_eq!(Weight::parse(&text), Some(Weight(thousandths)));
        }

        #[test]
        fn nothing_makes_it_panic(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            member(&line);
        }
    }
}
