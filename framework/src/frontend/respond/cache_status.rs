//! The `Cache-Status` header of every response that a front end gives (RFC 9211).
//!
//! What the server answers before a request reaches the front end has none: a request without
//! `Host`, or with a head that is too long, malformed or too slow, and a connection beyond the limit. A
//! member of the field stands for a cache that has *handled the request* (section 2), and `fwd` says
//! why one has sent it on, which none of these was. The server does not know of a cache, and what
//! hyper refuses by itself could not be given the header anyway. So a log of `Cache-Status` shows
//! which requests have come as far as the cache.

use std::io::Write as _;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

/// How the cache took part in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::frontend) enum CacheStatus {
    /// Served from the cache; for how much longer it is fresh, if time ends it.
    Hit(Option<Duration>),
    /// Made anew.
    Forwarded { why: Forward, stored: bool, collapsed: bool },
    /// An old entry that is being made anew; how long it has been past its end.
    StaleWhileRevalidate { past_end: Duration },
    /// An old entry in the place of an error with this status.
    StaleIfError { status: u16 },
}

/// Why the cache did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::frontend) enum Forward {
    /// The route or the site does not want it to.
    Bypass,
    /// The method is not one that is cached.
    Method,
    /// There was no entry.
    UriMiss,
    /// The entry was too old, or invalidated.
    Stale,
    /// The front end holds no lease.
    Fenced,
}

impl CacheStatus {
    /// Made for this request alone, and not stored.
    pub(in crate::frontend) const fn forwarded(why: Forward) -> CacheStatus {
        CacheStatus::Forwarded { why, stored: false, collapsed: false }
    }

    /// Whether what is sent is known to be old.
    pub(in crate::frontend) fn is_stale(self) -> bool {
        matches!(self, CacheStatus::StaleWhileRevalidate { .. } | CacheStatus::StaleIfError { .. })
    }

    /// The header of a response that is sent with one status in the place of what was made with
    /// another: without a `fwd-status` the two would be taken for the same.
    pub(in crate::frontend) fn header_with(
        self,
        sent: StatusCode,
        made: StatusCode,
    ) -> HeaderValue {
        match self {
            CacheStatus::Forwarded { .. } if sent != made => {
                let header = self.header();
                let header = header.to_str().unwrap_or_default();
                value(format!("{header}; fwd-status={}", made.as_u16()))
            }
            _ => self.header(),
        }
    }

    pub(in crate::frontend) fn header(self) -> HeaderValue {
        match self {
            CacheStatus::Hit(None) => HeaderValue::from_static("headwater; hit"),
            CacheStatus::Hit(Some(left)) => hit(left.as_secs()),
            CacheStatus::StaleWhileRevalidate { past_end } => {
                let ttl = -i64::try_from(past_end.as_secs()).unwrap_or(i64::MAX);
                value(format!("headwater; hit; ttl={ttl}; detail=stale-while-revalidate"))
            }
            CacheStatus::StaleIfError { status } => {
                value(format!("headwater; fwd=stale; fwd-status={status}; detail=stale-if-error"))
            }
            CacheStatus::Forwarded { why, stored, collapsed } => match (why, stored, collapsed) {
                (Forward::Bypass, false, false) => {
                    HeaderValue::from_static("headwater; fwd=bypass")
                }
                (Forward::Method, false, false) => {
                    HeaderValue::from_static("headwater; fwd=method")
                }
                (Forward::UriMiss, true, false) => {
                    HeaderValue::from_static("headwater; fwd=uri-miss; stored")
                }
                _ => {
                    let reason = match why {
                        Forward::Bypass => "bypass",
                        Forward::Method => "method",
                        Forward::UriMiss => "uri-miss",
                        Forward::Stale => "stale",
                        Forward::Fenced => "bypass; detail=no-lease",
                    };
                    let stored = if stored { "; stored" } else { "" };
                    let collapsed = if collapsed { "; collapsed" } else { "" };
                    value(format!("headwater; fwd={reason}{stored}{collapsed}"))
                }
            },
        }
    }
}

/// That of most responses, so it is written without a string between.
fn hit(ttl: u64) -> HeaderValue {
    let mut text = [0; 40];
    let mut rest = &mut text[..];
    // There is room for 20 digits.
    let _ = write!(rest, "headwater; hit; ttl={ttl}");
    let length = 40 - rest.len();
    HeaderValue::from_bytes(&text[..length]).expect("made of letters, digits and punctuation only")
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("made of ASCII letters, digits and punctuation only")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_rfc() {
        let hit = CacheStatus::Hit(Some(Duration::from_millis(12_900)));
        assert_eq!(hit.header(), "headwater; hit; ttl=12");
        let stale =
            |millis| CacheStatus::StaleWhileRevalidate { past_end: Duration::from_millis(millis) };
        let expected = "headwater; hit; ttl=-3; detail=stale-while-revalidate";
        assert_eq!(stale(3_900).header(), expected);
        assert_eq!(stale(900).header(), expected.replace("-3", "0"));
        let miss =
            |why, stored, collapsed| CacheStatus::Forwarded { why, stored, collapsed }.header();
        assert_eq!(miss(Forward::UriMiss, true, false), "headwater; fwd=uri-miss; stored");
        assert_eq!(miss(Forward::Stale, true, true), "headwater; fwd=stale; stored; collapsed");
        assert_eq!(miss(Forward::Bypass, false, false), "headwater; fwd=bypass");
    }
}
