//! Validators of a version of a resource (RFC 9110, section 8.8).
//!
//! # Why dates are shown five seconds early
//!
//! A date in a header has whole seconds, so two versions that are created within one second would have the same
//! `Last-Modified`. A client that has the first of them and sends `If-Modified-Since` would receive 304 forever.
//!
//! So for [`SETTLED`] after a version was created, at time `m`, `Last-Modified` is the second of `m - SETTLED`.
//! Comparisons always use `m` itself. Then:
//!
//! - A client that was shown the second of the real `m` of its version received it at `m + SETTLED` or later. Any later
//!   version has an `m` that is later by at least [`SETTLED`] and so by more than a second, and does not compare as
//!   unmodified or as the same.
//! - A client that was shown the earlier date has a date before the `m` of this version: the version compares as
//!   modified, and the content is sent once more. This cost exists for five seconds only.
//!
//! A clock that is behind another by up to `SETTLED` less one second does no harm, because the argument only requires
//! more than a second between the two versions. The argument does not cover dates that are set by hand, as `touch -d`,
//! `tar` and `rsync -t` do; entity tags cover these, and take precedence whenever a client sends them.

use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;

/// The time after the creation of a version during which another version may get the same second.
pub(crate) const SETTLED: Duration = Duration::from_secs(5);

/// Returns the value of `Last-Modified` for a resource modified at `modified`: see the [module](self). It is never
/// after `now` (RFC 9110, section 8.8.2.1).
pub(crate) fn shown_date(modified: SystemTime, now: SystemTime) -> HeaderValue {
    let settled = modified.checked_add(SETTLED).is_some_and(|settled| settled <= now);
    let shown = match settled {
        true => modified,
        false => modified.min(now).checked_sub(SETTLED).unwrap_or(UNIX_EPOCH),
    };
    date(shown)
}

/// Formats a time for headers (RFC 9110, section 5.6.7). Times outside of the years 1970 to 9999, which this format
/// cannot express, become the nearest second inside.
pub(crate) fn date(time: SystemTime) -> HeaderValue {
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let date = httpdate::HttpDate::from(time.clamp(UNIX_EPOCH, last));
    let mut text = [b' '; 29];
    // All dates of this form have this length.
    let _ = write!(&mut text[..], "{date}");
    HeaderValue::from_bytes(&text).expect("a date is made of letters, digits and spaces")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::http::conditions::{Current, Precondition, evaluate};
    use http::{HeaderMap, Method, header};
    use proptest::prelude::*;

    /// The validators of a response.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in crate::http) struct Validators {
        /// The entity tag, quoted, with `W/` in front if it is weak.
        pub(in crate::http) etag: HeaderValue,
        /// When the resource was last modified, if that is known.
        pub(in crate::http) last_modified: Option<SystemTime>,
    }

    impl Current for Validators {
        fn has_tag(&self, tag: &[u8]) -> bool {
            let own = self.etag.as_bytes();
            own.strip_prefix(b"W/").unwrap_or(own) == tag
        }

        fn has_strong_tags(&self) -> bool {
            !self.etag.as_bytes().starts_with(b"W/")
        }

        fn last_modified(&self) -> Option<SystemTime> {
            self.last_modified
        }
    }

    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_weak_tag_is_known_and_not_strong() {
        let of = |etag| Validators { etag: HeaderValue::from_static(etag), last_modified: None };
        assert!(of("\"a\"").has_strong_tags() && of("\"a\"").has_tag(b"\"a\""));
        assert!(!of("W/\"a\"").has_strong_tags() && of("W/\"a\"").has_tag(b"\"a\""));
        assert!(!of("\"a\"").has_tag(b"\"b\""));
    }

    #[test]
    fn a_date_that_may_still_change_is_shown_early() {
        for (modified, now, shown) in [
            (100.5, 104.0, "00:01:35"),
            (100.5, 105.4, "00:01:35"),
            (100.5, 105.5, "00:01:40"),
            (100.5, 9000.0, "00:01:40"),
            // Not in the future, and not before 1970.
            (9000.0, 100.0, "00:01:35"),
            (1.0, 2.0, "00:00:00"),
        ] {
            let date = shown_date(at(modified), at(now));
            assert_eq!(date, format!("Thu, 01 Jan 1970 {shown} GMT"), "{modified} {now}");
        }
        shown_date(UNIX_EPOCH + Duration::from_secs(1 << 45), SystemTime::now());
        shown_date(UNIX_EPOCH - Duration::from_secs(1 << 45), SystemTime::now());
    }

    proptest! {
        /// A visitor receives the first version at some time before the second one is created, and requests it again at
        /// some time after.
        #[test]
        fn no_two_versions_are_mistaken_for_one_another(
            first in 1000.0..1001.0_f64,
            got in 0.0..12.0_f64,
            second in 0.0..2.0_f64,
        ) {
            let (got, second) = (first + got, first + got + second);
            let shown = shown_date(at(first), at(got));
            let headers = HeaderMap::from_iter([(header::IF_MODIFIED_SINCE, shown)]);
            let now = Validators { etag: HeaderValue::from_static("\"2\""), last_modified: Some(at(second)) };
            // A version that is created at the same moment is later by a nanosecond.
            prop_assume!(second > first);
            prop_assert_eq!(evaluate(&Method::GET, &headers, &now), Precondition::Proceed);
        }
    }
}
