use http::Method;

use crate::dispatch::CacheType;

/// The kind of a route, which one key of its `[[route]]` determines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Controller,
    Template,
    Service,
    Files,
    Alias,
    Redirect,
    Delegate,
    Include,
}

/// Properties of a kind of route.
pub(super) struct Traits {
    /// The key that declares a route of this kind; its value is the target.
    pub(super) key: &'static str,
    /// The default of `cache`.
    pub(super) cache: CacheType,
    /// The default of `methods`.
    pub(super) methods: &'static [Method],
    /// The keys that have no meaning for this kind, except `on`, which only services have.
    pub(super) misplaced: &'static [&'static [&'static str]],
    /// The reason why these keys have no meaning.
    pub(super) reason: &'static str,
}

const READING: &[Method] = &[Method::GET, Method::HEAD];

const ALL_METHODS: &[Method] = &[
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// The keys for the dependencies of content on the request, its storage, and its audit.
const OF_PAGES: &[&str] =
    &["cache_statuses", "groups", "query", "vary", "session", "audit", "audit_ignore"];

/// The keys for the rejection of requests, and the format of errors.
const OF_GUARDS: &[&str] = &["forgery", "rate", "rate_by", "errors"];

/// The keys of [`OF_GUARDS`] that limit how often a controller runs.
const OF_RATES: &[&str] = &["rate", "rate_by"];

/// The keys for the cache directives of a response.
const OF_CACHES: &[&str] = &["browser", "cdn"];

impl Kind {
    pub(super) const ALL: [Kind; 8] = [
        Kind::Controller,
        Kind::Template,
        Kind::Service,
        Kind::Files,
        Kind::Alias,
        Kind::Redirect,
        Kind::Delegate,
        Kind::Include,
    ];

    pub(super) fn key(self) -> &'static str {
        self.traits().key
    }

    pub(super) fn traits(self) -> Traits {
        let traits = Traits {
            key: "",
            cache: CacheType::NoCache,
            methods: READING,
            misplaced: &[],
            reason: "",
        };
        match self {
            Kind::Controller => Traits {
                key: "controller",
                cache: CacheType::Normal,
                misplaced: &[&["status"]],
                reason: "the controller's reply has the status",
                ..traits
            },
            Kind::Template => Traits {
                key: "template",
                cache: CacheType::Persistent,
                misplaced: &[&["status", "max_body", "resend"], OF_RATES],
                reason: "it is for other kinds of routes",
                ..traits
            },
            Kind::Service => Traits {
                key: "service",
                methods: ALL_METHODS,
                misplaced: &[&["status"], OF_PAGES, OF_CACHES],
                reason: "the service sends its own responses, past the cache",
                ..traits
            },
            Kind::Files => Traits {
                key: "files",
                misplaced: &[&["status", "cache", "max_body", "resend"], OF_PAGES, OF_RATES],
                reason: "files are sent as they are on disk, past the cache",
                ..traits
            },
            Kind::Alias => Traits {
                key: "alias",
                misplaced: &[
                    &["status", "cache", "max_body", "resend"],
                    OF_PAGES,
                    OF_CACHES,
                    OF_GUARDS,
                ],
                reason: "it belongs to the route that the alias leads to",
                ..traits
            },
            Kind::Redirect => Traits {
                key: "redirect",
                misplaced: &[&["cache", "max_body", "resend"], OF_PAGES, OF_CACHES, OF_RATES],
                reason: "a redirect is answered from the table itself",
                ..traits
            },
            Kind::Delegate => Traits {
                key: "delegate",
                misplaced: &[
                    &["name", "pattern", "methods", "status", "cache", "max_body", "resend"],
                    OF_PAGES,
                    OF_CACHES,
                    OF_GUARDS,
                ],
                reason: "only `path` is allowed beside `delegate`; the rest belongs to the routes of \
                         that file",
                ..traits
            },
            Kind::Include => Traits {
                key: "include",
                misplaced: &[
                    &[
                        "name", "path", "pattern", "methods", "status", "cache", "max_body",
                        "resend",
                    ],
                    OF_PAGES,
                    OF_CACHES,
                    OF_GUARDS,
                ],
                reason: "no other key is allowed beside `include`; it belongs to the routes of that file",
                ..traits
            },
        }
    }
}
