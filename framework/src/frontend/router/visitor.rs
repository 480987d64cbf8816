use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::HeaderMap;
use http::request::Parts;
use http::{HeaderName, Uri};

use crate::http::{Languages, Origin, Scheme, cookie};
use crate::session::{SessionData, SessionRecord};

/// A request as the site's variant function sees it: all of it but its body, and its sender.
///
/// What a visitor sends can be anything. A variant's name belongs into the cache key, so turn it
/// into one of a few values first: a cache in which every visitor has a page of their own is of no use.
///
/// ```
/// use headwater::prelude::*;
///
/// /// The classes of visitors: each page is cached once for each of them.
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

/// The visitor's session, opened when it is asked for.
type OpenSession<'a> = dyn Fn() -> Option<Arc<SessionRecord>> + 'a;

impl<'a> Visitor<'a> {
    /// The sender of this request, who comes from `origin` to a site with these languages: to try a
    /// variant function in a test.
    pub fn new(parts: &'a Parts, origin: Origin, languages: &'a Languages) -> Visitor<'a> {
        Visitor::of(&parts.uri, &parts.headers, origin, (languages, None), &|| None)
    }

    /// The sender of a request for `uri` with these headers.
    pub(super) fn of(
        uri: &'a Uri,
        headers: &'a HeaderMap,
        origin: Origin,
        (languages, language_cookie): (&'a Languages, Option<&'a str>),
        session: &'a OpenSession<'a>,
    ) -> Visitor<'a> {
        Visitor { uri, headers, origin, languages, language_cookie, session }
    }

    /// Path and query, as they were sent.
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// All headers, as they were sent.
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// The first header of this name (in lower case), if it is text.
    ///
    /// # Panics
    /// When `name` has upper-case letters or is not a name of a header.
    pub fn header(&self, name: &'static str) -> Option<&'a str> {
        self.headers.get(HeaderName::from_static(name))?.to_str().ok()
    }

    /// The value of the cookie of this name as it was sent, if it is text: what a controller sees in
    /// [`Cookies`](crate::extract::Cookies), too. When there are several, the first, which is that of
    /// the most specific path (RFC 6265, section 5.4).
    pub fn cookie(&self, name: &str) -> Option<&'a str> {
        cookie(self.headers, name)
    }

    /// The visitor's session, if they have one of this type that has not ended. It is opened when this is called,
    /// so requests that are answered without looking at it cost nothing.
    ///
    /// A front end that has lost touch with the back ends sees none: it cannot know whether it has ended.
    pub fn session<S: SessionData>(&self) -> Option<S> {
        (self.session)()?.decode()
    }

    /// The language of the visitor, unless the path says another: that of the cookie that `language_cookie` of
    /// `project.toml` names, else the one of the site's that `Accept-Language` wants most (see
    /// [`Languages::preferred`]). Empty if `project.toml` names no `languages`.
    pub fn language(&self) -> &'a str {
        self.languages.chosen(self.headers, self.language_cookie).unwrap_or_default()
    }

    /// The site's languages, as `project.toml` names them.
    pub fn languages(&self) -> &'a Languages {
        self.languages
    }

    /// How the request was sent. `https` is known from a proxy only, and only from one that is among
    /// the `trusted_proxies` of `project.toml`.
    pub fn scheme(&self) -> Scheme {
        self.origin.scheme
    }

    /// The visitor's address; behind proxies only if they are among the `trusted_proxies`.
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
