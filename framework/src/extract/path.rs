use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::captures::Captures;
use super::rejection::Rejection;
use super::spelling::{Reads, ReadsCell, Written};
use super::{DecodeError, FromRequestParts, Need, OptionalFromRequestParts};
use crate::request::RequestParts;

/// The route's captures from the path, percent-decoded.
///
/// With one capture `T` is a value (`Path<u64>`), with several a tuple in the order of the route, or a struct or map by
/// their names. A struct may leave captures out, unless it has `#[serde(flatten)]`, which takes all captures, like a
/// map.
///
/// A value has one canonical spelling: the one that `T`'s `Serialize` writes. `/books/05` is not the book 5 but a 404,
/// so that a group such as `book:{id}`, which is made from the text, identifies one value.
///
/// ```
/// use headwater::prelude::*;
///
/// #[controller("archive.day")]
/// async fn day(Path((year, month, day)): Path<(u16, u8, u8)>) -> Result<Reply> {
///     Ok(text(format!("{year}-{month:02}-{day:02}")))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

/// Error of extracting a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathRejection {
    /// The text in the path does not fit the type: status 400.
    #[error("the path does not fit: {0}")]
    Value(#[source] DecodeError),
    /// The text in the path is a non-canonical spelling of a value: status 404.
    #[error("the path does not fit: {0}")]
    Spelling(#[source] DecodeError),
    /// The type does not fit the captures of the route, whatever the path: status 500.
    #[error("{0}")]
    Shape(#[source] DecodeError),
}

impl Rejection for PathRejection {
    fn status(&self) -> StatusCode {
        match self {
            PathRejection::Value(_) => StatusCode::BAD_REQUEST,
            PathRejection::Spelling(_) => StatusCode::NOT_FOUND,
            PathRejection::Shape(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn decode<T: DeserializeOwned + Serialize>(parts: &RequestParts) -> Result<T, PathRejection> {
    spelled(&parts.params).map_err(|error| {
        if error.is_of_the_site() {
            PathRejection::Shape(error)
        } else if error.is_spelling() {
            PathRejection::Spelling(error)
        } else {
            PathRejection::Value(error)
        }
    })
}

fn spelled<T: DeserializeOwned + Serialize>(params: &[(String, String)]) -> Result<T, DecodeError> {
    let reads = ReadsCell::new(Reads::All);
    let value = T::deserialize(Captures(params, &reads))?;
    let read = params.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    // A map reads all captures. If it does not write one back under the same name, the capture was read under another
    // name, as with `alias` in a struct with `flatten`.
    let reads = if let Reads::Written = reads.get() { Reads::All } else { reads.get() };
    Written::of(&value)?.check(read, reads)?;
    Ok(value)
}

impl<T: DeserializeOwned + Serialize + Send> FromRequestParts for Path<T> {
    type Rejection = PathRejection;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Path<T>, PathRejection> {
        decode(parts).map(Path)
    }
}

impl<T: DeserializeOwned + Serialize + Send> OptionalFromRequestParts for Path<T> {
    type Rejection = PathRejection;
    const NEEDS: &'static [Need] = &[];

    async fn optional_from_request_parts(
        parts: &mut RequestParts,
    ) -> Result<Option<Path<T>>, PathRejection> {
        if parts.params.is_empty() {
            return Ok(None);
        }
        decode(parts).map(|value| Some(Path(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;
    use std::collections::HashMap;

    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Section {
        News,
        Sport,
    }

    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct Day {
        year: u16,
        section: Section,
    }

    #[derive(Debug, PartialEq, serde::Deserialize, serde::Serialize)]
    struct Slug(String);

    async fn take<T: DeserializeOwned + Serialize + Send>(
        params: &[(&str, &str)],
    ) -> Result<T, PathRejection> {
        let builder = Request::builder();
        let builder =
            params.iter().fold(builder, |builder, (name, value)| builder.param(*name, *value));
        let mut request = builder.build().unwrap();
        let path = Path::<T>::from_request_parts(&mut request.parts).await?;
        Ok(path.0)
    }

    #[tokio::test]
    async fn one_capture_is_a_value() {
        assert_eq!(take::<String>(&[("slug", "a b")]).await.unwrap(), "a b");
        assert_eq!(take::<Slug>(&[("slug", "a")]).await.unwrap(), Slug("a".to_owned()));
        assert_eq!(take::<u64>(&[("id", "7")]).await.unwrap(), 7);
        assert_eq!(take::<(u64,)>(&[("id", "7")]).await.unwrap(), (7,));
        assert_eq!(take::<Section>(&[("section", "sport")]).await.unwrap(), Section::Sport);
    }

    #[tokio::test]
    async fn several_captures_are_a_tuple_a_struct_or_a_map() {
        let params = [("year", "2026"), ("section", "news")];
        let tuple = take::<(u16, String)>(&params).await.unwrap();
        assert_eq!(tuple, (2026, "news".to_owned()));
        let day = take::<Day>(&params).await.unwrap();
        assert_eq!(day, Day { year: 2026, section: Section::News });
        let map = take::<HashMap<String, String>>(&params).await.unwrap();
        assert_eq!(map["section"], "news");
        let list = take::<Vec<(String, String)>>(&params).await;
        assert!(matches!(list, Err(PathRejection::Shape(_))), "{list:?}");
    }

    #[tokio::test]
    async fn text_that_does_not_fit_is_a_400_that_names_the_capture() {
        let rejection = take::<u64>(&[("id", "seven")]).await.unwrap_err();
        assert_eq!(
            rejection.to_string(),
            "the path does not fit: `id`: \"seven\" does not fit: invalid digit found in string"
        );
        assert_eq!(rejection.into_reply().status(), 400);
        let rejection = take::<Section>(&[("section", "x")]).await.unwrap_err();
        assert!(rejection.to_string().contains("`news` or `sport`"), "{rejection}");
        assert_eq!(take::<u8>(&[("id", "300")]).await.unwrap_err().into_reply().status(), 400);
    }

    #[tokio::test]
    async fn a_type_that_does_not_fit_the_route_is_a_500_that_names_the_captures() {
        let params = [("year", "2026"), ("month", "3")];
        for rejection in [
            take::<u64>(&params).await.unwrap_err(),
            take::<(u64, u64, u64)>(&params).await.map(|_| ()).unwrap_err(),
            take::<Day>(&params).await.map(|_| ()).unwrap_err(),
            take::<Day>(&[]).await.map(|_| ()).unwrap_err(),
        ] {
            assert!(rejection.to_string().contains("its route captures"), "{rejection}");
            assert_eq!(rejection.into_reply().status(), 500);
        }
    }

    #[tokio::test]
    async fn an_optional_path_is_none_without_captures() {
        let mut request = Request::builder().build().unwrap();
        let path = Option::<Path<u64>>::from_request_parts(&mut request.parts).await.unwrap();
        assert_eq!(path, None);
    }
}
