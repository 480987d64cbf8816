use std::time::Duration;

use http::HeaderName;
use http::header::{ACCEPT_LANGUAGE, COOKIE};

use super::flash::Flashes;
use super::page_headers::PageHeaders;
use super::sample::Sample;
use crate::http::forgery::PageOrigin;
use crate::http::{Coding, GroupHeader, Languages, TrustedProxies};
use crate::server::Pace;

/// The settings of a front end.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether error pages show causes.
    pub development: bool,
    /// Whether responses are cached at all.
    pub caching: bool,
    /// The lifetime of `normal` content.
    pub lifetime: Duration,
    /// The lifetime of a reply with one of a route's `cache_statuses`, if the route declares none.
    pub status_lifetime: Duration,
    /// The content codings in which pages are stored.
    pub encodings: Vec<Coding>,
    /// Headers that list the groups of a page.
    pub group_headers: Vec<GroupHeader>,
    /// The longest body that is cached, in bytes.
    pub largest_entry: u64,
    /// The number of fills that may continue after their visitors have disconnected.
    pub flights: usize,
    /// The time that a back end has to begin its answer.
    pub deadline: Duration,
    /// The time that a page waits for its parts.
    pub part_timeout: Duration,
    /// The longest request body on routes that declare no limit, in bytes.
    pub body_limit: u64,
    /// The minimum pace of request bodies.
    pub body_pace: Pace,
    /// The total memory for replies that are collected for the cache, in bytes.
    pub collected_bodies: u64,
    /// The site's languages.
    pub languages: Languages,
    /// The name of the cookie with the visitor's chosen language.
    pub language_cookie: Option<String>,
    /// The sample of hits that the auditor compares.
    pub audit_sample: Sample,
    /// The proxies whose information about a request's origin is trusted.
    pub proxies: TrustedProxies,
    /// The other origins whose pages may send unsafe requests.
    pub trusted_origins: Vec<PageOrigin>,
    /// The security headers of pages.
    pub page_headers: PageHeaders,
    /// The flash messages.
    pub flashes: Flashes,
}

impl Settings {
    /// Returns the headers that determine a visitor's language, unless the path contains it.
    pub(super) fn language_headers(&self) -> &'static [HeaderName] {
        static NAMES: [HeaderName; 2] = [ACCEPT_LANGUAGE, COOKIE];
        match self.language_cookie {
            _ if self.languages.is_empty() || self.languages.has_one() => &[],
            None => &NAMES[..1],
            Some(_) => &NAMES,
        }
    }
}
