use std::time::Duration;

use http::HeaderName;
use http::header::{ACCEPT_LANGUAGE, COOKIE};

use super::flash::Flashes;
use super::page_headers::PageHeaders;
use super::sample::Sample;
use crate::http::forgery::PageOrigin;
use crate::http::{Coding, GroupHeader, Languages, TrustedProxies};
use crate::server::Pace;

/// What a front end goes by.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether error pages show causes.
    pub development: bool,
    /// Whether responses are cached at all.
    pub caching: bool,
    /// How long `normal` content lives.
    pub lifetime: Duration,
    /// How long a reply with one of a route's `cache_statuses` lives, where the route does not say.
    pub status_lifetime: Duration,
    /// The content codings that pages are kept in.
    pub encodings: Vec<Coding>,
    /// Headers that name the groups of a page.
    pub group_headers: Vec<GroupHeader>,
    /// The longest body that is cached, in bytes.
    pub largest_entry: u64,
    /// How many fills may go on without their visitors.
    pub flights: usize,
    /// How long a back end may take to begin its answer.
    pub deadline: Duration,
    /// How long a page waits for its parts.
    pub part_timeout: Duration,
    /// The longest request body on routes that do not say otherwise, in bytes.
    pub body_limit: u64,
    /// How fast a request body is to arrive.
    pub body_pace: Pace,
    /// How many bytes the replies may take that are read to be kept, all together.
    pub collected_bodies: u64,
    /// The site's languages.
    pub languages: Languages,
    /// The cookie that says which of them a visitor has chosen.
    pub language_cookie: Option<String>,
    /// Which hits are made anew and compared.
    pub audit_sample: Sample,
    /// The proxies that are believed in what they say of where a request comes from.
    pub proxies: TrustedProxies,
    /// The other origins whose pages may send unsafe requests.
    pub trusted_origins: Vec<PageOrigin>,
    /// What pages are sent with to keep strangers out.
    pub page_headers: PageHeaders,
    /// The messages of redirects for the next page.
    pub flashes: Flashes,
}

impl Settings {
    /// The headers by which a visitor's language is chosen, where the path does not say it.
    pub(super) fn language_headers(&self) -> &'static [HeaderName] {
        static NAMES: [HeaderName; 2] = [ACCEPT_LANGUAGE, COOKIE];
        match self.language_cookie {
            _ if self.languages.is_empty() || self.languages.has_one() => &[],
            None => &NAMES[..1],
            Some(_) => &NAMES,
        }
    }
}
