use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which part of the hits is made anew and compared: one in so many, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample(u32);

/// An odd number whose multiples are spread evenly: that of the golden ratio. Hits are often asked for in
/// turns, and with every tenth of them it might always be the same page's turn.
const SPREAD: u32 = 0x9E37_79B1;

impl Sample {
    /// No hit.
    pub(crate) const OFF: Sample = Sample(0);

    /// One hit of so many.
    pub(crate) const fn one_in(number: u32) -> Sample {
        Sample(number)
    }

    /// Whether the hit with this number is one of them.
    #[inline]
    pub(super) fn takes(self, hit: u64) -> bool {
        // Where none is, this is all.
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
                "`{text}` is not a part of the hits; write one in so many, as in \"1/10\", or \"off\""
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_the_hits_is_as_large_as_it_says_and_no_page_is_left_out() {
        for number in [1, 2, 10, 97, 1000] {
            let sample = Sample::one_in(number);
            // Pages that are asked for in turns of any length.
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
    fn it_is_read_as_it_is_written() {
        let read = |text: &str| serde_json::from_value::<Sample>(text.into());
        for text in ["off", "1/1", "1/10", "1/100000"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        for text in ["", "1/0", "1/-1", "2/10", "0.1", "1/99999999999", "on"] {
            assert!(read(text).unwrap_err().to_string().contains("as in \"1/10\""), "{text}");
        }
    }
}
