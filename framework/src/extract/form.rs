mod file;
mod parts;

pub use file::FormFile;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;

use self::parts::Parts;
use super::fields::Pair;
use super::rejection::Rejection;
use super::{
    BytesRejection, DecodeError, FromRequest, Multipart, MultipartError, MultipartRejection, Need,
    NotInKey, fields,
};
use crate::request::Request;

/// The fields of an HTML form, as a struct or map.
///
/// The fields are read from the body, which must be `application/x-www-form-urlencoded` or `multipart/form-data` and
/// not longer than the request's `body_limit`; for `GET` and `HEAD` from the query, except on a cached route, which
/// must use [`Query`](super::Query). A repeated field is decoded into a `Vec`, an empty one is `None` for an `Option`,
/// and a checked box is `true` (absent when it is not checked, so give it `#[serde(default)]`). A file is a
/// [`FormFile`]; files that are too large for memory are read with [`Multipart`].
///
/// ```
/// use headwater::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Draft {
///     title: String,
///     pages: Option<u32>,
///     cover: Option<FormFile>,
/// }
///
/// #[controller("books.create")]
/// async fn create(Form(draft): Form<Draft>) -> Reply {
///     let size = draft.cover.map_or(0, |cover| cover.content().len());
///     text(format!("{} has {size} bytes of cover", draft.title))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<T>(pub T);

