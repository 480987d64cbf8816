//! Routes to tower services of the site.

use std::sync::Arc;

use http::Request;

use super::failure::Failure;
use super::served::Served;
use super::{FrontEnd, Visit};
use crate::dispatch::Match;
use crate::server::limited;

impl FrontEnd {
    /// Hands the request to the service of this name as it came, but for the limits of its body. The
    /// visitor's address and scheme, as proxies say them, are among its extensions.
    pub(super) async fn raw(
        self: &Arc<Self>,
        visit: Visit<'_>,
        matched: &Match<'_>,
        name: &str,
    ) -> Served {
        let route = matched.route;
        let refused = |failure| Served::refused(failure, route.scope, matched.path());
        let Some(service) = self.services.get(name) else {
            return refused(Failure::internal(format!("there is no service `{name}`")));
        };
        let limit = route.max_body.unwrap_or(self.settings.body_limit);
        let body = match limited(visit.body, limit, self.settings.body_pace) {
            Ok(body) => body,
            Err(error) => return refused(Failure::of_request_body(&error)),
        };
        let mut request = Request::from_parts(visit.parts.clone(), body);
        request.extensions_mut().insert(visit.origin);
        Served::Response(service.answer(request).await)
    }
}
