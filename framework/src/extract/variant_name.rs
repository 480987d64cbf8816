use std::convert::Infallible;

use super::{FromRequestParts, Need};
use crate::request::RequestParts;

/// The name of the variant that the site's variant function has selected, if it named one. It is
/// part of the cache key, so controllers may take it on every route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantName(pub Option<String>);

impl FromRequestParts for VariantName {
    type Rejection = Infallible;
    const NEEDS: &'static [Need] = &[];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<VariantName, Infallible> {
        Ok(VariantName(parts.variant.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    #[tokio::test]
    async fn the_variant_is_available_on_a_cached_route() {
        let builder = Request::builder().variant("pt").cached("page", None, &[]);
        let mut parts = builder.build().unwrap().parts;
        let variant = VariantName::from_request_parts(&mut parts).await;
        assert_eq!(variant, Ok(VariantName(Some("pt".to_owned()))));
    }
}
