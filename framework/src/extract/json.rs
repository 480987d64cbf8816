use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::form::declared;
use super::rejection::Rejection;
use super::{BytesRejection, FromRequest, Need, OptionalFromRequest};
use crate::reply::{IntoReply, Reply, json};
use crate::request::Request;

/// As an argument: the body, decoded from JSON. As a reply: the value, encoded as JSON.
///
/// The body must be `application/json` (or `application/…+json`) and not longer than the request's
/// `body_limit`. `Option<Json<T>>` is `None` when the request names no media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// Error of extracting [`Json`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonRejection {
    /// The body has another media type: status 415.
    #[error("the body must be JSON (application/json), but {}", declared(.0))]
    MediaType(Option<String>),
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BytesRejection),
    /// The body is not JSON: status 400.
    #[error("the body is not JSON: {0}")]
    Syntax(#[source] serde_json::Error),
    /// The JSON does not fit the type: status 422.
    #[error("the JSON does not fit: {0}")]
    Data(#[source] serde_json::Error),
}

impl Rejection for JsonRejection {
    fn status(&self) -> StatusCode {
        match self {
            JsonRejection::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            JsonRejection::Body(rejection) => rejection.status(),
            JsonRejection::Syntax(_) => StatusCode::BAD_REQUEST,
            JsonRejection::Data(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

fn is_json(media_type: &str) -> bool {
    media_type
        .strip_prefix("application/")
        .is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Rejection = JsonRejection;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<Json<T>, JsonRejection> {
        let media_type = request.parts.media_type();
        if !media_type.as_deref().is_some_and(is_json) {
            return Err(JsonRejection::MediaType(media_type));
        }
        let body = Bytes::from_request(request).await?;
        serde_json::from_slice(&body).map(Json).map_err(|error| match error.classify() {
            Category::Data => JsonRejection::Data(error),
            Category::Syntax | Category::Eof | Category::Io => JsonRejection::Syntax(error),
        })
    }
}

impl<T: DeserializeOwned> OptionalFromRequest for Json<T> {
    type Rejection = JsonRejection;

    async fn optional_from_request(request: Request) -> Result<Option<Json<T>>, JsonRejection> {
        if request.parts.media_type().is_none() {
            return Ok(None);
        }
        Json::<T>::from_request(request).await.map(Some)
    }
}

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Reply {
        json(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RequestBuilder;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Comment {
        author: String,
    }

    async fn take(builder: RequestBuilder) -> Result<Comment, JsonRejection> {
        let request = builder.build().unwrap();
        Json::<Comment>::from_request(request).await.map(|json| json.0)
    }

    fn typed(media_type: &str, body: &'static str) -> RequestBuilder {
        Request::builder().method("POST").header("content-type", media_type).body(body)
    }

    #[tokio::test]
    async fn json_of_any_application_is_decoded() {
        let comment = Comment { author: "Ana".to_owned() };
        let body = r#"{"author": "Ana"}"#;
        assert_eq!(take(typed("application/json", body)).await.unwrap(), comment);
        assert_eq!(take(typed("application/vnd.api+json", body)).await.unwrap(), comment);
    }

    #[tokio::test]
    async fn each_failure_has_its_status() {
        for (builder, status) in [
            (typed("text/plain", "{}"), 415),
            (Request::builder().body("{}"), 415),
            (typed("application/json", "{"), 400),
            (typed("application/json", "{}"), 422),
            (typed("application/json", r#"{"author": "Ana"}"#).body_limit(5), 413),
        ] {
            let rejection = take(builder).await.unwrap_err();
            let text = rejection.to_string();
            assert_eq!(rejection.into_reply().status(), status, "{text}");
        }
    }

    #[tokio::test]
    async fn optional_json_is_none_without_a_media_type() {
        let request = Request::builder().build().unwrap();
        let json = <Option<Json<Comment>> as FromRequest<_>>::from_request(request).await.unwrap();
        assert_eq!(json, None);
    }

    #[test]
    fn a_value_is_a_json_reply() {
        let reply = Json(Comment { author: "Ana".to_owned() }).into_reply();
        assert_eq!(reply.headers()["content-type"], "application/json");
    }
}
