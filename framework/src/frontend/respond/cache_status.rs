//! The `Cache-Status` header of every response of a front end (RFC 9211).
//!
//! Responses that the server sends before a request reaches the front end do not have it: for a request without
//! `Host`, for a head that is too long, malformed or too slow, and for a connection beyond the limit. A member of the
//! field stands for a cache that has *handled the request* (section 2), and `fwd` is the reason why one has forwarded
//! it, which none has done here. The server has no access to the cache, and hyper's own error responses could not get
//! the header anyway. So a log of `Cache-Status` shows which requests have reached the cache.

use std::io::Write as _;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

/// How the cache took part in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::frontend) enum CacheStatus {
    /// Served from the cache, with the remaining time of freshness, if it is limited.
    Hit(Option<Duration>),
    /// Made for this request.
    Forwarded { why: Forward, stored: bool, collapsed: bool },
    /// A stale entry that is being replaced, with the time since it became stale.
    StaleWhileRevalidate { past_end: Duration },
    /// A stale entry in place of an error with this status.
    StaleIfError { status: u16 },
}

/// The reason why the cache did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::frontend) enum Forward {
    /// The route or the site bypasses the cache.
    Bypass,
    /// The method is not cacheable.
    Method,
    /// There was no entry.
    UriMiss,
    /// The entry was expired or invalidated.
    Stale,
    /// The front end holds no lease.
    Fenced,
}

impl CacheStatus {
    /// Creates the status of a response made for this request only and not stored.
    pub(in crate::frontend) const fn forwarded(why: Forward) -> CacheStatus {
        CacheStatus::Forwarded { why, stored: false, collapsed: false }
    }

    /// Returns whether the response is known to be stale.
    pub(in crate::frontend) fn is_stale(self) -> bool {
        matches!(self, CacheStatus::StaleWhileRevalidate { .. } | CacheStatus::StaleIfError { .. })
    }

    /// Returns the header of a response whose status differs from that of the content made: without `fwd-status` the
    /// two would be assumed to be equal.
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

/// Most responses have this one, so it is written without an intermediate string.
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
    fn the_parameters_are_those_of_rfc_9211() {
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
