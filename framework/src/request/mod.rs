//! What a controller takes.
//!
//! - [`Request`]: everything, the body not yet read.
//! - [`RequestParts`]: everything but the body, with questions that respect what the request's
//!   controller may see.
//! - [`RequestBuilder`]: makes requests without a network, for the tests of a site.
//! - [`RequestScope`]: how much of the request its controller may see, and [`NotInKey`]: that it asked for
//!   more.
//! - [`SiteAccess`]: what a request can reach of the back end; [`Resources`] among it.
//! - `allowance`: what a request may take of its node's memory.
//!
//! Controllers seldom name these types: the extractors of [`extract`](crate::extract) take out of
//! them what is wanted. This module must not know where a controller runs.

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

/// What a controller takes: the request as far as it may see it.
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
