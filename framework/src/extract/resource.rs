use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use http::StatusCode;

use super::rejection::Rejection;
use super::{FromRequestParts, Need};
use crate::request::RequestParts;
use crate::request::SiteAccess;

/// What a constructor of the site has built when the node started: a pool of connections, a client,
/// a mailer. See [`App::resource`](crate::app::App::resource).
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

/// A controller takes a resource that the site does not have: status 500.
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
    /// A resource that no constructor has built, for the tests of controllers.
    pub fn new(resource: T) -> Resource<T> {
        Resource(Arc::new(resource))
    }

    /// The resource `T` of a site: for code that runs outside a request.
    ///
    /// # Errors
    /// When the site does not have it.
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
    async fn a_resource_is_there_or_its_type_is_named() {
        let site = Arc::new(SiteAccess::in_memory(States::new()).with_resource(7_u8));
        let mut parts = Request::builder().site(site).build().unwrap().parts;
        let seven = Resource::<u8>::from_request_parts(&mut parts).await.unwrap();
        assert_eq!(*seven.clone(), 7);
        let rejection = Resource::<u16>::from_request_parts(&mut parts).await.unwrap_err();
        assert!(rejection.to_string().contains("`Resource<u16>`"), "{rejection}");
        assert_eq!(rejection.into_reply().status(), 500);
    }
}
