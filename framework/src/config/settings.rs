use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Environment, Limits, Log, Mode, Secret, SiteSettings, value};
use crate::frontend::{ContentPolicy, Sample};
use crate::http::forgery::PageOrigin;
use crate::http::{GroupHeader, ProxyHeaders};

/// The settings of `project.toml` and of `HEADWATER_…` variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The node's name, unique within the site. Default `node`.
    #[serde(deserialize_with = "value::name")]
    pub name: String,
    /// The kind of the node. Default `single-node-with-cache`.
    pub mode: Mode,
    /// The audience of the node. Default `production`.
    pub environment: Environment,
    /// The languages of the site, as BCP 47 tags; the first is for visitors who accept none of them. Default none.
    #[serde(deserialize_with = "value::languages")]
    pub languages: Vec<String>,
    /// The cookie that selects the visitor's language, if its value is one of the languages, regardless of the
    /// browser's preference. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_cookie: Option<String>,
    /// The secrets that seal the cookies of front ends, separated by commas: the first seals, all open. Default none;
    /// required in production for a site with sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<Secret>,
    /// A file with the secrets, one per line. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_file: Option<PathBuf>,
    /// The port for visitors.
    pub http: Http,
    /// The sources that pages may load and run, and the sites that may embed them.
    pub csp: ContentPolicy,
    /// The port for operators.
    pub admin: Admin,
    /// The connection of front ends and back ends.
    pub link: Link,
    /// The cache of a front end.
    pub cache: Cache,
    /// The comparison of cached pages with fresh ones.
    pub audit: Audit,
    /// The log of a back end.
    pub log: Log,
    /// Snapshots of the data in the log.
    pub checkpoint: Checkpoint,
    /// Requests that clients send twice.
    pub idempotency: Idempotency,
    /// The site's templates.
    pub templates: Templates,
    /// The site's texts.
    pub locales: Locales,
    /// The site's files.
    pub docroot: Docroot,
    /// The site's routes.
    pub dispatch: Dispatch,
    /// The visitors' sessions.
    pub session: Session,
    /// Limits on visitors' requests.
    pub limits: Limits,
    /// The node's own messages.
    pub trace: Trace,
    /// The settings of the site's own code.
    #[serde(skip)]
    pub site: SiteSettings,
}

/// `[http]`: the port for visitors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port; port 0 selects a free one. Default `127.0.0.1:8000`.
    #[serde(deserialize_with = "value::listen")]
    pub listen: SocketAddr,
    /// Headers with the groups of a page, for downstream caches. Default none.
    pub group_headers: Vec<GroupHeader>,
    /// Time limit for the parts of a page, after which their fallbacks are shown. Default 5 s.
    #[serde(with = "value::duration")]
    pub part_timeout: Duration,
    /// The addresses or networks of trusted proxies, whose headers determine a visitor's address and scheme. Default
    /// none.
    #[serde(with = "value::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// The headers that the proxies set. Default `x-forwarded`.
    pub proxy_headers: ProxyHeaders,
    /// Other origins whose pages may send unsafe requests. Default none.
    #[serde(deserialize_with = "value::origins")]
    pub trusted_origins: Vec<PageOrigin>,
    /// The value of `Referrer-Policy`. Default `strict-origin-when-cross-origin`.
    #[serde(deserialize_with = "value::referrer_policy")]
    pub referrer_policy: String,
    /// The value of `Cross-Origin-Opener-Policy`. Default `same-origin`.
    #[serde(deserialize_with = "value::opener_policy")]
    pub opener_policy: String,
}

/// A content coding in which pages are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Encoding {
    /// `zstd` (RFC 8878).
    #[cfg(feature = "zstd")]
    Zstd,
    /// `br` (RFC 7932).
    #[cfg(feature = "brotli")]
    Br,
    /// `gzip` (RFC 1952).
    Gzip,
}

