use http::StatusCode;
use serde::de::DeserializeOwned;

use super::rejection::Rejection;
use super::{DecodeError, FromRequestParts, OptionalFromRequestParts, fields};
use crate::link::Exposure;
use crate::request::RequestParts;

/// The query string, as a struct or map with a field for each parameter.
///
/// A parameter that is there several times fits a `Vec`. Parameters that the type does not name
/// are passed over. On a route that caches, only the parameters in its `query = […]` are there.
/// `Option<Query<T>>` is `None` when there is no query.
///
/// ```
/// use headwater::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Page {
///     #[serde(default)]
///     page: u32,
/// }
///
/// #[controller("stories.list")]
/// async fn list(Query(query): Query<Page>) -> Result<Reply> {
///     Ok(template("list.html").with("page", query.page))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// Why a [`Query`] could not be taken: status 400, or 500 when no query could ever fit the type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query does not fit: {error}")]
pub struct QueryRejection {
    #[source]
    error: DecodeError,
    hint: Option<String>,
}

impl QueryRejection {
    fn new(error: DecodeError, exposure: &Exposure) -> QueryRejection {
        let hint = match exposure {
            Exposure::Key { route, query: Some(query), .. } => Some(format!(
                "{error}; the route `{route}` caches, so its controller sees only the query \
                 parameters in the cache key, which are `query = {query:?}` in dispatch.conf: a \
                 parameter that the controller takes must be among them"
            )),
            Exposure::Key { query: None, .. } | Exposure::Whole => None,
        };
        QueryRejection { error, hint }
    }
}

impl Rejection for QueryRejection {
    fn status(&self) -> StatusCode {
        self.error.status()
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

fn decode<T: DeserializeOwned>(parts: &RequestParts) -> Result<Query<T>, QueryRejection> {
    match fields::decode(parts.query_string().as_bytes(), parts.allowance.fields) {
        Ok(value) => Ok(Query(value)),
        Err(error) => Err(QueryRejection::new(error, &parts.exposure)),
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts for Query<T> {
    type Rejection = QueryRejection;

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Query<T>, QueryRejection> {
        decode(parts)
    }
}

impl<T: DeserializeOwned + Send> OptionalFromRequestParts for Query<T> {
    type Rejection = QueryRejection;

    async fn optional_from_request_parts(
        parts: &mut RequestParts,
    ) -> Result<Option<Query<T>>, QueryRejection> {
        if parts.query_string().is_empty() {
            return Ok(None);
        }
        decode(parts).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{Content, IntoReply};
    use crate::request::Request;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Page {
        page: u32,
    }

    #[tokio::test]
    async fn a_query_is_decoded() {
        let mut request = Request::builder().uri("/list?page=3&x=1").build().unwrap();
        let query = Query::<Page>::from_request_parts(&mut request.parts).await;
        assert_eq!(query, Ok(Query(Page { page: 3 })));
    }

    #[tokio::test]
    async fn an_optional_query_is_none_without_one_but_must_fit() {
        let mut request = Request::builder().uri("/list").build().unwrap();
        let query = Option::<Query<Page>>::from_request_parts(&mut request.parts).await;
        assert_eq!(query, Ok(None));
        let mut request = Request::builder().uri("/list?page=x").build().unwrap();
        assert!(Option::<Query<Page>>::from_request_parts(&mut request.parts).await.is_err());
    }

    #[tokio::test]
    async fn a_failure_on_a_cached_route_names_its_query_key() {
        let builder = Request::builder().uri("/list");
        let mut request = builder.cached("list", Some(&["sort"]), &[]).build().unwrap();
        let query = Query::<Page>::from_request_parts(&mut request.parts).await;
        let reply = query.map(|_| ()).into_reply();
        assert_eq!(reply.status(), 400);
        let Content::Error { message, cause } = reply.content() else { panic!() };
        assert_eq!(message, "The query does not fit: `page`: missing.");
        assert!(cause.as_ref().unwrap().contains(r#"`query = ["sort"]`"#), "{cause:?}");
    }
}
