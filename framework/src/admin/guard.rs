//! Decides which requests the admin port answers.
//!
//! The port is for operators and their programs, not for web pages in a browser on an operator's machine. There are two
//! ways in which any page could reach a port that is open only to this machine or to a private network:
//!
//! - *DNS rebinding*: a host name of the page's site is made to resolve to the port's address, so the browser treats
//!   the port as part of that site and lets the page read its answers. Such a request names that site as its host, so
//!   the host must be one of the port's own. IP addresses cannot be rebound: a browser that requests one sends it as
//!   the host.
//! - *Cross-site requests*, whose answers the page cannot read. Browsers mark them with `Sec-Fetch-Site`.
//!
//! A port that listens beyond loopback requires the secret. `/health` and `/ready` are open: load balancers need
//! neither the secret nor a matching host, and receive only a word. The reason why a node is not ready is sent only
//! with requests that would be accepted for any other path.

use std::net::{IpAddr, SocketAddr};

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Method, Response, StatusCode};
use subtle::ConstantTimeEq;

use super::answer::problem;
use crate::body::Body;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Accepts the requests of operators and their programs.
#[derive(Debug)]
pub(crate) struct Guard {
    address: IpAddr,
    hosts: Vec<String>,
    secret: Option<String>,
}

impl Guard {
    /// Creates the guard of a port that listens on `address`, has these further host names, and requires this secret.
    pub(crate) fn new(address: SocketAddr, hosts: &[String], secret: Option<&str>) -> Guard {
        Guard {
            address: address.ip().to_canonical(),
            hosts: hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            secret: secret.map(str::to_owned),
        }
    }

    /// Returns the answer to a request that is not accepted.
    pub(crate) fn refusal(&self, request: &Parts) -> Option<Response<Body>> {
        let is_probe = matches!(request.method, Method::GET | Method::HEAD)
            && matches!(request.uri.path(), "/health" | "/ready");
        if is_probe { None } else { self.refusal_of_operator(request) }
    }

    /// Returns whether the request comes from an operator, whatever its path.
    pub(super) fn is_operator(&self, request: &Parts) -> bool {
        self.refusal_of_operator(request).is_none()
    }

    fn refusal_of_operator(&self, request: &Parts) -> Option<Response<Body>> {
        if !host_of(request).is_some_and(|host| self.is_own(&host)) {
            let message = "the request names a host that is not one of the admin port's: add it to \
                           `hosts` in `[admin]` of project.toml, or use the address";
            return Some(problem(StatusCode::MISDIRECTED_REQUEST, message));
        }
        if is_cross_origin(&request.headers) {
            let message = "a page of another site has sent this request";
            return Some(problem(StatusCode::FORBIDDEN, message));
        }
        if !self.has_secret(&request.headers) {
            let message = "the secret is wrong or missing: send `secret` of `[admin]` as \
                           `Authorization: Bearer`";
            let mut refusal = problem(StatusCode::UNAUTHORIZED, message);
            let bearer = HeaderValue::from_static("Bearer");
            refusal.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            return Some(refusal);
        }
        None
    }

    fn is_own(&self, host: &str) -> bool {
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            let address = address.to_canonical();
            let is_named = self.hosts.iter().any(|host| host.parse() == Ok(address));
            return address.is_loopback()
                || address == self.address
                || self.address.is_unspecified()
                || is_named;
        }
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        host == "localhost" || self.hosts.contains(&host)
    }

    fn has_secret(&self, headers: &HeaderMap) -> bool {
        let Some(secret) = &self.secret else { return true };
        let sent = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        let (scheme, sent) = sent.split_at_checked(b"Bearer ".len()).unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"Bearer ") && sent.ct_eq(secret.as_bytes()).into()
    }
}

/// Returns the host of a request: that of its target, otherwise `Host` (RFC 9112, section 3.2.2).
fn host_of(request: &Parts) -> Option<String> {
    let authority = match request.uri.authority() {
        Some(authority) => authority.clone(),
        None => Authority::try_from(request.headers.get(HOST)?.as_bytes()).ok()?,
    };
    (!authority.as_str().contains('@')).then(|| authority.host().to_owned())
}

/// Returns whether the request's `Sec-Fetch-Site` shows that a page of another origin has sent it.
fn is_cross_origin(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn status(guard: &Guard, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        guard.refusal(&parts).map_or(200, |refusal| refusal.status().as_u16())
    }

    fn guard(address: &str) -> Guard {
        Guard::new(address.parse().unwrap(), &["F1.internal".to_owned()], None)
    }

    #[test]
    fn only_hosts_of_the_port_are_answered() {
        let loopback = guard("127.0.0.1:8200");
        for host in [
            "localhost",
            "LOCALHOST.:8200",
            "127.0.0.1:8200",
            "127.1.2.3",
            "[::1]:1",
            "f1.internal",
        ] {
            assert_eq!(status(&loopback, "/status", &[("host", host)]), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8200",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "user@localhost",
            "",
            "a b",
        ] {
            assert_eq!(status(&loopback, "/status", &[("host", host)]), 421, "{host}");
            assert_eq!(status(&loopback, "/ready", &[("host", host)]), 200, "{host}");
        }
        assert_eq!(status(&loopback, "/status", &[]), 421);
        let evil = [("host", "localhost")];
        assert_eq!(status(&loopback, "http://evil.example/status", &evil), 421);
        let private = guard("10.0.0.1:8200");
        assert_eq!(status(&private, "/status", &[("host", "10.0.0.1:8200")]), 200);
        assert_eq!(status(&private, "/status", &[("host", "10.0.0.2:8200")]), 421);
        let all = guard("[::]:8200");
        assert_eq!(status(&all, "/status", &[("host", "10.0.0.2:8200")]), 200);
        assert_eq!(status(&all, "/status", &[("host", "evil.example")]), 421);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let guard = guard("127.0.0.1:8200");
        for (site, expected) in [
            ("cross-site", 403),
            ("same-site", 403),
            ("x", 403),
            ("same-origin", 200),
            ("none", 200),
        ] {
            let headers = [("host", "localhost"), ("sec-fetch-site", site)];
            assert_eq!(status(&guard, "/metrics", &headers), expected, "{site}");
            assert_eq!(status(&guard, "/health", &headers), 200, "{site}");
        }
    }

    #[test]
    fn only_the_exact_secret_is_accepted() {
        let address = "10.0.0.1:8200".parse().unwrap();
        let guard = Guard::new(address, &[], Some("river"));
        let with = |value| status(&guard, "/status", &[("host", "10.0.0.1"), value]);
        assert_eq!(with(("authorization", "Bearer river")), 200);
        assert_eq!(with(("authorization", "bearer river")), 200);
        for wrong in
            ["Bearer rivers", "Bearer rive", "Bearer ", "Bearer", "river", "Basic river", ""]
        {
            assert_eq!(with(("authorization", wrong)), 401, "{wrong}");
        }
        assert_eq!(with(("x-other", "Bearer river")), 401);
        assert_eq!(status(&guard, "/health", &[]), 200);
    }
}
