use std::net::IpAddr;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, COOKIE, HeaderName, HeaderValue};
use http::{Extensions, HeaderMap, Method, Uri};

use super::allowance::Allowance;
use super::{Request, RequestParts, RequestScope, SiteAccess};
use crate::body::Body;
use crate::http::Scheme;
use crate::log::{Epoch, LogEpoch, LogId, Position, SessionId, milliseconds_since_1970};
use crate::session::{self, Issue, SessionChange, SessionData, SessionRecord};
use crate::state::{AfterReply, Recorder, States};

/// Builds a [`Request`] without a network, for the tests of a site's controllers.
///
/// ```
/// use headwater::controller::{Registration, answer};
/// use headwater::reply::text;
/// use headwater::request::Request;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let hello = Registration::new("hello", async |request: Request| {
///     text(format!("Hello, {}!", request.parts.param("name").unwrap_or("world")))
/// });
/// let request = Request::builder().uri("/hello/Ana").param("name", "Ana").build()?;
/// assert_eq!(answer(&hello, request).await.status(), 200);
/// # Ok::<(), http::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct RequestBuilder {
    request: Request,
    error: Option<http::Error>,
}

impl RequestBuilder {
    pub(super) fn new() -> RequestBuilder {
        let parts = RequestParts {
            method: Method::GET,
            uri: Uri::from_static("/"),
            headers: HeaderMap::new(),
            params: Vec::new(),
            scope: RequestScope::Full,
            variant: None,
            lang: None,
            scheme: None,
            request_id: "request".to_owned(),
            remote: None,
            body_limit: 8 << 20,
            allowance: Allowance::usual(),
            as_of: Position::START,
            session: None,
            extensions: Extensions::new(),
            site: Arc::new(SiteAccess::in_memory(States::new())),
        };
        RequestBuilder { request: Request { parts, body: Body::empty() }, error: None }
    }

    /// Sets the method.
    pub fn method<M>(mut self, method: M) -> RequestBuilder
    where
        M: TryInto<Method, Error: Into<http::Error>>,
    {
        match method.try_into() {
            Ok(method) => self.request.parts.method = method,
            Err(error) => self.fail(error),
        }
        self
    }

    /// Sets path and query.
    pub fn uri<U>(mut self, uri: U) -> RequestBuilder
    where
        U: TryInto<Uri, Error: Into<http::Error>>,
    {
        match uri.try_into() {
            Ok(uri) => self.request.parts.uri = uri,
            Err(error) => self.fail(error),
        }
        self
    }

    /// Adds a header.
    pub fn header<N, V>(mut self, name: N, value: V) -> RequestBuilder
    where
        N: TryInto<HeaderName, Error: Into<http::Error>>,
        V: TryInto<HeaderValue, Error: Into<http::Error>>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                self.request.parts.headers.append(name, value);
            }
            (Err(error), _) => self.fail(error),
            (_, Err(error)) => self.fail(error),
        }
        self
    }

    /// Adds a cookie, with its value unchanged.
    pub fn cookie(self, name: &str, value: &str) -> RequestBuilder {
        self.header(COOKIE, format!("{name}={value}"))
    }

    /// Gives the visitor a session.
    ///
    /// # Panics
    /// When the session cannot be encoded.
    pub fn session<S: SessionData>(mut self, session: &S) -> RequestBuilder {
        let begun = SessionChange::begin(session).expect("a session that can be encoded");
        let SessionChange::Begin { user, position, data } = begun else { return self };
        let log = LogEpoch { id: LogId::random(), epoch: Epoch::random() };
        let issued = Issue { log, position, time: milliseconds_since_1970() };
        let (id, expires) = (SessionId::random(), session::longest_from_now());
        self.request.parts.session =
            Some(Arc::new(SessionRecord { id, user, issued, expires, data }));
        self
    }

    /// Adds a value as if the route had captured it under this name.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> RequestBuilder {
        self.request.parts.params.push((name.into(), value.into()));
        self
    }

    /// Restricts the request to the scope of a cached route with these query parameters (`None`: all) and request
    /// headers. Other values remain in the request, but the controller may not see them.
    pub fn cached(
        mut self,
        route: impl Into<String>,
        query: Option<&[&str]>,
        vary: &[&str],
    ) -> RequestBuilder {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.request.parts.scope =
            RequestScope::Key { route: route.into(), query: query.map(owned), vary: owned(vary) };
        self
    }

    /// Sets the language of the page, as returned by [`Lang`](crate::extract::Lang).
    pub fn lang(mut self, tag: impl Into<String>) -> RequestBuilder {
        self.request.parts.lang = Some(tag.into());
        self
    }

    /// Sets the scheme of the request, which controllers read as [`Scheme`].
    pub fn scheme(mut self, scheme: Scheme) -> RequestBuilder {
        self.request.parts.scheme = Some(scheme);
        self
    }

    /// Sets the name of the requested variant, as the site's variant function would return it.
    pub fn variant(mut self, name: impl Into<String>) -> RequestBuilder {
        self.request.parts.variant = Some(name.into());
        self
    }

    /// Sets the visitor's address.
    pub fn remote(mut self, address: impl Into<IpAddr>) -> RequestBuilder {
        self.request.parts.remote = Some(address.into());
        self
    }

    /// Adds a value for the controller, as a before-step would.
    pub fn extension<T>(mut self, value: T) -> RequestBuilder
    where
        T: Clone + Send + Sync + 'static,
    {
        self.request.parts.extensions.insert(value);
        self
    }

    /// Gives the request a site, for controllers that read or update its data.
    pub fn site(mut self, site: Arc<SiteAccess>) -> RequestBuilder {
        self.request.parts.site = site;
        self
    }

    /// Sets the longest body, in bytes, that an extractor reads into memory as a whole.
    pub fn body_limit(mut self, bytes: u64) -> RequestBuilder {
        self.request.parts.body_limit = bytes;
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Body>) -> RequestBuilder {
        self.request.body = body.into();
        self
    }

    /// Sets the body to a form with these fields, as a browser sends it.
    pub fn form(self, fields: &[(&str, &str)]) -> RequestBuilder {
        let encoded = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(encoded)
    }

    /// Sets the body to this JSON.
    pub fn json(self, value: &serde_json::Value) -> RequestBuilder {
        self.header(CONTENT_TYPE, "application/json").body(value.to_string())
    }

    /// Returns the request.
    ///
    /// # Errors
    /// When the method, the URI or a header was not valid.
    pub fn build(self) -> Result<Request, http::Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut request = self.request;
        if request.parts.scope != RequestScope::Full {
            let recorder = Some(Arc::new(Recorder::new(256, AfterReply::Refused)));
            let (scope, site) =
                (request.parts.scope.clone(), SiteAccess::clone(&request.parts.site));
            request.parts.site = Arc::new(SiteAccess { recorder, scope, ..site });
        }
        Ok(request)
    }

    fn fail(&mut self, error: impl Into<http::Error>) {
        self.error.get_or_insert(error.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_header_is_reported_by_build() {
        let builder = Request::builder().header("x", "a\nb").uri("/fine");
        assert!(builder.build().is_err());
    }

    #[tokio::test]
    async fn a_form_is_encoded_as_a_browser_does_it() {
        let request = Request::builder().form(&[("title", "a & b")]).build().unwrap();
        assert_eq!(request.body.collect(100).await.unwrap(), "title=a+%26+b");
    }
}
