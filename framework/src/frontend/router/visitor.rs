use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::HeaderMap;
use http::request::Parts;
use http::{HeaderName, Uri};

use crate::http::{Languages, Origin, Scheme, cookie};
use crate::session::{SessionData, SessionRecord};

/// The request that the site's variant function receives: all of it but its body, and its sender.
///
/// Visitors can send anything. The name of a variant becomes part of the cache key, so map the request to one of a few
/// values first: a cache in which every visitor has a page of their own is of no use.
///
/// ```
/// use headwater::prelude::*;
///
/// /// The classes of visitors: each page is cached once for each class.
/// #[derive(Debug, PartialEq, Variant)]
/// enum Audience {
///     Guest,
///     Buyer,
///     Member,
/// }
///
/// #[derive(Clone, Serialize, Deserialize, Session)]
/// struct Account {
///     #[session(user)]
///     id: u64,
/// }
///
/// fn audience(visitor: &Visitor<'_>) -> Audience {
///     match visitor.session::<Account>() {
///         Some(_) => Audience::Member,
///         None if visitor.cookie("basket").is_some() => Audience::Buyer,
///         None => Audience::Guest,
///     }
/// }
///
/// use headwater::{Languages, Origin, Scheme};
/// let (parts, ()) = http::Request::get("/").header("cookie", "basket=7").body(())?.into_parts();
/// let origin = Origin { remote: [192, 0, 2, 1].into(), scheme: Scheme::Https };
/// let languages = Languages::default();
/// assert_eq!(audience(&Visitor::new(&parts, origin, &languages)), Audience::Buyer);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Visitor<'a> {
    uri: &'a Uri,
    headers: &'a HeaderMap,
    origin: Origin,
    languages: &'a Languages,
    language_cookie: Option<&'a str>,
    session: &'a OpenSession<'a>,
}

/// Opens the visitor's session when it is first needed.
type OpenSession<'a> = dyn Fn() -> Option<Arc<SessionRecord>> + 'a;

impl<'a> Visitor<'a> {
    /// Creates the sender of this request, connected from `origin` to a site with these languages, to test a variant
    /// function.
    pub fn new(parts: &'a Parts, origin: Origin, languages: &'a Languages) -> Visitor<'a> {
        Visitor::of(&parts.uri, &parts.headers, origin, (languages, None), &|| None)
    }

    /// Creates the sender of a request for `uri` with these headers.
    pub(super) fn of(
        uri: &'a Uri,
        headers: &'a HeaderMap,
        origin: Origin,
        (languages, language_cookie): (&'a Languages, Option<&'a str>),
        session: &'a OpenSession<'a>,
    ) -> Visitor<'a> {
        Visitor { uri, headers, origin, languages, language_cookie, session }
    }

    /// Returns path and query as received.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// Returns all headers as received.
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the first header with this name (in lower case), if it is text.
    ///
    /// # Panics
    /// When `name` contains upper-case letters or is not a valid header name.
    pub fn header(&self, name: &'static str) -> Option<&'a str> {
        self.headers.get(HeaderName::from_static(name))?.to_str().ok()
    }

    /// Returns the value of the cookie with this name as received, if it is text: the same value that a controller
    /// reads from [`Cookies`](crate::extract::Cookies). If there are several, returns the first, which is that of the
    /// most specific path (RFC 6265, section 5.4).
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        cookie(self.headers, name)
    }

    /// Returns the visitor's session, if they have one of this type that has not ended. The cookie is opened by this
    /// call, so requests that do not need the session cost nothing.
    ///
    /// A front end that has lost its connection to the back ends returns `None`, because it cannot determine whether
    /// the session has ended.
    pub fn session<S: SessionData>(&self) -> Option<S> {
        (self.session)()?.decode()
    }

    /// Returns the visitor's language, without regard to the path: the one in the cookie that `language_cookie` of
    /// `project.toml` names, else the site's language that `Accept-Language` prefers most (see
    /// [`Languages::preferred`]). Empty if `project.toml` declares no `languages`.
    pub fn language(&self) -> &'a str {
        self.languages.chosen(self.headers, self.language_cookie).unwrap_or_default()
    }

    /// Returns the site's languages, as declared in `project.toml`.
    pub fn languages(&self) -> &'a Languages {
        self.languages
    }

    /// Returns the scheme of the request. Only a proxy can report `https`, and only one of the `trusted_proxies` of
    /// `project.toml`.
    pub fn scheme(&self) -> Scheme {
        self.origin.scheme
    }

    /// Returns the visitor's address. Behind a proxy, it is the visitor's only if the proxy is one of the
    /// `trusted_proxies`.
    pub fn remote(&self) -> IpAddr {
        self.origin.remote
    }
}

impl fmt::Debug for Visitor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Visitor { uri, headers, origin, languages, .. } = self;
        f.debug_struct("Visitor")
            .field("uri", uri)
            .field("headers", headers)
            .field("origin", origin)
            .field("languages", languages)
            .finish_non_exhaustive()
    }
}
