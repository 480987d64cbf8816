//! Pages that unsafe requests to their own URL may change (RFC 9111, section 4.4).
//!
//! A page that an unsafe request may change is put into the group of its path when it is rendered,
//! and such a request names that path when it is forwarded. Both sides use the path after aliases,
//! because it is part of the page's key, and both sides follow the aliases of GET: the page of a
//! URL is the one that GET returns. A page may be requested by its own path and by those of
//! aliases, and the entry of any of these requests serves all of them. So a page to which an alias
//! may lead is in its group, whatever methods the alias itself accepts.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;

use super::canonical::CanonicalPath;
use super::captures::Captures;
use super::resolution::Resolution;
use super::route::{Route, Target};
use super::table::Table;
use crate::dispatch::CacheType;

/// Properties of a site's unsafe requests that do not depend on a request.
#[derive(Debug, Clone)]
pub(super) struct UnsafeRequests {
    /// The unsafe methods that any route accepts.
    methods: HashSet<Method>,
    /// The target paths of aliases; `None` if one depends on the request.
    aliased: Option<HashSet<String>>,
}

impl UnsafeRequests {
    /// Collects the properties from the site's routes.
    pub(super) fn of(routes: &[Arc<Route>]) -> UnsafeRequests {
        let methods = routes.iter().flat_map(|route| &route.methods);
        let aliased = routes.iter().filter_map(|route| match &route.target {
            Target::Alias(alias) => Some(alias.0.literal().map(str::to_owned)),
            Target::Controller(_)
            | Target::Template(_)
            | Target::Service(_)
            | Target::Files { .. }
            | Target::Redirect { .. } => None,
        });
        UnsafeRequests {
            methods: methods.filter(|method| !method.is_safe()).cloned().collect(),
            aliased: aliased.collect(),
        }
    }
}

impl Table {
    /// Returns whether some request with an unsafe method (RFC 9110, section 9.2.1) has the URL of
    /// the page at `path`, the canonical path after aliases.
    pub fn may_be_changed(&self, path: &str) -> bool {
        let UnsafeRequests { methods, aliased } = &self.unsafe_requests;
        let may_be_aliased = || aliased.as_ref().is_none_or(|aliased| aliased.contains(path));
        !methods.is_empty()
            && (may_be_aliased() || methods.iter().any(|method| self.takes(method, path)))
    }

    /// Returns the path after aliases of the page at the URL of an unsafe request for `path`, if
    /// that page exists and may be cached.
    pub fn changed_at(&self, path: CanonicalPath<'_>) -> Option<String> {
        let Resolution::Route(page) = self.resolve(&Method::GET, path) else { return None };
        let is_kept = page.route.target.is_content() && page.route.cache.kind != CacheType::NoCache;
        is_kept.then(|| page.path().to_owned())
    }

    fn takes(&self, method: &Method, path: &str) -> bool {
        self.walk(method, path, &mut Captures::default()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = r#"
        [[route]]
        path = "/"
        alias = "/home"
        [[route]]
        path = "/"
        methods = ["PURGE"]
        controller = "home.purge"
        [[route]]
        path = "/home"
        controller = "home"
        [[route]]
        path = "/stories/{slug}"
        controller = "story"
        [[route]]
        path = "/stories/{slug}"
        methods = ["POST"]
        controller = "comment"
        [[route]]
        pattern = '^/old/(?<slug>[a-z]+)$'
        alias = "/stories/{slug}"
        methods = ["POST"]
        [[route]]
        path = "/login"
        controller = "login"
        cache = "no_cache"
        [[route]]
        path = "/login"
        methods = ["POST"]
        controller = "log.in"
        [[route]]
        path = "/about"
        template = "about.html"
    "#;

    fn changed_at(table: &Table, path: &str) -> Option<String> {
        table.changed_at(CanonicalPath::new(path).unwrap())
    }

    #[test]
    fn an_unsafe_request_changes_the_page_that_get_returns() {
        let table = Table::parse(ROUTES, "dispatch.conf").unwrap();
        assert_eq!(changed_at(&table, "/stories/a").unwrap(), "/stories/a");
        assert_eq!(changed_at(&table, "/").unwrap(), "/home");
        assert_eq!(changed_at(&table, "/login"), None, "it is not cached");
        assert_eq!(changed_at(&table, "/old/a"), None, "there is no such page");
    }

    #[test]
    fn a_page_is_marked_when_a_request_with_its_url_may_change_it() {
        let literal = ROUTES.replace("alias = \"/stories/{slug}\"", "redirect = \"/\"");
        let table = Table::parse(&literal, "dispatch.conf").unwrap();
        for (path, may) in [("/stories/a", true), ("/home", true), ("/about", false)] {
            assert_eq!(table.may_be_changed(path), may, "{path}");
        }
        // The target of the alias depends on the request, so it may be any page.
        let table = Table::parse(ROUTES, "dispatch.conf").unwrap();
        assert!(table.may_be_changed("/about"));
        let none = Table::parse("[[route]]\npath = \"/a\"\ncontroller = \"a\"\n", "x").unwrap();
        assert!(!none.may_be_changed("/a"));
    }
}
