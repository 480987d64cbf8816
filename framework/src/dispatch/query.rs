use std::borrow::Cow;

use form_urlencoded::Serializer;

/// The `query` of a route: the query parameters that are part of its cache key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryKey {
    /// All parameters.
    All,
    /// The parameters with these names.
    Only(Vec<String>),
}

/// Error for a request with too many query parameters: status 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the query has more than {} parameters", QueryKey::MOST)]
pub struct QueryError;

impl QueryKey {
    /// The maximum number of parameters of the key in a request.
    pub const MOST: usize = 256;

    /// Returns whether the parameter `name` is part of the key.
    pub fn holds(&self, name: &str) -> bool {
        match self {
            QueryKey::All => true,
            QueryKey::Only(names) => names.iter().any(|known| known == name),
        }
    }

    /// Converts `raw`, a request's query without `?`, to the canonical spelling of the parameters
    /// in the key: ordered by name, parameters of the same name in the request's order, in the
    /// encoding of forms. Borrows if `raw` is simple and already canonical.
    ///
    /// # Errors
    /// Fails if more than [`QueryKey::MOST`] parameters are part of the key.
    pub fn canonical<'a>(&self, raw: Option<&'a str>) -> Result<Cow<'a, str>, QueryError> {
        let raw = match (self, raw) {
            (_, None | Some("")) => return Ok(Cow::Borrowed("")),
            (QueryKey::Only(names), _) if names.is_empty() => return Ok(Cow::Borrowed("")),
            (_, Some(raw)) => raw,
        };
        if self.is_canonical(raw) {
            return Ok(Cow::Borrowed(raw));
        }
        let mut parameters = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if !self.holds(&name) {
                continue;
            }
            if parameters.len() == QueryKey::MOST {
                return Err(QueryError);
            }
            parameters.push((name, value));
        }
        parameters.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Cow::Owned(Serializer::new(String::new()).extend_pairs(parameters).finish()))
    }

    /// Returns whether `raw` is canonical and needs no decoding to determine that. False negatives
    /// are possible.
    fn is_canonical(&self, raw: &str) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte);
        let mut last = "";
        let mut count = 0;
        raw.split('&').all(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let ordered = last <= name;
            last = name;
            count += 1;
            ordered
                && count <= QueryKey::MOST
                && name.bytes().all(plain)
                && value.bytes().all(|byte| plain(byte) || byte == b'+')
                && self.holds(name)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(names: &[&str]) -> QueryKey {
        QueryKey::Only(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn parameters_are_ordered_by_name_and_repeats_keep_their_order() {
        let query = QueryKey::All.canonical(Some("b=2&a=9&a=1&&c"));
        assert_eq!(query.as_deref(), Ok("a=9&a=1&b=2&c="));
    }

    #[test]
    fn spellings_of_one_query_agree() {
        for raw in ["q=a+b%C3%A9", "q=a%20b%c3%a9", "%71=a+bé"] {
            assert_eq!(QueryKey::All.canonical(Some(raw)).as_deref(), Ok("q=a+b%C3%A9"), "{raw}");
        }
    }

    #[test]
    fn only_the_declared_parameters_remain() {
        let key = only(&["page"]);
        assert_eq!(key.canonical(Some("utm=x&page=2&%70age=3")).as_deref(), Ok("page=2&page=3"));
        assert_eq!(key.canonical(Some("utm=x")).as_deref(), Ok(""));
        assert_eq!(only(&[]).canonical(Some("a=1")).as_deref(), Ok(""));
    }

    #[test]
    fn a_canonical_query_is_borrowed() {
        for raw in [None, Some(""), Some("a=1&b=2"), Some("a=x+y&a=")] {
            let query = QueryKey::All.canonical(raw).unwrap();
            assert!(matches!(query, Cow::Borrowed(_)), "{raw:?}");
        }
    }

    #[test]
    fn too_many_parameters_are_rejected_unless_the_key_ignores_them() {
        let raw = vec!["a=1"; QueryKey::MOST + 1].join("&");
        assert_eq!(QueryKey::All.canonical(Some(&raw)), Err(QueryError));
        assert_eq!(only(&["b"]).canonical(Some(&raw)).as_deref(), Ok(""));
    }

    proptest! {
        #[test]
        fn canonical_queries_are_idempotent_and_mean_the_same(raw in "[ab=&+%1fFé]{0,16}") {
            let once = QueryKey::All.canonical(Some(&raw)).unwrap().into_owned();
            prop_assert_eq!(QueryKey::All.canonical(Some(&once)).unwrap(), once.as_str());
            let mut meant: Vec<_> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
            meant.sort_by(|one, other| one.0.cmp(&other.0));
            let means: Vec<_> = form_urlencoded::parse(once.as_bytes()).into_owned().collect();
            prop_assert_eq!(meant, means);
        }
    }
}
