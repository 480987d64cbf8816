use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The fraction of hits that is audited: one in a number, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample(u32);

/// An odd number whose multiples are spread evenly: that of the golden ratio. Pages are often requested in rotation,
/// and every tenth hit might always be of the same page.
const SPREAD: u32 = 0x9E37_79B1;

impl Sample {
    /// No hit.
    pub(crate) const OFF: Sample = Sample(0);

    /// One hit in this number.
    pub(crate) const fn one_in(number: u32) -> Sample {
        Sample(number)
    }

    /// Returns whether the hit with this number is in the sample.
    #[inline]
    pub(super) fn takes(self, hit: u64) -> bool {
        // If the sample is off, only this comparison is evaluated.
        self.0 != 0 && (hit as u32).wrapping_mul(SPREAD) <= u32::MAX / self.0
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("off"),
            number => write!(f, "1/{number}"),
        }
    }
}

impl Serialize for Sample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sample, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix("1/").and_then(|number| number.parse().ok());
        match number.filter(|number| *number > 0) {
            Some(number) => Ok(Sample(number)),
            None if text == "off" => Ok(Sample::OFF),
            None => Err(D::Error::custom(format_args!(
                "`{text}` is not a fraction of the hits; write one in a number, as in \"1/10\", or \"off\""
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_the_declared_size_and_omits_no_page() {
        for number in [1, 2, 10, 97, 1000] {
            let sample = Sample::one_in(number);
            // Pages that are requested in rotations of any length.
            for turns in 1..=20 {
                let hits = u64::from(number) * 1000;
                for page in 0..turns {
                    let of_page = (page..hits * turns).step_by(turns as usize);
                    let taken = of_page.filter(|hit| sample.takes(*hit)).count();
                    assert!((700..1300).contains(&taken), "1/{number}, 1 of {turns}: {taken}");
                }
            }
        }
        assert!(!(0..10_000).any(|hit| Sample::OFF.takes(hit)));
    }

    #[test]
    fn a_sample_is_parsed_from_its_own_text() {
        let read = |text: &str| serde_json::from_value::<Sample>(text.into());
        for text in ["off", "1/1", "1/10", "1/100000"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        for text in ["", "1/0", "1/-1", "2/10", "0.1", "1/99999999999", "on"] {
            assert!(read(text).unwrap_err().to_string().contains("as in \"1/10\""), "{text}");
        }
    }
}
