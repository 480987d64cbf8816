use form_urlencoded::Serializer;

use crate::controller::{Result, not_found};
use crate::reply::{Reply, redirect_permanent};
use crate::request::RequestParts;

/// Returns the value of a query parameter that may occur once; `None` if it is missing or empty.
///
/// # Errors
/// 404 if it occurs several times: there is no such page.
pub(super) fn parameter(parts: &RequestParts, name: &str) -> Result<Option<String>> {
    let pairs = form_urlencoded::parse(parts.query_string().as_bytes());
    let mut values = pairs.filter(|(known, value)| known == name && !value.is_empty());
    let value = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() { Err(not_found()) } else { Ok(value) }
}

/// Redirects to the same address with another value of the parameter, or without it.
pub(super) fn respelled(parts: &RequestParts, name: &str, value: Option<&str>) -> Reply {
    let pairs = form_urlencoded::parse(parts.query_string().as_bytes());
    let mut query = Serializer::new(String::new());
    query.extend_pairs(pairs.filter(|(known, _)| known != name));
    query.extend_pairs(value.map(|value| (name, value)));
    let (path, query) = (parts.uri.path(), query.finish());
    match query.is_empty() {
        true => redirect_permanent(path),
        false => redirect_permanent(format!("{path}?{query}")),
    }
}
