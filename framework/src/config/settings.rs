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
    /// The node's name, unlike that of any other node of the site. Default `node`.
    #[serde(deserialize_with = "value::name")]
    pub name: String,
    /// What the node is. Default `single-node-with-cache`.
    pub mode: Mode,
    /// For whom the node runs. Default `production`.
    pub environment: Environment,
    /// The languages of the site, as BCP 47 tags; the first is for visitors who accept none of
    /// them. Default none.
    #[serde(deserialize_with = "value::languages")]
    pub languages: Vec<String>,
    /// The cookie whose value, if it is one of the languages, is the visitor's, whatever the browser asks for. Default
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_cookie: Option<String>,
    /// What front ends seal cookies with, several separated by commas: the first seals, all open. Default
    /// none; needed in production where the site has sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<Secret>,
    /// A file with it, one to a line. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_file: Option<PathBuf>,
    /// Where visitors come in.
    pub http: Http,
    /// What pages may load and run, and where they may stand.
    pub csp: ContentPolicy,
    /// Where operators come in.
    pub admin: Admin,
    /// What joins front ends and back ends.
    pub link: Link,
    /// The cache of a front end.
    pub cache: Cache,
    /// What a front end compares with fresh pages.
    pub audit: Audit,
    /// The log of a back end.
    pub log: Log,
    /// What is saved of the log's outcome.
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
    /// What a visitor may ask of the node.
    pub limits: Limits,
    /// The node's own messages.
    pub trace: Trace,
    /// The settings of the site's own code.
    #[serde(skip)]
    pub site: SiteSettings,
}

/// `[http]`: where visitors come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Http {
    /// Address and port; port 0 takes a free one. Default `127.0.0.1:8000`.
    #[serde(deserialize_with = "value::listen")]
    pub listen: SocketAddr,
    /// Headers that name the groups of a page to caches further out. Default none.
    pub group_headers: Vec<GroupHeader>,
    /// How long a page waits for its parts before it shows their fallbacks. Default 5 s.
    #[serde(with = "value::duration")]
    pub part_timeout: Duration,
    /// The proxies that visitors come through, as addresses or networks: what they say of a visitor's
    /// address and scheme is believed. Default none.
    #[serde(with = "value::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// In which headers they say it. Default `x-forwarded`.
    pub proxy_headers: ProxyHeaders,
    /// Other origins whose pages may send requests that change something. Default none.
    #[serde(deserialize_with = "value::origins")]
    pub trusted_origins: Vec<PageOrigin>,
    /// What other sites learn of where their visitors come from. Default `strict-origin-when-cross-origin`.
    #[serde(deserialize_with = "value::referrer_policy")]
    pub referrer_policy: String,
    /// Whether pages that open the site's, or that these open, keep a hold on them. Default
    /// `same-origin`.
    #[serde(deserialize_with = "value::opener_policy")]
    pub opener_policy: String,
}

/// A content coding that pages are kept in.
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
    /// Address and port; port 0 takes a free one. Default `127.0.0.1:8200`.
    #[serde(deserialize_with = "value::listen")]
    pub listen: SocketAddr,
    /// The names by which requests may call it, besides `localhost` and its address. Default none.
    #[serde(deserialize_with = "value::hosts")]
    pub hosts: Vec<String>,
    /// What a request must carry as `Authorization: Bearer`. Default none; needed beyond loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
}

/// `[link]`: what joins front ends and back ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Link {
    /// Where a back end awaits front ends; port 0 takes a free one. Default `127.0.0.1:8100`.
    #[serde(deserialize_with = "value::listen")]
    pub listen: SocketAddr,
    /// Where a front end looks for back ends, `host:port` each. Default `127.0.0.1:8100`.
    #[serde(deserialize_with = "value::addresses")]
    pub backends: Vec<String>,
    /// What a front end must know to be let in. Default none; needed beyond loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// How long a front end may serve from its cache after it was last in touch with a back end,
    /// and so the longest a writer waits for it. 10 ms to 1 min, the same on all nodes; default 2 s.
    #[serde(with = "value::duration")]
    pub lease: Duration,
    /// How long a front end waits for the head of a back end's answer. Default 30 s.
    #[serde(with = "value::duration")]
    pub deadline: Duration,
    /// Names of the front ends that are expected; a back end reports those that are missing.
    /// Default none.
    #[serde(deserialize_with = "value::names")]
    pub expect_frontends: Vec<String>,
}

/// `[cache]`: the cache of a front end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Cache {
    /// Bytes for everything that is not persistent. Default 256 MiB.
    #[serde(with = "value::size")]
    pub bytes: u64,
    /// Bytes for persistent content, besides `bytes`. Default 128 MiB.
    #[serde(with = "value::size")]
    pub persistent_bytes: u64,
    /// The longest body that is kept, in bytes. Longer ones are passed on and made anew each time.
    /// Default 4 MiB.
    #[serde(with = "value::size")]
    pub max_entry: u64,
    /// How long content of cache type `normal` lives. Default 10 min.
    #[serde(with = "value::duration")]
    pub lifetime: Duration,
    /// How long a reply with one of the statuses that a route lists in `cache_statuses` lives, where
    /// the route does not say. Default 10 s.
    #[serde(with = "value::duration")]
    pub status_lifetime: Duration,
    /// The content codings that pages of text are kept in, besides as they are. Default all.
    pub encodings: Vec<Encoding>,
    /// For how many groups the last invalidation is remembered. Default 1 000 000.
    #[serde(deserialize_with = "value::count")]
    pub max_groups: usize,
    /// How many invalidating patterns are kept. Default 10 000.
    #[serde(deserialize_with = "value::count")]
    pub max_patterns: usize,
}

/// `[audit]`: what a front end compares with fresh pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Audit {
    /// Which part of the hits, as in `1/10`, or `off`. Default `1/10` in development, otherwise `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// `[idempotency]`: what a back end makes of `Idempotency-Key`, with which clients may send a request twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Idempotency {
    /// For how long a key is kept after an update was made with it. Default 24 h.
    #[serde(with = "value::duration")]
    pub keep: Duration,
    /// The cookies that a key is bound to: those that tell clients apart. Default all, unless there is a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookies: Option<Vec<String>>,
}

/// `[templates]`: the site's templates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Templates {
    /// Their folder. Default `templates`.
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
    /// Their folder. Default `docroot`.
    pub path: PathBuf,
    /// Where nodes keep the contents of synchronized files, each in a folder with its name. Default
    /// `data/docroot`.
    pub sync: PathBuf,
    /// How long `synchronize_docroot` waits until every serving front end has the file. Default 1 min.
    #[serde(with = "value::duration")]
    pub sync_deadline: Duration,
}

/// `[dispatch]`: the site's routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dispatch {
    /// The file that lists them. Default `dispatch.conf`.
    pub path: PathBuf,
}

/// `[session]`: the visitors' sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Session {
    /// How long a session lives. 1 min to 400 days; default 14 days.
    #[serde(with = "value::duration")]
    pub lifetime: Duration,
}

/// `[trace]`: the node's own messages, which go to stderr.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Trace {
    /// What is written: `error`, `warn`, `info`, `debug`, `trace`, or directives as in
    /// `info,headwater=debug`. The variable `RUST_LOG` wins. Default `info`.
    pub level: String,
    /// How a message is written. Default `text`.
    pub format: TraceFormat,
}

/// How a message is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TraceFormat {
    /// A line for people.
    #[default]
    Text,
    /// An object for machines, one a line.
    Json,
}

impl Config {
    /// Which part of the hits is made anew and compared.
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
