use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequestParts, Need};
use crate::request::RequestParts;
use crate::request::SiteAccess;

/// A value that a constructor of the site has built at the start of the node: a connection pool, a
/// client, a mailer. See [`App::resource`](crate::app::App::resource).
///
/// ```
/// use headwater::prelude::*;
///
/// struct Clock(&'static str);
///
/// #[controller("clock")]
/// async fn clock(clock: Resource<Clock>) -> String {
///     format!("It is {}.", clock.0)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // A test of the controller calls it with a resource of its own.
/// assert_eq!(clock(Resource::new(Clock("noon"))).await, "It is noon.");
/// # });
/// ```
pub struct Resource<T>(Arc<T>);

/// The site does not have the resource that a controller takes: status 500.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the controller takes `Resource<{type_name}>`, but the site has no such resource: have it built with \
     `App::new().resource(…)`"
)]
pub struct NoSuchResource {
    pub(super) type_name: &'static str,
}

impl Rejection for NoSuchResource {
    fn status(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

impl<T: Send + Sync + 'static> Resource<T> {
    /// Creates a resource without a constructor, for tests of controllers.
    pub fn new(resource: T) -> Resource<T> {
        Resource(Arc::new(resource))
    }

    /// Returns the resource `T` of a site, for code that runs outside of a request.
    ///
    /// # Errors
    /// Fails if the site does not have it.
    pub fn of(site: &SiteAccess) -> Result<Resource<T>, NoSuchResource> {
        let found = site.resources.get::<T>();
        found.map(Resource).ok_or(NoSuchResource { type_name: type_name::<T>() })
    }
}

impl<T> Deref for Resource<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for Resource<T> {
    fn clone(&self) -> Resource<T> {
        Resource(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Resource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource<{}>", type_name::<T>())
    }
}

impl<T: Send + Sync + 'static> FromRequestParts for Resource<T> {
    type Rejection = NoSuchResource;
    const NEEDS: &'static [Need] = &[Need::resource::<T>()];

    async fn from_request_parts(parts: &mut RequestParts) -> Result<Resource<T>, NoSuchResource> {
        Resource::of(&parts.site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::IntoReply;
    use crate::request::Request;
    use crate::state::States;

    #[tokio::test]
    async fn a_missing_resource_is_an_error_that_names_the_type() {
        let site = Arc::new(SiteAccess::in_memory(States::new()).with_resource(7_u8));
        let mut parts = Request::builder().site(site).build().unwrap().parts;
        let seven = Resource::<u8>::from_request_parts(&mut parts).await.unwrap();
        assert_eq!(*seven.clone(), 7);
        let rejection = Resource::<u16>::from_request_parts(&mut parts).await.unwrap_err();
        assert!(rejection.to_string().contains("`Resource<u16>`"), "{rejection}");
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
