//! Requests for tower services of the site.

use std::sync::Arc;

use http::Request;

use super::super::failure::Failure;
use super::super::pages::Served;
use super::super::router::{Failed, Visit};
use super::Dispatcher;
use crate::body::Body;
use crate::dispatch::{Match, Route};
use crate::server::limited;

/// A request for a tower service of the site.
pub(in crate::frontend) struct ServiceRequest {
    route: Arc<Route>,
    /// The path that matched the route.
    path: String,
    /// The service's name.
    name: String,
}

impl ServiceRequest {
    /// Creates the request for the service with this name from a matched route.
    pub(super) fn of(matched: &Match<'_>, name: &str) -> ServiceRequest {
        let (route, path) = (Arc::clone(matched.route), matched.path().to_owned());
        ServiceRequest { route, path, name: name.to_owned() }
    }
}

impl Dispatcher {
    /// Passes the request to the service as received, but with limits on its body. The client's address and scheme, as
    /// reported by proxies, are among its extensions.
    pub(super) async fn raw(
        &self,
        visit: Visit<'_>,
        request: ServiceRequest,
        body: Body,
    ) -> Served {
        let ServiceRequest { route, path, name } = request;
        let refused = |failure| Served::Failed(Failed::refused(failure, route.scope, &path).into());
        let Some(service) = self.services.get(&name) else {
            return refused(Failure::internal(format!("there is no service `{name}`")));
        };
        let limit = route.max_body.unwrap_or(self.settings.body_limit);
        let body = match limited(body, limit, self.settings.body_pace) {
            Ok(body) => body,
            Err(error) => return refused(Failure::of_request_body(&error)),
        };
        let mut request = Request::new(body);
        *request.method_mut() = visit.method.clone();
        *request.uri_mut() = visit.uri.clone();
        *request.version_mut() = visit.client.version;
        *request.headers_mut() = visit.headers().clone();
        *request.extensions_mut() = visit.client.extensions.clone();
        request.extensions_mut().insert(visit.origin);
        Served::Response(service.answer(request).await)
    }
}
