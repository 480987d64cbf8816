use std::fmt;
use std::path::Path;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::canonical::decode;
use super::capture_template::CaptureTemplate;
use super::path::PathPattern;
use super::pattern::Pattern;
use super::{AuditPolicy, CachePolicy, CacheStatuses, ForgeryPolicy, QueryKey, Rate};
use crate::http::Directives;
use crate::http::names::SESSION_USER;
use crate::request_values::GrowingUses;

/// A position in the site's files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file.
    pub file: Arc<Path>,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// The format of errors: the error pages of the site itself or of a delegated prefix, or problem documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scope {
    pub(super) level: usize,
    /// Whether every client receives a problem document (RFC 9457), because the route declares `errors = "problem"`.
    pub sends_problems: bool,
}

impl Scope {
    /// The site itself, outside of all delegated prefixes.
    pub const SITE: Scope = Scope::pages_of(0);

    /// Returns the scope with the error pages of this level.
    pub(super) const fn pages_of(level: usize) -> Scope {
        Scope { level, sends_problems: false }
    }
}

/// Prefix of the controller name for a service. The names of other controllers contain no space.
const SERVICE: &str = "service ";

/// Returns the name of the controller that passes requests to the service `name`.
pub(crate) fn service_controller(name: &str) -> String {
    format!("{SERVICE}{name}")
}

/// Returns the service to which a controller passes its requests, if any.
pub(crate) fn service_of(controller: &str) -> Option<&str> {
    controller.strip_prefix(SERVICE)
}

/// The action of a route for the requests that it matches.
#[derive(Debug, Clone)]
pub enum Target {
    /// Runs the controller with this registered name on a back end.
    Controller(String),
    /// Renders the template with this name, without a back end.
    Template(String),
    /// Passes the request to the tower service with this registered name, on the front end. A service on a back end is
    /// a [`Target::Controller`] with the name from [`service_controller`].
    Service(String),
    /// Sends a file of the docroot, which [`Match::file`](super::Match::file) determines.
    Files {
        /// The file, or the folder of the files, relative to the docroot.
        folder: String,
    },
    /// Continues with another path, inside of [`Table::resolve`](super::Table::resolve).
    Alias(Alias),
    /// Redirects the visitor to another URL, which [`Match::redirect`](super::Match::redirect) determines.
    Redirect {
        /// The target URL.
        to: Redirect,
        /// The status: 301, 302, 303, 307 or 308. The default is 302: browsers do not remember it, so a mistake can be
        /// corrected.
        status: StatusCode,
    },
}

impl Target {
    /// Returns whether the target is a rendered page, which may be stored in the cache.
    pub fn is_content(&self) -> bool {
        match self {
            Target::Controller(_) | Target::Template(_) => true,
            Target::Service(_)
            | Target::Files { .. }
            | Target::Alias(_)
            | Target::Redirect { .. } => false,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Controller(name) => match service_of(name) {
                Some(name) => write!(f, "service {name} on a back end"),
                None => write!(f, "controller {name}"),
            },
            Target::Service(name) => write!(f, "service {name}"),
            Target::Template(name) => write!(f, "template {name}"),
            Target::Files { folder } => write!(f, "files {folder}"),
            Target::Alias(alias) => write!(f, "alias {alias}"),
            Target::Redirect { to, status } => write!(f, "redirect {to} ({})", status.as_u16()),
        }
    }
}

/// The target path of an alias.
#[derive(Debug, Clone)]
pub struct Alias(pub(super) CaptureTemplate);

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The target URL of a redirect.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// Scheme, host and path.
    pub(super) path: CaptureTemplate,
    /// Query and fragment.
    pub(super) tail: CaptureTemplate,
}

impl Redirect {
    /// Returns the URL. `capture` returns each capture in the spelling of the canonical path.
    pub(super) fn expand<'c>(&self, capture: impl Fn(usize) -> Option<&'c str>) -> String {
        let mut url = self.path.expand(|index, url| {
            url.push_str(capture(index).unwrap_or_default());
        });
        // A capture may begin with a slash, and `//host` would lead to another site.
        if url.starts_with("//") {
            url = format!("/{}", url.trim_start_matches('/'));
        }
        url + &self.tail.expand(|index, url| {
            let value = decode(capture(index).unwrap_or_default());
            url.extend(form_urlencoded::byte_serialize(value.as_bytes()));
        })
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path, self.tail)
    }
}

/// The condition on a request's path.
#[derive(Debug, Clone)]
pub(super) enum PathCondition {
    /// The whole path, including the prefix of the route's table.
    Path(PathPattern),
    /// A prefix, and a pattern for the rest of the path.
    Pattern { prefix: PathPattern, pattern: Box<Pattern> },
}

