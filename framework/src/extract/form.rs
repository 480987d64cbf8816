use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use super::rejection::Rejection;
use super::{BytesRejection, DecodeError, FromRequest, fields};
use crate::request::Request;

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of an HTML form, as a struct or map.
///
/// They are read from the body, which must be `application/x-www-form-urlencoded` and not longer
/// than the request's `body_limit`; for `GET` and `HEAD` from the query. A field that is there
/// several times fits a `Vec`, a checked box is `true` (absent when it is not checked, so give it
/// `#[serde(default)]`). For forms that upload files see [`Multipart`](super::Multipart).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<T>(pub T);

/// Why a [`Form`] could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum FormRejection {
    /// The body is something else: status 415.
    #[error("the body must be a form ({MEDIA_TYPE}), but {}", said(.0))]
    MediaType(Option<String>),
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BytesRejection),
    /// The fields do not fit the type: status 422, or 400 when they were in the query; or there are
    /// too many: status 413.
    #[error("the form does not fit: {error}")]
    Fields {
        /// The status.
        status: StatusCode,
        /// Which field, and why.
        #[source]
        error: DecodeError,
    },
}

/// What a request said about the media type of its body.
pub(super) fn said(media_type: &Option<String>) -> String {
    match media_type {
        Some(media_type) => format!("the request says it is {media_type}"),
        None => "the request does not say what it is".to_owned(),
    }
}

impl Rejection for FormRejection {
    fn status(&self) -> StatusCode {
        match self {
            FormRejection::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            FormRejection::Body(rejection) => rejection.status(),
            FormRejection::Fields { error, .. } if error.is_of_the_site() => error.status(),
            FormRejection::Fields { error, .. } if error.is_of_size() => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            FormRejection::Fields { status, .. } => *status,
        }
    }
}

impl<T: DeserializeOwned> FromRequest for Form<T> {
    type Rejection = FormRejection;

    async fn from_request(request: Request) -> Result<Form<T>, FormRejection> {
        let most = request.parts.allowance.fields;
        let decode = |encoded: &[u8], status| match fields::decode(encoded, most) {
            Ok(value) => Ok(Form(value)),
            Err(error) => Err(FormRejection::Fields { status, error }),
        };
        if [Method::GET, Method::HEAD].contains(&request.parts.method) {
            return decode(request.parts.query_string().as_bytes(), StatusCode::BAD_REQUEST);
        }
        let media_type = request.parts.media_type();
        if media_type.as_deref() != Some(MEDIA_TYPE) {
            return Err(FormRejection::MediaType(media_type));
        }
        let body = Bytes::from_request(request).await?;
        decode(&body, StatusCode::UNPROCESSABLE_ENTITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::RequestBuilder;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Draft {
        title: String,
        #[serde(default)]
        anonymous: bool,
    }

    async fn take(builder: RequestBuilder) -> Result<Draft, FormRejection> {
        Form::<Draft>::from_request(builder.build().unwrap()).await.map(|form| form.0)
    }

    fn post() -> RequestBuilder {
        Request::builder().method("POST")
    }

    #[tokio::test]
    async fn a_posted_form_is_decoded() {
        let draft = take(post().form(&[("title", "a & b"), ("anonymous", "on")])).await.unwrap();
        assert_eq!(draft, Draft { title: "a & b".to_owned(), anonymous: true });
    }

    #[tokio::test]
    async fn the_media_type_may_have_parameters() {
        let value = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
        let draft = take(post().header("content-type", value).body("title=x")).await.unwrap();
        assert_eq!(draft.title, "x");
    }

    #[tokio::test]
    async fn a_form_sent_with_get_is_in_the_query() {
        let draft = take(Request::builder().uri("/search?title=x")).await.unwrap();
        assert_eq!(draft.title, "x");
        let rejection = take(Request::builder().uri("/search")).await.unwrap_err();
        assert_eq!(rejection.into_reply().status(), 400);
    }

    #[tokio::test]
    async fn each_failure_has_its_status() {
        let json = take(post().json(&serde_json::json!({}))).await.unwrap_err();
        assert!(json.to_string().ends_with("the request says it is application/json"), "{json}");
        assert_eq!(json.into_reply().status(), 415);
        assert_eq!(take(post().body("title=x")).await.unwrap_err().into_reply().status(), 415);
        let incomplete = take(post().form(&[("anonymous", "on")])).await.unwrap_err();
        assert_eq!(incomplete.to_string(), "the form does not fit: `title`: missing");
        assert_eq!(incomplete.into_reply().status(), 422);
        let large = take(post().form(&[("title", "0123456789")]).body_limit(10)).await;
        assert_eq!(large.unwrap_err().into_reply().status(), 413);
        let form = |fields: usize| {
            let value = "application/x-www-form-urlencoded";
            let body = "title=x".to_owned() + &"&a".repeat(fields - 1);
            post().header("content-type", value).body(body)
        };
        assert_eq!(take(form(1000)).await.unwrap().title, "x");
        let many = take(form(1001)).await.unwrap_err();
        assert_eq!(many.to_string(), "the form does not fit: there are more than 1000 fields");
        assert_eq!(many.into_reply().status(), 413);
    }
}
