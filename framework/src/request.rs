//! The room `request`.

use std::sync::Arc;

use crate::body::Body;
use crate::controller::Site;
use crate::link::Exposure;
use crate::log::Position;

/// What a controller takes: the request as far as it may see it.
pub struct Request {
    /// Method, URI, headers, and everything about the request that is not its body.
    pub parts: RequestParts,
    /// The body, not yet read.
    pub body: Body,
}

/// Everything of a [`Request`] but its body.
pub struct RequestParts {
    /// The method.
    pub method: ::http::Method,
    /// Path and query.
    pub uri: ::http::Uri,
    /// The headers.
    pub headers: ::http::HeaderMap,
    /// The route's captures: name and decoded value.
    pub params: Vec<(String, String)>,
    /// How much of the request is here.
    pub exposure: Exposure,
    /// Names the request in the logs of front end and back end.
    pub request_id: String,
    /// The visitor's address.
    pub remote: Option<std::net::IpAddr>,
    /// The back end's position before the controller ran.
    pub as_of: Position,
    /// What before-steps left for the controller and after-steps.
    pub extensions: ::http::Extensions,
    /// The data of the site, as this request may use it.
    pub site: Arc<Site>,
}
