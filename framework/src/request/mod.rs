//! Requests as controllers receive them.
//!
//! - [`Request`]: everything, with the body not yet read.
//! - [`RequestParts`]: everything but the body, with methods that return only values that the request's controller may
//!   see.
//! - [`RequestBuilder`]: builds requests without a network, for the tests of a site.
//! - [`RequestScope`]: the values of the request that its controller may see, and [`NotInKey`]: the error when it asks
//!   for others.
//! - [`SiteAccess`]: the parts of the back end that a request can access, including [`Resources`].
//! - `allowance`: limits on a request's use of its node's memory.
//!
//! Controllers seldom name these types: the extractors of [`extract`](crate::extract) read the required values from
//! them. This module must not depend on where a controller runs.

mod allowance;
mod builder;
mod in_memory;
mod not_in_key;
mod parts;
mod resources;
mod scope;
mod site_access;

pub(crate) use allowance::Allowance;
pub use builder::RequestBuilder;
pub use not_in_key::NotInKey;
pub use parts::RequestParts;
pub use resources::Resources;
pub use scope::RequestScope;
pub use site_access::SiteAccess;

use crate::body::Body;

/// A controller's argument: the request, as far as it may see it.
#[derive(Debug)]
pub struct Request {
    /// Method, URI, headers, and everything about the request that is not its body.
    pub parts: RequestParts,
    /// The body, not yet read.
    pub body: Body,
}

impl Request {
    /// Starts to build a `GET` request of `/`.
    pub fn builder() -> RequestBuilder {
        RequestBuilder::new()
    }
}
