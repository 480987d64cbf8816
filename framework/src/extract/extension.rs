use std::any::type_name;

use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequestParts, Need, OptionalFromRequestParts};
use crate::request::RequestParts;

/// A value that a before-step has stored in the request's extensions.
///
/// `Option<Extension<T>>` is `None` when no step has stored a `T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<T>(pub T);

/// No before-step has stored a value of this type: status 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the controller takes an `Extension<{type_name}>`, but no before-step has left one: add the step \
     with `#[before(…)]`, or take an `Option<Extension<{type_name}>>`"
)]
pub struct MissingExtension {
    type_name: &'static str,
}

impl Rejection for MissingExtension {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl<T: Clone + Send + Sync + 'static> FromRequestParts for Extension<T> {
    type Rejection = MissingExtension;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Self, MissingExtension> {
        match parts.extensions.get::<T>() {
            Some(value) => Ok(Extension(value.clone())),
            None => Err(MissingExtension { type_name: type_name::<T>() }),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> OptionalFromRequestParts for Extension<T> {
    type Rejection = std::convert::Infallible;
    const NEEDS: &'static [Need] = &[];

    async fn optional_from_request_parts(
        parts: &mut RequestParts,
    ) -> Result<Option<Self>, std::convert::Infallible> {
        Ok(parts.extensions.get::<T>().cloned().map(Extension))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn a_missing_extension_is_an_error_that_names_the_type() {
        let mut parts = Request::builder().extension(7_u8).build().unwrap().parts;
        let found = Extension::<u8>::from_request_parts(&mut parts).await;
        assert_eq!(found, Ok(Extension(7)));
        let missing = Extension::<u16>::from_request_parts(&mut parts).await;
        assert!(missing.unwrap_err().to_string().contains("`Extension<u16>`"));
        let optional = Option::<Extension<u16>>::from_request_parts(&mut parts).await;
        assert_eq!(optional, Ok(None));
    }
}
