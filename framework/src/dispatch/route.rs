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

/// Where in a site's files something is said.
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

/// What errors are answered with: the error pages of the site itself or of a delegated prefix, or problem documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scope {
    pub(super) level: usize,
    /// Whether every client gets a problem document (RFC 9457), as a route with `errors = "problem"` says.
    pub sends_problems: bool,
}

impl Scope {
    /// The site itself, outside of every delegated prefix.
    pub const SITE: Scope = Scope::pages_of(0);

    /// The error pages of this level.
    pub(super) const fn pages_of(level: usize) -> Scope {
        Scope { level, sends_problems: false }
    }
}

/// What stands before the name of a service where it is a controller: no controller's own name has a
/// space in it.
const SERVICE: &str = "service ";

/// The controller that hands its requests to the service `name`.
pub(crate) fn service_controller(name: &str) -> String {
    format!("{SERVICE}{name}")
}

/// The service that a controller hands its requests to, if that is what it does.
pub(crate) fn service_of(controller: &str) -> Option<&str> {
    controller.strip_prefix(SERVICE)
}

/// What a route does with a request that it matches.
#[derive(Debug, Clone)]
pub enum Target {
    /// Runs the controller with this registered name on a back end.
    Controller(String),
    /// Renders the template with this name, without a back end.
    Template(String),
    /// Hands the request to the tower service with this registered name, on the front end. One on a
    /// back end is the controller that [`service_controller`] names.
    Service(String),
    /// Sends a file of the docroot. [`Match::file`](super::Match::file) says which.
    Files {
        /// The file, or the folder of the files, below the docroot.
        folder: String,
    },
    /// Goes on with another path. [`Table::resolve`](super::Table::resolve) does so by itself.
    Alias(Alias),
    /// Sends the visitor to another URL. [`Match::redirect`](super::Match::redirect) says which.
    Redirect {
        /// Where to.
        to: Redirect,
        /// The status: 301, 303, 307, 308, or 302 where the file says nothing: browsers do not
        /// remember that one, so a mistake can be taken back.
        status: StatusCode,
    },
}

impl Target {
    /// Whether it is a page that is made, and may be kept in the cache.
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

/// The path that an alias leads to.
#[derive(Debug, Clone)]
pub struct Alias(pub(super) CaptureTemplate);

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The URL that a redirect leads to.
#[derive(Debug, Clone)]
pub struct Redirect {
    /// Scheme, host and path.
    pub(super) path: CaptureTemplate,
    /// Query and fragment.
    pub(super) tail: CaptureTemplate,
}

impl Redirect {
    /// The URL, given each capture as it stands in the canonical path.
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

/// What a request's path must look like.
#[derive(Debug, Clone)]
pub(super) enum PathCondition {
    /// The whole path, with the prefix of the route's table.
    Path(PathPattern),
    /// A prefix, and what must follow it.
    Pattern { prefix: PathPattern, pattern: Box<Pattern> },
}

/// One `[[route]]` of `dispatch.conf`.
#[derive(Debug)]
pub struct Route {
    /// The name for reverse URLs.
    pub name: Option<String>,
    /// Where the route is written.
    pub location: Location,
    /// The methods that it takes, with HEAD where it takes GET.
    pub methods: Vec<Method>,
    /// What it does.
    pub target: Target,
    /// How its content may be cached.
    pub cache: CachePolicy,
    /// Statuses beside 200 whose replies may be cached.
    pub cache_statuses: CacheStatuses,
    /// The value of `Cache-Control`, where the route says one.
    pub browser: Option<HeaderValue>,
    /// The value of `CDN-Cache-Control` (RFC 9213), where the route says one.
    pub cdn: Option<HeaderValue>,
    /// Which query parameters belong to its cache key.
    pub query: QueryKey,
    /// Which request headers belong to its cache key.
    pub vary: Vec<HeaderName>,
    /// The longest request body it takes, in bytes, when that is not the site's usual one.
    pub max_body: Option<u64>,
    /// What becomes of unsafe requests that pages of other sites have sent.
    pub forgery: ForgeryPolicy,
    /// Whether a front end sends a request a second time whose link broke before the answer, whatever its method.
    pub resend: bool,
    /// How often one visitor may have its controller run, if that is limited.
    pub rate: Option<Rate>,
    /// What of its content is audited.
    pub audit: AuditPolicy,
    /// The part of the site that has the error pages.
    pub scope: Scope,
    /// Which values of the request its pages use, as far as that is known.
    pub uses: GrowingUses,
    pub(super) condition: PathCondition,
    pub(super) captures: Vec<String>,
    pub(super) groups: Vec<CaptureTemplate>,
    pub(super) label: String,
}

impl Route {
    /// The route as a reader of `dispatch.conf` would name it: `/stories/{slug} (dispatch.conf:12)`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The groups that the route puts its content into: each as it is written, and with `place` for each capture.
    pub fn named_groups(&self, place: char) -> impl Iterator<Item = (String, String)> {
        let shape = move |group: &CaptureTemplate| group.expand(|_, text| text.push(place));
        self.groups.iter().map(move |group| (group.to_string(), shape(group)))
    }

    /// The path or pattern with the prefix of the tables it was delegated to.
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

    /// The names of the captures, in the order of the path.
    pub fn captures(&self) -> &[String] {
        &self.captures
    }

    /// Whether the user of the client's session belongs to its cache key.
    pub fn is_by_user(&self) -> bool {
        self.vary.contains(&SESSION_USER)
    }

    /// Whether errors of it that are kept are error pages for some clients and problem documents for others.
    pub fn tells_errors_by_accept(&self) -> bool {
        !self.scope.sends_problems
            && self.cache_statuses.iter().any(|status| status.as_u16() >= 400)
    }

    /// Why its pages, which are cached, cannot be made of this template, which names the client's session.
    pub fn why_no_session(&self, template: &str) -> String {
        let part = "leave what is the visitor's own to a part of the page, `{{ part(url=…) }}`, with such a route";
        match self.is_by_user() {
            false => format!(
                "the template `{template}` names `session`, and the route caches its pages for all visitors: give the route \
                 `cache = \"no_cache\"`, or {part}"
            ),
            true => format!(
                "the template `{template}` names `session`, and the route caches a page for each user, of whom several sessions \
                 may say different things: show what the controller makes of its `SessionUser`, give the route \
                 `cache = \"no_cache\"` instead, or {part}"
            ),
        }
    }

    /// Which of its keys have caches further out keep its pages for all visitors.
    pub fn sharing_keys(&self) -> impl Iterator<Item = &'static str> {
        let said = [("browser", &self.browser), ("cdn", &self.cdn)];
        said.into_iter().filter_map(|(key, said)| match said {
            Some(said) if !Directives::of(said).keep_out_shared_caches() => Some(key),
            _ => None,
        })
    }

    /// Whether it takes requests with this method.
    pub fn takes(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// The capture that says which file of a folder is meant.
    pub(super) fn file_capture(&self) -> Option<usize> {
        match &self.condition {
            PathCondition::Path(path) => path.catch_all(),
            PathCondition::Pattern { .. } => self.captures.len().checked_sub(1),
        }
    }
}
