//! Deserializes single values whose errors must list the allowed forms.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::http::Languages;
use crate::http::forgery::PageOrigin;

/// Durations, written like `"20s"`.
pub(super) mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::units::{DurationText, format_duration};

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*value))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        DurationText::deserialize(deserializer).map(|text| text.0)
    }
}

/// Sizes in bytes, written like `"64 KiB"` or as an integer.
pub(super) mod size {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::units::{SizeText, format_size};

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &u64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_size(*value))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u64, D::Error> {
        SizeText::deserialize(deserializer).map(|text| text.0)
    }
}

/// Addresses and networks, written like `"10.0.0.0/8"`.
pub(super) mod networks {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use ipnet::IpNet;

    use crate::http::network;

    pub(in crate::config) fn serialize<S: Serializer>(
        networks: &[IpNet],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(networks.iter().map(IpNet::to_string))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<IpNet>, D::Error> {
        let expecting = "a list of addresses and networks, like [\"127.0.0.1\", \"10.0.0.0/8\"]";
        let texts = super::strings(deserializer, expecting, |text| network(text).map(drop))?;
        texts.iter().map(|text| network(text).map_err(D::Error::custom)).collect()
    }
}

/// Deserializes an address to listen on.
pub(super) fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = SocketAddr;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an address to listen on, like \"127.0.0.1:8000\"")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
            text.parse().map_err(|_| {
                E::custom(format_args!(
                    "`{text}` is not an address to listen on; write IP:port, \
                     as in \"127.0.0.1:8000\" or \"[::1]:8000\""
                ))
            })
        }
    }
    deserializer.deserialize_str(Text)
}

/// Deserializes addresses to connect to: `host:port` each.
pub(super) fn addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    strings(deserializer, "a list of addresses, like [\"127.0.0.1:8100\"]", |text| {
        if is_address(text) {
            return Ok(());
        }
        Err(format!(
            "`{text}` is not an address to connect to; write host:port, \
             as in \"127.0.0.1:8100\" or \"backend.internal:8100\""
        ))
    })
}

/// Deserializes names or addresses of machines, without ports.
pub(super) fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    strings(deserializer, "a list of hosts, like [\"f1.internal\"]", |text| {
        let is_name = !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if is_name || text.parse::<std::net::IpAddr>().is_ok() {
            return Ok(());
        }
        Err(format!("`{text}` is not a host; write a name or an address, as in \"f1.internal\""))
    })
}

/// Deserializes origins of pages, as sent by browsers.
pub(super) fn origins<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<PageOrigin>, D::Error> {
    let expecting = "a list of origins, like [\"https://shop.example\"]";
    let texts = strings(deserializer, expecting, |text| text.parse::<PageOrigin>().map(drop))?;
    texts.iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
}

/// Deserializes a value of `Referrer-Policy`, or `off`.
pub(super) fn referrer_policy<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    one_of(
        deserializer,
        &[
            "off",
            "no-referrer",
            "no-referrer-when-downgrade",
            "origin",
            "origin-when-cross-origin",
            "same-origin",
            "strict-origin",
            "strict-origin-when-cross-origin",
            "unsafe-url",
        ],
    )
}

/// Deserializes a value of `Cross-Origin-Opener-Policy`, or `off`.
pub(super) fn opener_policy<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    let known =
        &["off", "same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"];
    one_of(deserializer, known)
}

fn one_of<'de, D: Deserializer<'de>>(deserializer: D, known: &[&str]) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if known.contains(&&*text) {
        return Ok(text);
    }
    Err(de::Error::custom(format_args!("`{text}` is not one of {}", known.join(", "))))
}

/// Deserializes language tags.
pub(super) fn languages<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    strings(deserializer, "a list of languages, like [\"en\", \"de\"]", Languages::check)
}

/// Deserializes names of nodes.
pub(super) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    strings(deserializer, "a list of names, like [\"f1\", \"f2\"]", check_name)
}

/// Deserializes the name of a node.
pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name, like \"f1\"")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            check_name(text).map_err(E::custom)?;
            Ok(text.to_owned())
        }
    }
    deserializer.deserialize_str(Text)
}

/// Deserializes a positive number.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    struct Number;
    impl Visitor<'_> for Number {
        type Value = usize;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number from 1")
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<usize, E> {
            match usize::try_from(number) {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(E::custom(format_args!("`{number}` is not a whole number from 1"))),
            }
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<usize, E> {
            usize::try_from(number).map_err(|_| E::custom("the number is too large"))
        }
    }
    deserializer.deserialize_i64(Number)
}

/// Checks whether `text` can be the name of a node, which occurs in lists, log lines and labels of metrics.
fn check_name(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=64).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("`{text}` is not a name; write 1 to 64 of the characters a-z A-Z 0-9 . _ -"))
}

/// Returns whether `text` is `host:port` with a port other than 0.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let host_is_plain = !host.is_empty()
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let host_is_v6 = text.parse::<std::net::SocketAddrV6>().is_ok();
    (host_is_plain || host_is_v6) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn strings<'de, D: Deserializer<'de>>(
    deserializer: D,
    expecting: &'static str,
    check: fn(&str) -> Result<(), String>,
) -> Result<Vec<String>, D::Error> {
    struct List(&'static str, fn(&str) -> Result<(), String>);
    impl<'de> Visitor<'de> for List {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = list.next_element::<String>()? {
                (self.1)(&text).map_err(de::Error::custom)?;
                texts.push(text);
            }
            Ok(texts)
        }
    }
    deserializer.deserialize_seq(List(expecting, check))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_connect_to_is_a_host_and_a_port() {
        for good in ["127.0.0.1:8100", "[::1]:8100", "localhost:1", "back-end.internal:65535"] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "8100", ":8100", "host:", "host:0", "host:65536", "http://h:1", "::1:80"] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn a_name_has_no_spaces_or_commas() {
        assert!(check_name("f1").is_ok());
        for bad in ["", "f 1", "f1,f2", "f\n"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
