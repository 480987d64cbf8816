use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderValue, Method, Uri};

use super::allowance::Allowance;
use super::{NotInKey, RequestScope, SiteAccess};
use crate::http::Scheme;
use crate::http::names::SESSION_USER;
use crate::log::Position;
use crate::session::SessionRecord;

/// Everything of a [`Request`](super::Request) but its body.
///
/// On a cached route, the answer is served to all visitors, so it may depend only on the cache key: access to anything
/// else returns [`NotInKey`].
#[derive(Clone)]
pub struct RequestParts {
    /// The method.
    pub method: Method,
    /// Path and query, the query as far as the controller may see it.
    pub uri: Uri,
    pub(crate) headers: HeaderMap,
    /// The route's captures: name and percent-decoded value.
    pub params: Vec<(String, String)>,
    pub(crate) scope: RequestScope,
    /// The name of the requested variant, if the site's variant function returned a named one.
    pub variant: Option<String>,
    /// The tag of the page's language, if it is in the key or the page is for this visitor only.
    pub lang: Option<String>,
    /// The scheme of the visitor's request, if it is in the key or the page is for this visitor only.
    pub scheme: Option<Scheme>,
    pub(crate) request_id: String,
    pub(crate) remote: Option<IpAddr>,
    /// The longest body, in bytes, that an extractor reads into memory as a whole.
    pub body_limit: u64,
    pub(crate) allowance: Allowance,
    /// The back end's position before the controller ran.
    pub as_of: Position,
    /// The visitor's session, if they have one.
    pub(crate) session: Option<Arc<SessionRecord>>,
    /// Values that before-steps pass to the controller and to after-steps.
    pub extensions: Extensions,
    /// The site's data, as far as this request may access it.
    pub site: Arc<SiteAccess>,
}

impl RequestParts {
    /// Returns the value that the route captured under this name, percent-decoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the query, still encoded; empty without one.
    pub fn query_string(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Returns the first header with this name.
    ///
    /// # Errors
    /// [`NotInKey`] when the route caches and does not name the header in `vary`.
    pub fn header(&self, name: &str) -> Result<Option<&HeaderValue>, NotInKey> {
        NotInKey::check_header(&self.scope, name)?;
        Ok(self.headers.get(name))
    }

    /// Returns all headers.
    ///
    /// # Errors
    /// [`NotInKey`] when the route caches.
    pub fn headers(&self) -> Result<&HeaderMap, NotInKey> {
        NotInKey::check_all_headers(&self.scope)?;
        Ok(&self.headers)
    }

    /// Returns the id of the request in the logs of front end and back end.
    ///
    /// # Errors
    /// [`NotInKey`] when the route caches.
    pub fn request_id(&self) -> Result<&str, NotInKey> {
        NotInKey::check_request_id(&self.scope)?;
        Ok(&self.request_id)
    }

    /// Returns the visitor's address, if it is known.
    ///
    /// # Errors
    /// [`NotInKey`] when the route caches.
    pub fn remote(&self) -> Result<Option<IpAddr>, NotInKey> {
        NotInKey::check_remote(&self.scope)?;
        Ok(self.remote)
    }

    /// Returns the user of the visitor's session.
    ///
    /// # Errors
    /// [`NotInKey`] when the route caches and does not declare `session = "user"`.
    pub(crate) fn session_user(&self) -> Result<Option<&str>, NotInKey> {
        NotInKey::check_session_user(&self.scope)?;
        Ok(match self.scope {
            RequestScope::Full => self.session.as_ref().and_then(|session| session.user.as_deref()),
            // The front end has set it, and removes any that a client has sent.
            RequestScope::Key { .. } => {
                let value = self.headers.get(SESSION_USER);
                value.and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
            }
        })
    }

    /// Returns the media type of the body without its parameters, in lower case.
    pub(crate) fn media_type(&self) -> Option<String> {
        let value = self.headers.get(http::header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next()?.trim().to_ascii_lowercase())
    }
}

impl fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestParts")
            .field("method", &self.method)
            .field("uri", &self.uri)
            .field("params", &self.params)
            .field("headers", &self.headers)
            .field("scope", &self.scope)
            .field("request_id", &self.request_id)
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::request::Request;

    #[test]
    fn a_cached_request_returns_only_the_headers_of_its_key() {
        let request = Request::builder()
            .header("accept-language", "pt")
            .header("user-agent", "curl")
            .cached("story", Some(&["page"]), &["Accept-Language"])
            .build()
            .unwrap();
        let language = request.parts.header("accept-language").unwrap();
        assert_eq!(language.unwrap(), "pt");
        let error = request.parts.header("User-Agent").unwrap_err().to_string();
        assert!(error.contains(r#"`vary = ["Accept-Language", "user-agent"]`"#), "{error}");
        assert!(request.parts.headers().is_err());
        assert!(request.parts.request_id().is_err());
        assert!(request.parts.remote().is_err());
    }

    #[test]
    fn a_request_with_full_scope_returns_everything() {
        let request = Request::builder()
            .uri("/stories/a%20b?page=2")
            .param("slug", "a b")
            .header("user-agent", "curl")
            .remote([127, 0, 0, 1])
            .build()
            .unwrap();
        let parts = request.parts;
        assert_eq!(parts.param("slug"), Some("a b"));
        assert_eq!(parts.param("page"), None);
        assert_eq!(parts.query_string(), "page=2");
        assert_eq!(parts.header("User-Agent").unwrap().unwrap(), "curl");
        assert_eq!(parts.remote().unwrap(), Some([127, 0, 0, 1].into()));
        assert!(!parts.request_id().unwrap().is_empty());
    }
}
