use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rejection::Rejection;
use super::{DecodeError, FromRequestParts, Need, OptionalFromRequestParts, fields};
use crate::reply::{Reply, redirect_with};
use crate::request::RequestParts;
use crate::request::RequestScope;

/// The query string, as a struct or map with a field for each parameter.
///
/// A repeated parameter is decoded into a `Vec`. Parameters that the type does not name are ignored. On a cached route,
/// only the parameters in its `query = […]` are visible. `Option<Query<T>>` is `None` if the request has no query.
///
/// On a cached route, a value has one canonical spelling, as in a [`Path`](super::Path): `?page=05` is redirected to
/// `?page=5`. A missing or empty parameter does not count as a spelling.
///
/// ```
/// use headwater::prelude::*;
///
/// #[derive(serde::Deserialize, serde::Serialize)]
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

/// Error of extracting a [`Query`]: status 400, or 500 if no query can fit the type. A query in a non-canonical
/// spelling is redirected to the canonical one (308).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query does not fit: {error}")]
pub struct QueryRejection {
    #[source]
    error: DecodeError,
    hint: Option<String>,
    /// The canonical spelling of the query, if only the spelling is wrong.
    right: Option<String>,
}

impl QueryRejection {
    fn new(error: DecodeError, scope: &RequestScope) -> QueryRejection {
        let hint = match scope {
            RequestScope::Key { route, query: Some(query), .. } => Some(format!(
                "{error}; the route `{route}` caches, so its controller sees only the query \
                 parameters in the cache key, which are `query = {query:?}` in dispatch.conf: a \
                 parameter that the controller takes must be among them"
            )),
            RequestScope::Key { query: None, .. } | RequestScope::Full => None,
        };
        QueryRejection { error, hint, right: None }
    }
}

impl Rejection for QueryRejection {
    fn status(&self) -> StatusCode {
        self.error.status()
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    fn reply(&self) -> Reply {
        match &self.right {
            // Relative, because an alias may have led to the route.
            Some(right) => redirect_with(308, format!("?{right}")),
            None => self.error_page(),
        }
    }
}

fn decode<T: DeserializeOwned + Serialize>(
    parts: &RequestParts,
) -> Result<Query<T>, QueryRejection> {
    let (query, most) = (parts.query_string().as_bytes(), parts.allowance.fields);
    let decoded = match parts.scope {
        // The query is not part of a key.
        RequestScope::Full => fields::decode(query, most).map_err(|error| (error, None)),
        RequestScope::Key { .. } => fields::decode_spelled(query, most),
    };
    decoded.map(Query).map_err(|(error, right)| {
        let mut rejection = QueryRejection::new(error, &parts.scope);
        // If the canonical query were rejected as well, the redirects would loop.
        rejection.right =
            right.filter(|right| fields::decode_spelled::<T>(right.as_bytes(), most).is_ok());
        rejection
    })
}

impl<T: DeserializeOwned + Serialize + Send> FromRequestParts for Query<T> {
    type Rejection = QueryRejection;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Query<T>, QueryRejection> {
        decode(parts)
    }
}

impl<T: DeserializeOwned + Serialize + Send> OptionalFromRequestParts for Query<T> {
    type Rejection = QueryRejection;
    const NEEDS: &'static [Need] = &[];

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

    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
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

    #[tokio::test]
    async fn in_a_key_another_spelling_is_redirected_to_the_right_one() {
        let take = async |builder: crate::request::RequestBuilder| {
            let mut request = builder.build().unwrap();
            Query::<Page>::from_request_parts(&mut request.parts).await
        };
        let cached = || Request::builder().cached("list", Some(&["page"]), &[]);
        assert_eq!(take(cached().uri("/list?page=5")).await, Ok(Query(Page { page: 5 })));
        let reply = take(cached().uri("/list?page=%2B05")).await.unwrap_err().into_reply();
        assert_eq!(reply.status(), 308);
        assert_eq!(reply.headers()["location"], "?page=5");
        let uncached = take(Request::builder().uri("/list?page=05")).await;
        assert_eq!(uncached, Ok(Query(Page { page: 5 })), "it is in no key");
    }

    #[tokio::test]
    async fn a_type_that_cannot_read_its_own_spelling_does_not_cause_a_redirect_loop() {
        #[derive(Debug, serde::Deserialize)]
        struct Growing {
            page: u32,
        }
        impl serde::Serialize for Growing {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_map([("page", self.page + 1)])
            }
        }
        let builder = Request::builder().uri("/list?page=5").cached("list", None, &[]);
        let mut request = builder.build().unwrap();
        let taken = Query::<Growing>::from_request_parts(&mut request.parts).await;
        assert_eq!(taken.unwrap_err().into_reply().status(), 404);
    }
}