/// One `[[route]]` of `dispatch.conf`.
#[derive(Debug)]
pub struct Route {
    /// The name for reverse URLs.
    pub name: Option<String>,
    /// The location in the file.
    pub location: Location,
    /// The accepted methods, including HEAD if GET is accepted.
    pub methods: Vec<Method>,
    /// The action.
    pub target: Target,
    /// How the content may be cached.
    pub cache: CachePolicy,
    /// Statuses beside 200 whose replies may be cached.
    pub cache_statuses: CacheStatuses,
    /// The value of `Cache-Control`, if the route declares one.
    pub browser: Option<HeaderValue>,
    /// The value of `CDN-Cache-Control` (RFC 9213), if the route declares one.
    pub cdn: Option<HeaderValue>,
    /// The query parameters in the cache key.
    pub query: QueryKey,
    /// The request headers in the cache key.
    pub vary: Vec<HeaderName>,
    /// The maximum size of a request body, in bytes, if it differs from the site's default.
    pub max_body: Option<u64>,
    /// The handling of unsafe requests that pages of other sites have sent.
    pub forgery: ForgeryPolicy,
    /// Whether a front end sends a request a second time if the link breaks before the response, whatever its method.
    pub resend: bool,
    /// The limit on how often its controller may run for one visitor.
    pub rate: Option<Rate>,
    /// The audit of its content.
    pub audit: AuditPolicy,
    /// The part of the site whose error pages apply.
    pub scope: Scope,
    /// The values of the request that its pages use, as far as known.
    pub uses: GrowingUses,
    pub(super) condition: PathCondition,
    pub(super) captures: Vec<String>,
    pub(super) groups: Vec<CaptureTemplate>,
    pub(super) label: String,
}

impl Route {
    /// Returns the route's path and location: `/stories/{slug} (dispatch.conf:12)`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the groups of the route: each as written, and with `place` in place of each capture.
    pub fn named_groups(&self, place: char) -> impl Iterator<Item = (String, String)> {
        let shape = move |group: &CaptureTemplate| group.expand(|_, text| text.push(place));
        self.groups.iter().map(move |group| (group.to_string(), shape(group)))
    }

    /// Returns the path or pattern with the prefixes of its delegated tables.
    pub fn path(&self) -> String {
        match &self.condition {
            PathCondition::Path(path) => path.to_string(),
            PathCondition::Pattern { prefix, pattern } => {
                let prefix = prefix.to_string();
                let pattern = pattern.as_str();
                match prefix.trim_end_matches('/') {
                    "" => pattern.to_owned(),
                    prefix => format!("{prefix} {pattern}"),
                }
            }
        }
    }

    /// Returns the names of the captures, in the order of the path.
    pub fn captures(&self) -> &[String] {
        &self.captures
    }

    /// Returns whether the user of the client's session is part of the cache key.
    pub fn is_by_user(&self) -> bool {
        self.vary.contains(&SESSION_USER)
    }

    /// Returns whether its cached errors are error pages for some clients and problem documents for others.
    pub fn negotiates_errors(&self) -> bool {
        !self.scope.sends_problems
            && self.cache_statuses.iter().any(|status| status.as_u16() >= 400)
    }

    /// Returns the reason why its cached pages cannot be rendered with this template, which uses the client's session.
    pub fn why_no_session(&self, template: &str) -> String {
        let part = "move the visitor's own content to a part of the page, `{{ part(url=…) }}`, with such a route";
        match self.is_by_user() {
            false => format!(
                "the template `{template}` names `session`, and the route caches its pages for all visitors: give the route \
                 `cache = \"no_cache\"`, or {part}"
            ),
            true => format!(
                "the template `{template}` names `session`, and the route caches a page for each user, whose sessions may \
                 contain different data: render the controller's `SessionUser` instead, give the route \
                 `cache = \"no_cache\"`, or {part}"
            ),
        }
    }

    /// Returns the keys of the route that permit downstream caches to store its pages for all visitors.
    pub fn sharing_keys(&self) -> impl Iterator<Item = &'static str> {
        let declared = [("browser", &self.browser), ("cdn", &self.cdn)];
        declared.into_iter().filter_map(|(key, value)| match value {
            Some(value) if !Directives::of(value).keep_out_shared_caches() => Some(key),
            _ => None,
        })
    }

    /// Returns whether the route accepts requests with this method.
    pub fn takes(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// Returns the capture that determines the file within a folder.
    pub(super) fn file_capture(&self) -> Option<usize> {
        match &self.condition {
            PathCondition::Path(path) => path.catch_all(),
            PathCondition::Pattern { .. } => self.captures.len().checked_sub(1),
        }
    }
}
