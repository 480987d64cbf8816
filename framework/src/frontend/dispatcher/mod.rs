//! From a request to its response.
//!
//! The [`Dispatcher`] asks the router for a request's target, and then its owner: the page cache, the maker, or the
//! files of the docroot (`file`). A result that is available at once is a [`Served`]. Otherwise a [`Pending`] value
//! describes the remaining work, with everything that was determined so far, and [`Dispatcher::wait_for`] does it.
//!
//! Requests of clients and requests for the parts of pages are treated alike.

mod file;
mod raw;

use std::collections::HashMap;
use std::sync::Arc;

use super::docroot::DocrootFiles;
use super::maker::Maker;
use super::pages::{Pages, Served, settle_terms};
use super::respond;
use super::router::{Order, Routed, Router, Visit};
use super::settings::Settings;
use crate::body::Body;
use crate::dispatch::CanonicalPath;
use crate::link::Call;
use crate::raw::RawService;

use file::FileRequest;
use raw::ServiceRequest;

/// Finds or makes the content that requests ask for.
pub(super) struct Dispatcher {
    pub(super) settings: Arc<Settings>,
    pub(super) router: Router,
    pub(super) pages: Pages,
    pub(super) maker: Arc<Maker>,
    pub(super) files: DocrootFiles,
    /// The site's tower services, by their names.
    pub(super) services: HashMap<String, RawService>,
}

/// The remaining work for a request.
pub(super) enum Pending {
    /// A page must be made, by this order and this call.
    Page(Box<(Order, Call)>),
    /// A file must be looked up.
    File(FileRequest),
    /// A tower service of the site must answer.
    Service(ServiceRequest),
}

impl Dispatcher {
    /// Returns the response to a request, or the remaining work for it, without waiting.
    pub(super) fn find(&self, visit: Visit<'_>) -> Result<Served, Pending> {
        self.found(self.router.route(visit))
    }

    /// Like [`find`](Dispatcher::find), for a request whose path is already parsed.
    pub(super) fn find_at<'a>(
        &self,
        visit: Visit<'a>,
        path: CanonicalPath<'a>,
    ) -> Result<Served, Pending> {
        self.found(self.router.route_at(visit, path))
    }

    fn found(&self, routed: Routed<'_>) -> Result<Served, Pending> {
        Ok(match routed {
            Routed::Page(request) => self.pages.find(request).map_err(Pending::Page)?,
            Routed::File(matched) => match FileRequest::of(&matched) {
                Ok(file) => return Err(Pending::File(file)),
                Err(failed) => Served::Failed(failed),
            },
            Routed::Service { matched, name } => {
                return Err(Pending::Service(ServiceRequest::of(&matched, name)));
            }
            Routed::Redirect { status, location } => {
                Served::Response(respond::redirect(status, location))
            }
            Routed::Options { allow } => Served::Response(respond::options(&allow)),
            Routed::Refused(failed) => Served::Failed(failed),
        })
    }

    /// Does the pending work for a request with this body.
    pub(super) async fn wait_for(&self, visit: Visit<'_>, pending: Pending, body: Body) -> Served {
        // Boxed, so that the future of a request has room for only one of them.
        match pending {
            Pending::Page(page) if page.0.is_for_one => Box::pin(self.make(*page, body)).await,
            Pending::Page(page) => Box::pin(self.shared(visit, *page)).await,
            Pending::Service(request) => Box::pin(self.raw(visit, request, body)).await,
            Pending::File(file) => Box::pin(self.file(visit, file)).await,
        }
    }

    /// Makes a page for all clients that request its key. If making it has revealed that the route's pages use more
    /// request values than were in the key, the page is looked up again with the larger key.
    async fn shared(&self, visit: Visit<'_>, (mut order, mut call): (Order, Call)) -> Served {
        loop {
            let (route, uses) = (Arc::clone(&order.route), order.uses);
            let served = self.pages.get(order, call).await;
            if !matches!(served, Served::Failed(_)) || route.uses.get() == uses {
                return served;
            }
            (order, call) = match self.find(visit) {
                Ok(served) => return served,
                Err(Pending::Page(page)) if !page.0.is_for_one => *page,
                Err(_) => return served,
            };
        }
    }

    /// Makes a page for this client only.
    async fn make(&self, (order, call): (Order, Call), body: Body) -> Served {
        match self.maker.make(&order, call, body).await {
            Ok((mut made, caching)) => {
                settle_terms(&mut made, &order, &caching.groups, &self.settings, None);
                let cache = order.made(false);
                Served::Made { made: made.into(), variant: order.variant, cache }
            }
            Err(failure) => Served::Failed(order.failed(failure).into()),
        }
    }
}
