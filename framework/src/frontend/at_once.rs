//! Hits, answered at once.
//!
//! Nearly all requests of a site that is read a lot are hits, and a hit waits for nothing. But what
//! may wait is a future, and one that may wait for back ends, files and parts is large: to make, move
//! and drop it for each request costs more than the hit itself. So the server asks here first, as
//! soon as the head of a request is there, and has [`FrontEnd::answer`] do the rest, from the start.
//!
//! Nothing is decided here: dispatch, lookup and the putting together of the response are those
//! of `answer`, and what is not found leaves no trace. A test compares the two.

use std::net::IpAddr;
use std::sync::Arc;

use http::Response;
use http::request::Parts;

use super::counters::Event;
use super::page::Found;
use super::parts::Recipient;
use super::served::Served;
use super::{Edition, FrontEnd, is_page};
use crate::body::Body;
use crate::clock;
use crate::dispatch::{CanonicalPath, Resolution};

impl FrontEnd {
    /// The answer to a request that `peer` has sent, if it is a hit, and all its parts are. The
    /// request's body does not matter then.
    pub fn answer_at_once(
        self: &Arc<Self>,
        request: &Parts,
        peer: IpAddr,
    ) -> Option<Response<Body>> {
        if self.notice().is_some() {
            return None;
        }
        // Borrowed, because all cores would count the owners in one place.
        let (generation, edition) = Edition::taken(&self.cache, || self.edition.load());
        let path = CanonicalPath::new(request.uri.path()).ok()?;
        let Resolution::Route(matched) = edition.table.resolve(&request.method, &path) else {
            return None;
        };
        if !is_page(&matched.route.target) {
            return None;
        }
        let origin = self.settings.proxies.origin(peer, &request.headers);
        let Found::Hit { entry, variant, now } = self.find(request, origin, &matched, clock::now)
        else {
            return None;
        };
        let recipient = Recipient { generation, edition: &edition, request, origin };
        let response = self.respond_at_once(recipient, Served::Hit { entry, variant, now }).ok()?;
        self.counters.count(Event::Hit);
        Some(self.finish(&request.method, response))
    }
}
