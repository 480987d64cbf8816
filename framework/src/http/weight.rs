//! The members of fields like `Accept-Language`, with how much each is wanted (RFC 9110, section
//! 12.4.2).

/// How many members of one field are looked at. Browsers send ten at most.
pub(crate) const MOST_MEMBERS: usize = 32;

/// How much something is wanted, in thousandths; 0: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(u16);

impl Weight {
    /// What has no weight of its own.
    const FULL: Weight = Weight(1000);

    /// Whether it is not wanted at all.
    pub(crate) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// A `qvalue`: up to three digits behind the point, and not more than 1.
    fn parse(text: &str) -> Option<Weight> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let thousandths = fraction.bytes().chain(*b"000").take(3);
        let thousandths = thousandths.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
        match (whole, thousandths) {
            ("0", thousandths) => Some(Weight(thousandths)),
            ("1", 0) => Some(Weight::FULL),
            _ => None,
        }
    }
}

/// The members of a field's lines in their order. What is malformed is left out, and what comes
/// after the first [`MOST_MEMBERS`].
pub(crate) fn members<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = (&'a str, Weight)> {
    let members = lines.flat_map(|line| line.split(|byte| *byte == b','));
    members.take(MOST_MEMBERS).filter_map(|member| {
        let mut parts = std::str::from_utf8(member).ok()?.split(';').map(trim);
        let name = parts.next().filter(|name| !name.is_empty())?;
        let weights = parts.filter_map(|part| part.split_once('='));
        let mut weights = weights.filter(|(name, _)| trim(name).eq_ignore_ascii_case("q"));
        match weights.next() {
            Some((_, weight)) => Some((name, Weight::parse(trim(weight))?)),
            None => Some((name, Weight::FULL)),
        }
    })
}

/// Without the white space of HTTP around it.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Vec<(&str, u16)> {
        members([line.as_bytes()].into_iter()).map(|(name, weight)| (name, weight.0)).collect()
    }

    #[test]
    fn members_have_weights() {
        let line = "de-CH, de;q=0.9,en ;\tQ=0.85 ,*;q=0,fr;x=y;q=1.000, it;level=2";
        let expected =
            [("de-CH", 1000), ("de", 900), ("en", 850), ("*", 0), ("fr", 1000), ("it", 1000)];
        assert_eq!(read(line), expected);
    }

    #[test]
    fn what_is_malformed_is_left_out() {
        let line = "a;q=,b;q=2,c;q=1.1,d;q=0.1234,e;q=.5,f;q=-1,,;q=1,g;q=0.x,h;q=1 .0,i";
        assert_eq!(read(line), [("i", 1000)]);
        assert_eq!(members([&b"\xff, a"[..], b"b"].into_iter()).count(), 2);
    }

    #[test]
    fn a_long_field_is_not_read_to_its_end() {
        let line = "a,".repeat(100_000);
        assert_eq!(read(&line).len(), MOST_MEMBERS);
        assert_eq!(read(&",".repeat(MOST_MEMBERS)), []);
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
            members([&line[..]].into_iter()).for_each(drop);
        }
    }
}
