use std::fmt;
use std::time::Duration;

use http::StatusCode;
use regex::bytes::Regex;

use crate::cache_type::CacheType;
use crate::units::format_duration;

/// How the content of a route may be cached, as `dispatch.conf` says it with `cache = …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachePolicy {
    /// What ends an entry's life.
    pub kind: CacheType,
    /// For how long after its end an entry may be served once more while it is made anew, so that
    /// the visitor need not wait (RFC 5861, section 3). Never past a hard invalidation, never
    /// without a lease. Zero: not at all.
    pub stale_while_revalidate: Duration,
    /// For how long after its end, or without a lease, an entry may be served, marked as stale,
    /// when the back end fails (RFC 5861, section 4). Never past a hard invalidation. Zero: not at
    /// all.
    pub stale_if_error: Duration,
}

/// Statuses beside 200 whose replies may be cached, as `dispatch.conf` says it with
/// `cache_statuses = …`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheStatuses(Vec<(StatusCode, Option<Duration>)>);

impl CacheStatuses {
    /// Adds a status, with a lifetime when it is not the site's usual one. A status that was there
    /// before gets this lifetime.
    pub(super) fn insert(&mut self, status: StatusCode, lifetime: Option<Duration>) {
        self.0.retain(|(known, _)| *known != status);
        self.0.push((status, lifetime));
    }

    /// For how long a reply with this status lives, if it may be cached; `usual` is what
    /// `project.toml` says for those that have no lifetime of their own.
    pub fn lifetime(&self, status: StatusCode, usual: Duration) -> Option<Duration> {
        let found = self.0.iter().find(|(known, _)| *known == status);
        found.map(|(_, lifetime)| lifetime.unwrap_or(usual))
    }

    /// Whether a reply with this status has a lifetime of its own.
    pub fn has_lifetime(&self, status: StatusCode) -> bool {
        self.0.iter().any(|(known, lifetime)| *known == status && lifetime.is_some())
    }

    /// The statuses.
    pub fn iter(&self) -> impl Iterator<Item = StatusCode> {
        self.0.iter().map(|(status, _)| *status)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What becomes of unsafe requests that pages of other sites have sent, as `dispatch.conf` says it with
/// `forgery = …`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForgeryPolicy {
    /// They are answered with 403. The default.
    #[default]
    Refuse,
    /// They are taken as any others.
    Allow,
}

/// How often one visitor may have a route's controller run, as `dispatch.conf` says it with `rate = …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many requests may come at once, and as many again in each period.
    pub requests: u32,
    /// The period.
    pub period: Duration,
    /// What tells visitors apart.
    pub by: RateBy,
}

/// What tells visitors apart whose requests are counted, as `dispatch.conf` says it with `rate_by = …`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RateBy {
    /// Their address. The default.
    #[default]
    Address,
    /// The user of their session, the session itself where it has none, their address where there is no session.
    Session,
}

/// As `dispatch.conf` would say it.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.requests, format_duration(self.period))
    }
}

/// What the auditor does with the content of a route.
#[derive(Debug, Clone, Default)]
pub struct AuditPolicy {
    /// Which content is compared.
    pub audited: Audited,
    /// What is left out of both sides, as `audit_ignore` says it.
    pub ignored: Vec<Regex>,
}

/// Which content of a route the auditor compares, as `dispatch.conf` says it with `audit = …`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Audited {
    /// All but what may be old for a time that its author has said. The default.
    #[default]
    Untimed,
    /// That too.
    All,
    /// None.
    Nothing,
}

/// As `dispatch.conf` would say it.
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

/// Each status, with its lifetime if it has one of its own.
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
