//! Dispatch: from a request's method and path to the route that takes it.
//!
//! A [`Table`] is what `dispatch.conf` and the files it names say. The way of a request:
//!
//! 1. [`CanonicalPath`] brings the path into its one spelling, or refuses it.
//! 2. [`Table::resolve`] walks from the site's own level down into delegated ones. In each level
//!    paths come first, the most specific one of those that take the method, then patterns in the
//!    order of the file. Aliases rewrite the path and start again. The result is a [`Resolution`].
//! 3. The [`Match`] has the captures, the groups, the file or the `Location`; its [`Route`] says what
//!    to do and how the content may be cached; [`QueryKey::canonical`] spells the query.
//!
//! Regular expressions and paths are matched with the canonical path, that is percent-encoded;
//! what is handed on of it is decoded. [`Table::url_for`] goes the way back, from a name to a URL.
//!
//! The module knows neither the cache nor the link: it says what is to be done, and does none of it.

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
