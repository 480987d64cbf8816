use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequestParts, Need};
use crate::http::Scheme;
use crate::request::RequestParts;

/// The language of the page: the tag of one of the site's languages. It is part of the cache key of every page whose
/// controller takes it, so controllers may take it on every route.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("greeting")]
/// async fn greeting(Lang(lang): Lang) -> &'static str {
///     if lang == "de" { "Guten Tag" } else { "Hello" }
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lang(pub String);

/// The request does not contain a value that the controller takes: status 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the controller takes the page's {what}, and it is not in the page's key: name the site's `languages` in project.toml, \
     and the controller's needs where it has no `#[controller]`"
)]
pub struct NotKnown {
    what: &'static str,
}

impl Rejection for NotKnown {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl FromRequestParts for Lang {
    type Rejection = NotKnown;
    const NEEDS: &'static [Need] = &[Need::Lang];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Lang, NotKnown> {
        parts.lang.clone().map(Lang).ok_or(NotKnown { what: "language" })
    }
}

impl FromRequestParts for Scheme {
    type Rejection = NotKnown;
    const NEEDS: &'static [Need] = &[Need::Scheme];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Scheme, NotKnown> {
        parts.scheme.ok_or(NotKnown { what: "scheme" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn language_and_scheme_are_available_if_the_key_contains_them() {
        let builder = Request::builder().cached("page", None, &[]);
        let mut parts = builder.build().unwrap().parts;
        let error = Lang::from_request_parts(&mut parts).await.unwrap_err().to_string();
        assert!(error.contains("language") && error.contains("project.toml"), "{error}");
        assert!(Scheme::from_request_parts(&mut parts).await.is_err());
        let builder = Request::builder().lang("pt-BR").scheme(Scheme::Https);
        let mut parts = builder.cached("page", None, &[]).build().unwrap().parts;
        assert_eq!(Lang::from_request_parts(&mut parts).await, Ok(Lang("pt-BR".to_owned())));
        assert_eq!(Scheme::from_request_parts(&mut parts).await, Ok(Scheme::Https));
    }
}
