//! Forms with files (multipart/form-data, RFC 7578), read as a stream.
//!
//! - [`Multipart`]: the extractor; returns one [`Field`] after the other.
//! - `splitter`: splits the body at its boundary, and buffers no more than one piece of it.
//! - `head`: the headers of a field.

mod error;
mod field;
mod head;
mod splitter;

pub use error::{MultipartError, MultipartRejection};
pub use field::Field;

use self::head::{Head, boundary_of};
use self::splitter::Splitter;
use super::{FromRequest, Need};
use crate::request::{Allowance, Request};

/// The fields of a form that may contain files, one after the other.
///
/// However large the files are, only a piece is in memory at a time, unless [`Field::bytes`] or
/// [`Field::text`] collects them: the collected content of all fields may have at most the
/// request's `body_limit`.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("pictures.upload")]
/// async fn upload(mut form: Multipart) -> Result<Reply> {
///     let mut size = 0;
///     while let Some(mut field) = form.next_field().await? {
///         if field.name() == "picture" {
///             while let Some(piece) = field.chunk().await? {
///                 size += piece.len();
///             }
///         }
///     }
///     Ok(text(format!("{size} bytes")))
/// }
/// ```
#[derive(Debug)]
pub struct Multipart {
    splitter: Splitter,
    /// The number of bytes that may still be collected.
    collectable: u64,
    body_limit: u64,
    /// The number of further fields that are allowed.
    fields: usize,
    allowance: Allowance,
}

impl Multipart {
    /// Returns the next field. Skips the unread rest of the previous one.
    ///
    /// # Errors
    /// Fails if the body breaks off, is malformed, or has more fields than `[limits] fields`
    /// allows.
    pub async fn next_field(&mut self) -> Result<Option<Field<'_>>, MultipartError> {
        while self.splitter.piece().await?.is_some() {}
        let Some(head) = self.splitter.head().await? else { return Ok(None) };
        let too_many = MultipartError::TooManyFields { most: self.allowance.fields };
        self.fields = self.fields.checked_sub(1).ok_or(too_many)?;
        let head = Head::parse(&head)?;
        Ok(Some(Field::new(self, head)))
    }
}

impl FromRequest for Multipart {
    type Rejection = MultipartRejection;
    const REQUEST_NEEDS: &'static [Need] = &[];

    async fn from_request(request: Request) -> Result<Multipart, MultipartRejection> {
        let media_type = request.parts.media_type();
        if media_type.as_deref() != Some("multipart/form-data") {
            return Err(MultipartRejection::MediaType(media_type));
        }
        let content_type = request.parts.headers.get(http::header::CONTENT_TYPE);
        let boundary = content_type
            .and_then(|value| value.to_str().ok())
            .and_then(boundary_of)
            .ok_or(MultipartRejection::Boundary)?;
        Ok(Multipart {
            splitter: Splitter::new(request.body, boundary),
            collectable: request.parts.body_limit,
            body_limit: request.parts.body_limit,
            fields: request.parts.allowance.fields,
            allowance: request.parts.allowance,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use crate::reply::IntoReply;
    use bytes::Bytes;
    use futures_util::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    const FORM: &str = "preamble\r\n--XX  \r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\
        Rain\r\n--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
        Content-Type: text/plain\r\n\r\nline\r\n--X\r\n\r\n--XX--\r\nepilogue";

    /// A body that arrives in pieces of `size` bytes.
    fn in_pieces(text: &'static str, size: usize) -> Body {
        let pieces: Vec<_> = text
            .as_bytes()
            .chunks(size)
            .map(|piece| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(piece))))
            .collect();
        Body::stream(StreamBody::new(stream::iter(pieces)))
    }

    async fn multipart(body: Body) -> Multipart {
        let builder = Request::builder().method("POST").body(body).body_limit(20);
        let value = "multipart/form-data; charset=utf-8; boundary=\"XX\"";
        Multipart::from_request(builder.header("content-type", value).build().unwrap())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn fields_are_found_however_the_body_is_cut() {
        for size in 1..FORM.len() {
            let mut form = multipart(in_pieces(FORM, size)).await;
            let title = form.next_field().await.unwrap().unwrap();
            assert_eq!((title.name(), title.file_name()), ("title", None));
            assert_eq!(title.text().await.unwrap(), "Rain");
            let file = form.next_field().await.unwrap().unwrap();
            assert_eq!((file.name(), file.file_name()), ("file", Some("a.txt")));
            assert_eq!(file.content_type(), Some("text/plain"));
            assert_eq!(file.bytes().await.unwrap(), "line\r\n--X\r\n");
            assert!(form.next_field().await.unwrap().is_none());
            assert!(form.next_field().await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn an_unread_field_is_skipped() {
        let mut form = multipart(in_pieces(FORM, 7)).await;
        form.next_field().await.unwrap().unwrap();
        let mut file = form.next_field().await.unwrap().unwrap();
        assert!(file.chunk().await.unwrap().is_some());
        assert!(form.next_field().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn collected_content_is_limited_over_all_fields() {
        let text = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n123456789012\r\n\
                    --XX\r\nContent-Disposition: form-data; name=b\r\n\r\n123456789012\r\n--XX--";
        let mut form = multipart(in_pieces(text, 5)).await;
        let first = form.next_field().await.unwrap().unwrap();
        assert_eq!(first.text().await.unwrap().len(), 12);
        let second = form.next_field().await.unwrap().unwrap();
        assert_eq!(second.text().await.unwrap_err().into_reply().status(), 413);
    }

    #[tokio::test]
    async fn no_more_fields_are_read_than_are_allowed() {
        let field = "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
        let mut form = multipart(Body::from(field.repeat(1001) + "--XX--")).await;
        for _ in 0..1000 {
            assert!(form.next_field().await.unwrap().is_some());
        }
        let error = form.next_field().await.unwrap_err();
        assert_eq!(error.into_reply().status(), 413);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_a_400() {
        for text in [&FORM[..20], &FORM[..70], &FORM[..FORM.len() - 14], "", "nothing of the kind"]
        {
            let mut form = multipart(Body::from(text)).await;
            let error = loop {
                match form.next_field().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{text:?} has an end"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.into_reply().status(), 400);
        }
    }

    #[tokio::test]
    async fn a_field_whose_headers_never_end_is_refused() {
        let text = format!("--XX\r\nx: {}", "y".repeat(1 << 20));
        let mut form = multipart(Body::from(text)).await;
        assert!(matches!(form.next_field().await, Err(MultipartError::Head(_))));
    }

    #[tokio::test]
    async fn other_media_types_are_refused() {
        for (value, status) in [
            ("application/json", 415),
            ("multipart/form-data", 400),
            ("multipart/form-data; boundary=", 400),
        ] {
            let builder = Request::builder().header("content-type", value);
            let rejection = Multipart::from_request(builder.build().unwrap()).await.unwrap_err();
            assert_eq!(rejection.into_reply().status(), status);
        }
    }
}
