//! Decides which content may be stored, and for how long.

use std::time::Duration;

use http::{StatusCode, header};

use super::super::maker::Made;
use super::super::settings::Settings;
use crate::cache::Freshness;
use crate::dispatch::{CacheType, Route};

/// Returns the lifetime of made content in the cache; `None` if it must not be stored. `own` is the reply's own cache
/// type.
///
/// Content for one visitor is not stored, and no status but 200 unless the route lists it. Content with a listed
/// status has the lifetime from the list, unless the reply declares its own. Errors are never served stale.
pub(super) fn freshness(
    settings: &Settings,
    route: &Route,
    made: &Made,
    own: Option<CacheType>,
) -> Option<Freshness> {
    let kind = own.unwrap_or(route.cache.kind);
    let lifetime = match kind {
        CacheType::Normal => Some(settings.lifetime),
        CacheType::Timeout(lifetime) => Some(lifetime),
        CacheType::Persistent => None,
        CacheType::NoCache => return None,
    };
    let is_for_one_visitor =
        made.headers.contains_key(header::SET_COOKIE) || made.terms.are_for_one_visitor();
    if is_for_one_visitor {
        return None;
    }
    let status = made.status;
    let listed = match status {
        StatusCode::OK => None,
        status => Some(route.cache_statuses.lifetime(status, settings.status_lifetime)?),
    };
    let is_own = matches!(own, Some(CacheType::Timeout(_) | CacheType::Persistent));
    let window = |window| if status.as_u16() < 400 { window } else { Duration::ZERO };
    Some(Freshness {
        lifetime: listed.filter(|_| !is_own).or(lifetime),
        stale_while_revalidate: window(route.cache.stale_while_revalidate),
        stale_if_error: window(route.cache.stale_if_error),
        persistent: kind == CacheType::Persistent && (is_own || listed.is_none()),
        timed: matches!(kind, CacheType::Timeout(_)) || route.cache_statuses.has_lifetime(status),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use http::Method;

    use super::*;
    use crate::body::Body;
    use crate::dispatch::{CanonicalPath, Resolution, Table};
    use crate::frontend::maker::MadeContent;
    use crate::frontend::{Flashes, PageHeaders, Sample};
    use crate::http::{Languages, TrustedProxies};
    use crate::inline::InlineHashes;
    use crate::server::Pace;

    const SECOND: Duration = Duration::from_secs(1);

    fn settings() -> Settings {
        Settings {
            development: false,
            caching: true,
            lifetime: 600 * SECOND,
            status_lifetime: 10 * SECOND,
            encodings: Vec::new(),
            group_headers: Vec::new(),
            largest_entry: 1,
            flights: 1,
            deadline: SECOND,
            part_timeout: SECOND,
            body_limit: 1,
            body_pace: Pace { pause: SECOND, rate: 0 },
            collected_bodies: 1,
            languages: Languages::default(),
            language_cookie: None,
            audit_sample: Sample::OFF,
            proxies: TrustedProxies::default(),
            trusted_origins: Vec::new(),
            page_headers: PageHeaders::default(),
            flashes: Flashes::default(),
        }
    }

    #[track_caller]
    fn kept(
        route: &str,
        status: u16,
        headers: &[(&str, &str)],
        own: Option<CacheType>,
    ) -> Option<Freshness> {
        let text = format!("[[route]]\npath = '/'\ncontroller = 'c'\n{route}");
        let table = Table::parse(&text, Path::new("dispatch.conf")).unwrap();
        let path = CanonicalPath::new("/").unwrap();
        let Resolution::Route(matched) = table.resolve(&Method::GET, path) else { panic!() };
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let (status, headers) = (StatusCode::from_u16(status).unwrap(), headers.collect());
        let content = MadeContent::Body(Body::empty());
        let (inline, page_headers) = (InlineHashes::default(), PageHeaders::default());
        let made = Made::new(status, headers, content, inline, &page_headers);
        freshness(&settings(), matched.route, &made, own)
    }

    fn lifetime(route: &str, status: u16, own: Option<CacheType>) -> Option<Option<u64>> {
        let kept = kept(route, status, &[], own)?;
        Some(kept.lifetime.map(|lifetime| lifetime.as_secs()))
    }

    #[test]
    fn only_200_is_stored_unless_the_route_lists_more() {
        assert_eq!(lifetime("", 200, None), Some(Some(600)));
        for status in [201, 301, 302, 404, 410, 500, 503] {
            assert_eq!(lifetime("", status, None), None, "{status}");
        }
        let listing = "cache_statuses = { 404 = \"30s\", 301 = \"1h\", 503 = \"5s\" }";
        assert_eq!(lifetime(listing, 404, None), Some(Some(30)));
        assert_eq!(lifetime(listing, 301, None), Some(Some(3600)));
        assert_eq!(lifetime(listing, 503, None), Some(Some(5)));
        assert_eq!(lifetime(listing, 410, None), None);
        assert_eq!(lifetime("cache_statuses = [410]", 410, None), Some(Some(10)));
    }

    #[test]
    fn a_reply_overrides_its_route() {
        use CacheType::{NoCache, Normal, Persistent, Timeout};
        let persistent = "cache = \"persistent\"\ncache_statuses = [404]";
        assert_eq!(lifetime(persistent, 200, None), Some(None));
        assert_eq!(lifetime(persistent, 200, Some(Normal)), Some(Some(600)));
        assert_eq!(lifetime(persistent, 200, Some(Timeout(SECOND))), Some(Some(1)));
        assert_eq!(lifetime(persistent, 200, Some(NoCache)), None);
        assert_eq!(lifetime(persistent, 404, None), Some(Some(10)));
        assert_eq!(lifetime(persistent, 404, Some(Normal)), Some(Some(10)));
        assert_eq!(lifetime(persistent, 404, Some(Persistent)), Some(None));
        assert_eq!(lifetime(persistent, 410, Some(Persistent)), None);
        assert!(!kept(persistent, 404, &[], None).unwrap().persistent);
        assert!(kept("", 200, &[], Some(Persistent)).unwrap().persistent);
    }

    #[test]
    fn errors_are_not_served_stale() {
        let route = "cache = { type = \"normal\", stale_while_revalidate = \"1s\", \
                     stale_if_error = \"2s\" }\ncache_statuses = [301, 404]";
        for (status, windows) in [(200, (1, 2)), (301, (1, 2)), (404, (0, 0))] {
            let kept = kept(route, status, &[], None).unwrap();
            let found = (kept.stale_while_revalidate.as_secs(), kept.stale_if_error.as_secs());
            assert_eq!(found, windows, "{status}");
        }
    }

    #[test]
    fn content_for_one_visitor_is_never_stored() {
        for header in [
            ("set-cookie", "a=b"),
            ("cache-control", "max-age=5, No-Store"),
            ("cache-control", "private"),
            ("cache-control", "private=\"x-a\""),
            ("cache-control", "max-age=5, x=\"no end"),
            ("vary", "no name"),
            ("vary", "accept, *"),
        ] {
            let own = Some(CacheType::Persistent);
            assert_eq!(kept("cache_statuses = [404]", 200, &[header], own), None, "{header:?}");
            assert_eq!(kept("cache_statuses = [404]", 404, &[header], own), None, "{header:?}");
        }
        assert!(
            kept("", 200, &[("cache-control", "max-age=60"), ("vary", "accept")], None).is_some()
        );
    }
}
