//! Dispatch: finds the route for a request's method and path.
//!
//! A [`Table`] contains the routes of `dispatch.conf` and the files that it names. A request is resolved in these
//! steps:
//!
//! 1. [`CanonicalPath`] converts the path to its canonical spelling, or rejects it.
//! 2. [`Table::resolve`] descends from the site's own level into delegated ones. In each level, paths precede patterns:
//!    the most specific path that accepts the method wins, then the first pattern in the order of the file. Aliases
//!    rewrite the path and restart the search. The result is a [`Resolution`].
//! 3. The [`Match`] contains the captures, the groups, the file or the `Location`. Its [`Route`] determines the target
//!    and the caching of its content; [`QueryKey::canonical`] converts the query to its canonical spelling.
//!
//! Regular expressions and paths are matched with the canonical, percent-encoded path; captures are decoded before they
//! are used. [`Table::url_for`] is the inverse: it builds a URL from a route's name.
//!
//! The module depends neither on the cache nor on the link: it selects the action, and performs none.

mod canonical;
mod capture_template;
mod captures;
mod level;
mod listing;
mod load;
mod own_url;
mod path;
mod pattern;
mod policy;
mod query;
mod resolution;
mod reverse;
mod route;
mod shape;
mod table;

#[cfg(test)]
mod tests;

pub use crate::cache_type::CacheType;
pub use canonical::CanonicalPath;
pub(crate) use policy::{
    AuditPolicy, Audited, CachePolicy, CacheStatuses, ForgeryPolicy, Rate, RateBy,
};
pub use query::QueryKey;
pub(crate) use resolution::Match;
pub use resolution::Resolution;
pub(crate) use route::{Location, Route, Scope, Target};
pub(crate) use route::{service_controller, service_of};
pub use table::Table;