/// Error of extracting a [`Form`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormRejection {
    /// The route is cached, so the query is part of the key: status 500.
    #[error(transparent)]
    NotInKey(#[from] NotInKey),
    /// The body has another media type: status 415.
    #[error(
        "the body must be a form (application/x-www-form-urlencoded or multipart/form-data), but {}",
        declared(.0)
    )]
    MediaType(Option<String>),
    /// The media type is multipart/form-data without a valid boundary.
    #[error(transparent)]
    Boundary(#[from] MultipartRejection),
    /// The body is multipart/form-data and could not be read.
    #[error(transparent)]
    Parts(#[from] MultipartError),
    /// The body could not be read.
    #[error(transparent)]
    Body(#[from] BytesRejection),
    /// The fields do not fit the type: status 422, or 400 when they were in the query. Too many fields: status 413.
    #[error("the form does not fit: {error}")]
    Fields {
        /// The status.
        status: StatusCode,
        /// The field and the reason.
        #[source]
        error: DecodeError,
    },
}

/// Describes the media type that a request declares for its body.
pub(super) fn declared(media_type: &Option<String>) -> String {
    match media_type {
        Some(media_type) => format!("the request declares {media_type}"),
        None => "the request declares no media type".to_owned(),
    }
}

impl Rejection for FormRejection {
    fn status(&self) -> StatusCode {
        match self {
            FormRejection::NotInKey(error) => error.status(),
            FormRejection::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            FormRejection::Boundary(rejection) => rejection.status(),
            FormRejection::Parts(error) => error.status(),
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
    const REQUEST_NEEDS: &'static [Need] = &[Need::Form];

    async fn from_request(request: Request) -> Result<Form<T>, FormRejection> {
        NotInKey::check_form(&request.parts.scope)?;
        let most = request.parts.allowance.fields;
        let fits = |decoded: Result<T, DecodeError>, status| {
            decoded.map(Form).map_err(|error| FormRejection::Fields { status, error })
        };
        if [Method::GET, Method::HEAD].contains(&request.parts.method) {
            let decoded = fields::decode(request.parts.query_string().as_bytes(), most);
            return fits(decoded, StatusCode::BAD_REQUEST);
        }
        let media_type = request.parts.media_type();
        let decoded = match media_type.as_deref() {
            Some("application/x-www-form-urlencoded") => {
                fields::decode(&Bytes::from_request(request).await?, most)
            }
            Some("multipart/form-data") => {
                let form = Multipart::from_request(request).await?;
                Parts::read(form, |_| u64::MAX).await?.decode()
            }
            _ => return Err(FormRejection::MediaType(media_type)),
        };
        fits(decoded, StatusCode::UNPROCESSABLE_ENTITY)
    }
}

/// The fields of a form, not decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentFields {
    /// Names and texts.
    pub(crate) texts: Vec<Pair<'static>>,
    /// Names and files.
    pub(crate) files: Vec<(String, FormFile)>,
    /// The names of files that exceeded their limit.
    pub(crate) too_large: Vec<String>,
}

impl SentFields {
    /// Reads the fields of a form in any encoding. `most_bytes` returns the maximum size of a file for a name.
    pub(crate) async fn read(
        request: Request,
        most_bytes: impl Fn(&str) -> u64,
    ) -> Result<SentFields, FormRejection> {
        NotInKey::check_form(&request.parts.scope)?;
        let most = request.parts.allowance.fields;
        if [Method::GET, Method::HEAD].contains(&request.parts.method) {
            let query = request.parts.query_string().as_bytes();
            return SentFields::parse(query, most, StatusCode::BAD_REQUEST);
        }
        let media_type = request.parts.media_type();
        match media_type.as_deref() {
            Some("application/x-www-form-urlencoded") => {
                let body = Bytes::from_request(request).await?;
                SentFields::parse(&body, most, StatusCode::UNPROCESSABLE_ENTITY)
            }
            Some("multipart/form-data") => {
                let form = Multipart::from_request(request).await?;
                let Parts { texts, files, too_large } = Parts::read(form, most_bytes).await?;
                Ok(SentFields { texts, files, too_large })
            }
            _ => Err(FormRejection::MediaType(media_type)),
        }
    }

    fn parse(encoded: &[u8], most: usize, status: StatusCode) -> Result<Self, FormRejection> {
        let pairs = fields::parse(encoded, most);
        let pairs = pairs.map_err(|error| FormRejection::Fields { status, error })?;
        let owned = |(name, text): Pair<'_>| (name.into_owned().into(), text.into_owned().into());
        let texts = pairs.into_iter().map(owned).collect();
        Ok(SentFields { texts, ..SentFields::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::de::IgnoredAny;

    use super::*;
    use crate::budget::Budget;
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
    async fn the_heads_of_fields_count_towards_the_memory_for_bodies() {
        let [name, other] = ["n".repeat(1000), "o".repeat(1000)];
        let parameters = [
            format!("name={name}\r\n"),
            format!("name={other}; filename={other}\r\nContent-Type: {other}\r\n"),
        ];
        let fields =
            parameters.map(|it| format!("--XX\r\nContent-Disposition: form-data; {it}\r\n\r\n"));
        let read = async |memory| {
            let boundary = "multipart/form-data; boundary=XX";
            let builder = post().header("content-type", boundary);
            let mut request = builder.body(fields.concat() + "--XX--").build().unwrap();
            request.parts.allowance.memory = Arc::new(Budget::new(memory).share());
            Form::<BTreeMap<String, IgnoredAny>>::from_request(request).await.map(|form| form.0)
        };
        assert_eq!(read(4000).await.unwrap().len(), 2);
        for memory in [999, 3999] {
            let error = read(memory).await.unwrap_err();
            assert_eq!(error.into_reply().status(), StatusCode::SERVICE_UNAVAILABLE);
        }
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
    async fn a_form_from_the_query_is_rejected_on_a_cached_route() {
        for spelling in ["/search?title=5", "/search?title=05"] {
            let request = Request::builder().uri(spelling);
            let rejection =
                take(request.cached("search", Some(&["title"]), &[])).await.unwrap_err();
            let said = rejection.to_string();
            assert!(said.contains("the route `search` caches"), "{said}");
            assert!(said.contains("take `Query` instead"), "{said}");
            assert_eq!(rejection.into_reply().status(), 500);
        }
    }

    #[tokio::test]
    async fn each_failure_has_its_status() {
        let json = take(post().json(&serde_json::json!({}))).await.unwrap_err();
        assert!(json.to_string().ends_with("the request declares application/json"), "{json}");
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

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Album {
        title: String,
        year: Option<u16>,
        #[serde(default)]
        tag: Vec<String>,
        cover: Option<FormFile>,
        #[serde(default)]
        pages: Vec<FormFile>,
    }

    /// Builds a form from parts: name, file name, content.
    fn multipart(parts: &[(&str, Option<&str>, &str)]) -> RequestBuilder {
        let part = |(name, file, content): &(&str, Option<&str>, &str)| {
            let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/png"));
            let file = file.unwrap_or_default();
            format!(
                "--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
            )
        };
        let body = parts.iter().map(part).collect::<String>() + "--XX--\r\n";
        post().header("content-type", "multipart/form-data; boundary=XX").body(body)
    }

    async fn album(builder: RequestBuilder) -> Result<Album, FormRejection> {
        Form::<Album>::from_request(builder.build().unwrap()).await.map(|form| form.0)
    }

    #[tokio::test]
    async fn both_kinds_of_forms_give_the_same() {
        let plain =
            album(post().form(&[("title", "Löß"), ("tag", "a"), ("tag", "b"), ("year", "")]));
        let parts = multipart(&[
            ("tag", None, "a"),
            ("title", None, "Löß"),
            ("year", None, ""),
            ("tag", None, "b"),
            ("cover", Some(""), ""),
            ("pages", Some(""), ""),
        ]);
        let (plain, parts) = (plain.await.unwrap(), album(parts).await.unwrap());
        assert_eq!(plain, parts);
        assert_eq!((&*plain.title, plain.year, plain.cover), ("Löß", None, None));
        assert_eq!(plain.tag, ["a", "b"]);
    }

    #[tokio::test]
    async fn files_are_fields_too() {
        let parts = [
            ("pages", Some("1.png"), "one"),
            ("title", None, "x"),
            ("cover", Some("c.png"), "cover"),
            ("pages", Some("2.png"), ""),
            ("other", Some("3.png"), "three"),
        ];
        let album = album(multipart(&parts)).await.unwrap();
        let cover = album.cover.unwrap();
        assert_eq!((cover.name(), cover.content_type()), (Some("c.png"), Some("image/png")));
        assert_eq!(cover.content(), "cover");
        let pages = album.pages.into_iter().map(FormFile::into_content);
        assert_eq!(pages.collect::<Vec<_>>(), ["one", ""]);
    }

    #[tokio::test]
    async fn a_file_is_no_text_and_text_is_no_file() {
        let title = ("title", None, "x");
        let several = [title, ("cover", Some("a"), "1"), ("cover", Some("b"), "2")];
        for (builder, field) in [
            (multipart(&[("title", Some("a.txt"), "x")]), "title"),
            (multipart(&[title, ("tag", Some("a.txt"), "x")]), "tag"),
            (multipart(&[title, ("cover", None, "text")]), "cover"),
            (multipart(&several), "cover"),
            (post().form(&[("title", "x"), ("cover", "text")]), "cover"),
        ] {
            let rejection = album(builder).await.unwrap_err();
            let FormRejection::Fields { error, .. } = &rejection else { panic!("{rejection}") };
            assert_eq!(error.field(), Some(field), "{rejection}");
            assert_eq!(rejection.into_reply().status(), 422);
        }
    }

    #[tokio::test]
    async fn a_malformed_multipart_form_is_rejected() {
        let content_type = |value: &str| post().header("content-type", value).body("x");
        let rejection = album(content_type("multipart/form-data")).await.unwrap_err();
        assert_eq!(rejection.into_reply().status(), 400);
        let rejection = album(content_type("multipart/form-data; boundary=XX")).await.unwrap_err();
        assert_eq!(rejection.into_reply().status(), 400);
        let large = multipart(&[("title", None, "01234"), ("tag", None, "56789")]).body_limit(9);
        assert_eq!(album(large).await.unwrap_err().into_reply().status(), 413);
        let latin = post().header("content-type", "multipart/form-data; boundary=XX");
        let body: &[u8] =
            b"--XX\r\nContent-Disposition: form-data; name=title\r\n\r\n\xfc\r\n--XX--";
        let rejection = album(latin.body(Bytes::from_static(body))).await.unwrap_err();
        assert_eq!(rejection.to_string(), "the field `title` is not text in UTF-8");
    }
}