/// `[admin]`: health, readiness, metrics, status and invalidation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// Address and port; port 0 selects a free one. Default `127.0.0.1:8200`.
    #[serde(deserialize_with = "value::listen")]
    pub listen: SocketAddr,
    /// The host names that requests may use, besides `localhost` and the address. Default none.
    #[serde(deserialize_with = "value::hosts")]
    pub hosts: Vec<String>,
    /// The secret that requests must contain as `Authorization: Bearer`. Default none; required beyond loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// `[link]`: the connection of front ends and back ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Link {
    /// The address on which a back end accepts front ends; port 0 selects a free one. Default `127.0.0.1:8100`.
    #[serde(deserialize_with = "value::listen")]
    pub listen: SocketAddr,
    /// The addresses of back ends, as `host:port`. Default `127.0.0.1:8100`.
    #[serde(deserialize_with = "value::addresses")]
    pub backends: Vec<String>,
    /// The secret that a front end must send. Default none; required beyond loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// The time for which a front end may serve from its cache after its last contact with a back end, and so the
    /// longest time that a writer waits for it. 10 ms to 1 min, the same on all nodes; default 2 s.
    #[serde(with = "value::duration")]
    pub lease: Duration,
    /// Time limit for the head of a back end's answer. Default 30 s.
    #[serde(with = "value::duration")]
    pub deadline: Duration,
    /// The names of the expected front ends; a back end reports those that are missing. Default none.
    #[serde(deserialize_with = "value::names")]
    pub expect_frontends: Vec<String>,
}

/// `[cache]`: the cache of a front end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cache {
    /// Bytes for content that is not persistent. Default 256 MiB.
    #[serde(with = "value::size")]
    pub bytes: u64,
    /// Bytes for persistent content, in addition to `bytes`. Default 128 MiB.
    #[serde(with = "value::size")]
    pub persistent_bytes: u64,
    /// Size limit of a stored body, in bytes. Longer ones are passed on and made anew each time. Default 4 MiB.
    #[serde(with = "value::size")]
    pub max_entry: u64,
    /// Lifetime of content with cache type `normal`. Default 10 min.
    #[serde(with = "value::duration")]
    pub lifetime: Duration,
    /// Lifetime of a reply with one of the statuses in a route's `cache_statuses`, unless the route sets another one.
    /// Default 10 s.
    #[serde(with = "value::duration")]
    pub status_lifetime: Duration,
    /// The content codings in which pages of text are stored, in addition to the plain form. Default all.
    pub encodings: Vec<Encoding>,
    /// Number of groups whose last invalidation is remembered. Default 1 000 000.
    #[serde(deserialize_with = "value::count")]
    pub max_groups: usize,
    /// Number of invalidating patterns that are kept. Default 10 000.
    #[serde(deserialize_with = "value::count")]
    pub max_patterns: usize,
}

/// `[audit]`: the comparison of cached pages with fresh ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// The fraction of hits to compare, as in `1/10`, or `off`. Default `1/10` in development, otherwise `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// `[idempotency]`: a back end's handling of `Idempotency-Key`, with which clients may retry a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Idempotency {
    /// Time for which a key is kept after an update. Default 24 h.
    #[serde(with = "value::duration")]
    pub keep: Duration,
    /// The cookies that a key is bound to, because they distinguish clients. Default all, unless there is a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookies: Option<Vec<String>>,
}

/// `[templates]`: the site's templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Templates {
    /// The folder. Default `templates`.
    pub path: PathBuf,
}

/// `[locales]`: the site's texts in its languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Locales {
    /// The folder with a folder for each language. Default `locales`.
    pub path: PathBuf,
}

/// `[docroot]`: the site's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Docroot {
    /// The folder. Default `docroot`.
    pub path: PathBuf,
    /// The folder in which nodes store the contents of synchronized files, each in a folder with its name. Default
    /// `data/docroot`.
    pub sync: PathBuf,
    /// Time limit for `synchronize_docroot` to wait until every serving front end has the file. Default 1 min.
    #[serde(with = "value::duration")]
    pub sync_deadline: Duration,
}

/// `[dispatch]`: the site's routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dispatch {
    /// The file with the routes. Default `dispatch.conf`.
    pub path: PathBuf,
}

