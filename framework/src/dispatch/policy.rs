use std::fmt;
use std::time::Duration;

use http::StatusCode;
use regex::bytes::Regex;

use crate::cache_type::CacheType;
use crate::units::format_duration;

/// The `cache` of a route: how its content may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// The condition that ends the life of an entry.
    pub kind: CacheType,
    /// The time after an entry's end during which it may still be served while a new one is rendered, so that the
    /// visitor need not wait (RFC 5861, section 3). It never applies after a hard invalidation or without a lease. Zero
    /// disables it.
    pub stale_while_revalidate: Duration,
    /// The time after an entry's end, or without a lease, during which it may be served, marked as stale, if the back
    /// end fails (RFC 5861, section 4). It never applies after a hard invalidation. Zero disables it.
    pub stale_if_error: Duration,
}

/// The `cache_statuses` of a route: statuses beside 200 whose replies may be cached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheStatuses(Vec<(StatusCode, Option<Duration>)>);

impl CacheStatuses {
    /// Adds a status, with a lifetime if it differs from the site's default. Replaces the lifetime of a status that was
    /// added before.
    pub(super) fn insert(&mut self, status: StatusCode, lifetime: Option<Duration>) {
        self.0.retain(|(known, _)| *known != status);
        self.0.push((status, lifetime));
    }

    /// Returns the lifetime of a reply with this status, if it may be cached; `usual` is the default of `project.toml`.
    pub fn lifetime(&self, status: StatusCode, usual: Duration) -> Option<Duration> {
        let found = self.0.iter().find(|(known, _)| *known == status);
        found.map(|(_, lifetime)| lifetime.unwrap_or(usual))
    }

    /// Returns whether this status has its own lifetime.
    pub fn has_lifetime(&self, status: StatusCode) -> bool {
        self.0.iter().any(|(known, lifetime)| *known == status && lifetime.is_some())
    }

    /// Returns the statuses.
    pub fn iter(&self) -> impl Iterator<Item = StatusCode> {
        self.0.iter().map(|(status, _)| *status)
    }

    /// Returns whether no statuses are declared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The `forgery` of a route: the handling of unsafe requests that pages of other sites have sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForgeryPolicy {
    /// Such requests are answered with 403. The default.
    #[default]
    Refuse,
    /// Such requests are handled like all others.
    Allow,
}

/// The `rate` of a route: how often its controller may run for one visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The number of requests that may arrive at once, and that are added in each period.
    pub requests: u32,
    /// The period.
    pub period: Duration,
    /// How visitors are distinguished.
    pub by: RateBy,
}

/// The `rate_by` of a route: how the visitors whose requests are counted are distinguished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RateBy {
    /// By their address. The default.
    #[default]
    Address,
    /// By the user of their session; by the session itself if it has no user, and by their address if there is no
    /// session.
    Session,
}

/// Formats the rate as in `dispatch.conf`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, format_duration(self.period))
    }
}

/// The `audit` and `audit_ignore` of a route.
#[derive(Debug, Clone, Default)]
pub struct AuditPolicy {
    /// The content that is compared.
    pub audited: Audited,
    /// The expressions whose matches are removed from both sides, from `audit_ignore`.
    pub ignored: Vec<Regex>,
}

/// The `audit` of a route: the content that the auditor compares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Audited {
    /// All content except that which may be outdated for a time that its author has declared. The default.
    #[default]
    Untimed,
    /// All content.
    All,
    /// No content.
    Nothing,
}

/// Formats the policy as in `dispatch.conf`.
impl fmt::Display for CachePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        for (key, window) in [
            ("stale_while_revalidate", self.stale_while_revalidate),
            ("stale_if_error", self.stale_if_error),
        ] {
            if !window.is_zero() {
                write!(f, ", {key} {}", format_duration(window))?;
            }
        }
        Ok(())
    }
}

/// Formats each status, with its lifetime if it has its own.
impl fmt::Display for CacheStatuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (status, lifetime)) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            write!(f, "{comma}{}", status.as_u16())?;
            if let Some(lifetime) = lifetime {
                write!(f, " {}", format_duration(*lifetime))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_without_a_lifetime_has_the_usual_one() {
        let usual = Duration::from_secs(10);
        let mut statuses = CacheStatuses::default();
        statuses.insert(StatusCode::NOT_FOUND, None);
        statuses.insert(StatusCode::GONE, Some(Duration::from_secs(60)));
        assert_eq!(statuses.lifetime(StatusCode::NOT_FOUND, usual), Some(usual));
        assert_eq!(statuses.lifetime(StatusCode::GONE, usual), Some(Duration::from_secs(60)));
        assert_eq!(statuses.lifetime(StatusCode::FOUND, usual), None);
        assert_eq!(statuses.to_string(), "404, 410 1m");
    }
}
