//! The headers that a route's `vary` selects from a request, for the cache key and the controller alike.

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, HeaderName, HeaderValue};

use super::visit::Visit;
use crate::http::Languages;
use crate::http::names::SESSION_USER;

/// Returns the headers that content depends on, with the values that matter.
///
/// There are few languages and many ways to ask for one, so the value of `Accept-Language` is the site's language that
/// the visitor gets. `Accept-Encoding` concerns the transfer of content, not the content itself, and has no value
/// here: the front end encodes the plain responses of controllers.
pub(super) fn values<'a>(
    vary: &'a [HeaderName],
    visit: Visit<'a>,
    languages: &'a Languages,
) -> impl Iterator<Item = (&'a HeaderName, &'a [u8])> {
    // The headers are read only if something depends on them, because a part's are copied then.
    vary.iter().flat_map(move |name| {
        let is_user = *name == SESSION_USER;
        let user = visit.session.user().filter(|_| is_user).map(|user| (name, user.as_bytes()));
        let of_headers = (!is_user).then(|| values_of(name, visit.headers(), languages));
        user.into_iter().chain(of_headers.into_iter().flatten())
    })
}

fn values_of<'a>(
    name: &'a HeaderName,
    headers: &'a HeaderMap,
    languages: &'a Languages,
) -> impl Iterator<Item = (&'a HeaderName, &'a [u8])> {
    let (one, all) = match *name {
        ACCEPT_ENCODING => (None, None),
        ACCEPT_LANGUAGE if !languages.is_empty() => (languages.preferred(headers), None),
        _ => (None, Some(headers.get_all(name).iter().map(HeaderValue::as_bytes))),
    };
    let values = one.map(str::as_bytes).into_iter().chain(all.into_iter().flatten());
    values.map(move |value| (name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_one_of_the_site_and_encodings_are_ignored() {
        let vary = ["accept-language", "accept-encoding", "x-shade"].map(HeaderName::from_static);
        let headers = [
            ("accept-language", "de-CH, en;q=0.5"),
            ("accept-encoding", "gzip, br"),
            ("x-shade", "dark"),
            ("x-shade", "light"),
        ];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        let languages = Languages::new(["en", "de"]);
        let shown = |headers: &HeaderMap, languages: &Languages| {
            let values = vary.iter().flat_map(|name| values_of(name, headers, languages));
            let values = values.map(|(name, value)| format!("{name}: {}", value.escape_ascii()));
            values.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(shown(&map, &languages), "accept-language: de; x-shade: dark; x-shade: light");
        assert_eq!(shown(&HeaderMap::new(), &languages), "accept-language: en");
        assert_eq!(shown(&HeaderMap::new(), &Languages::default()), "");
    }
}