/// `[session]`: the visitors' sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Session {
    /// Lifetime of a session. 1 min to 400 days; default 14 days.
    #[serde(with = "value::duration")]
    pub lifetime: Duration,
}

/// `[trace]`: the node's own messages, which go to stderr.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Trace {
    /// The level: `error`, `warn`, `info`, `debug`, `trace`, or directives as in `info,headwater=debug`. The variable
    /// `RUST_LOG` overrides it. Default `info`.
    pub level: String,
    /// The format of messages. Default `text`.
    pub format: TraceFormat,
}

/// The format of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TraceFormat {
    /// A line of text.
    #[default]
    Text,
    /// A JSON object per line.
    Json,
}

impl Config {
    /// Returns the fraction of hits that are made anew and compared.
    pub(crate) fn audit_sample(&self) -> Sample {
        self.audit.sample.unwrap_or(match self.environment {
            Environment::Development => Sample::one_in(10),
            Environment::Production => Sample::OFF,
        })
    }
}

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: "node".to_owned(),
            mode: Mode::default(),
            environment: Environment::default(),
            languages: Vec::new(),
            language_cookie: None,
            secret_key: None,
            secret_key_file: None,
            http: Http::default(),
            csp: ContentPolicy::default(),
            admin: Admin::default(),
            link: Link::default(),
            cache: Cache::default(),
            audit: Audit::default(),
            log: Log::default(),
            checkpoint: Checkpoint::default(),
            idempotency: Idempotency::default(),
            templates: Templates::default(),
            locales: Locales::default(),
            docroot: Docroot::default(),
            dispatch: Dispatch::default(),
            session: Session::default(),
            limits: Limits::default(),
            trace: Trace::default(),
            site: SiteSettings::default(),
        }
    }
}

impl Default for Http {
    fn default() -> Http {
        Http {
            listen: loopback(8000),
            group_headers: Vec::new(),
            part_timeout: Duration::from_secs(5),
            trusted_proxies: Vec::new(),
            proxy_headers: ProxyHeaders::default(),
            trusted_origins: Vec::new(),
            referrer_policy: "strict-origin-when-cross-origin".to_owned(),
            opener_policy: "same-origin".to_owned(),
        }
    }
}

impl Default for Admin {
    fn default() -> Admin {
        Admin { listen: loopback(8200), hosts: Vec::new(), secret: None }
    }
}

impl Default for Link {
    fn default() -> Link {
        Link {
            listen: loopback(8100),
            backends: vec![loopback(8100).to_string()],
            secret: None,
            lease: Duration::from_secs(2),
            deadline: Duration::from_secs(30),
            expect_frontends: Vec::new(),
        }
    }
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            bytes: 256 << 20,
            persistent_bytes: 128 << 20,
            max_entry: 4 << 20,
            lifetime: Duration::from_secs(600),
            status_lifetime: Duration::from_secs(10),
            encodings: vec![
                #[cfg(feature = "zstd")]
                Encoding::Zstd,
                #[cfg(feature = "brotli")]
                Encoding::Br,
                Encoding::Gzip,
            ],
            max_groups: 1_000_000,
            max_patterns: 10_000,
        }
    }
}

impl Default for Idempotency {
    fn default() -> Idempotency {
        Idempotency { keep: Duration::from_secs(24 * 60 * 60), cookies: None }
    }
}

impl Default for Templates {
    fn default() -> Templates {
        Templates { path: "templates".into() }
    }
}

impl Default for Locales {
    fn default() -> Locales {
        Locales { path: "locales".into() }
    }
}

impl Default for Docroot {
    fn default() -> Docroot {
        Docroot {
            path: "docroot".into(),
            sync: "data/docroot".into(),
            sync_deadline: Duration::from_secs(60),
        }
    }
}

impl Default for Dispatch {
    fn default() -> Dispatch {
        Dispatch { path: "dispatch.conf".into() }
    }
}

impl Default for Session {
    fn default() -> Session {
        Session { lifetime: Duration::from_secs(14 * 24 * 60 * 60) }
    }
}

impl Default for Trace {
    fn default() -> Trace {
        Trace { level: "info".to_owned(), format: TraceFormat::default() }
    }
}
