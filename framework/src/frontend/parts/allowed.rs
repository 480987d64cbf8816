use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};

/// What a `Cache-Control` (RFC 9111, section 5.2.2) or `CDN-Cache-Control` (RFC 9213) allows, as
/// far as two of them can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowed {
    store: Store,
    /// For how many seconds a browser need not ask again.
    browser: u64,
    /// For how many seconds a shared cache need not ask again.
    shared: u64,
}

/// Who may store it, in the order of what is stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Store {
    Everybody,
    Browsers,
    Nobody,
}

impl Allowed {
    /// Everybody may store it, but must ask before it is used.
    pub(super) const NO_CACHE: Allowed = Allowed { store: Store::Everybody, browser: 0, shared: 0 };

    /// Browsers may store it, but must ask before it is used.
    pub(super) const PRIVATE: Allowed = Allowed { store: Store::Browsers, browser: 0, shared: 0 };

    /// What the fields `name` allow; `None` when there are none. What is not understood, or leaves
    /// the time to a guess, allows no time.
    pub(super) fn by(headers: &HeaderMap, name: &HeaderName) -> Option<Allowed> {
        let mut values = headers.get_all(name).iter().peekable();
        values.peek()?;
        let (mut store, mut must_ask) = (Store::Everybody, false);
        let (mut browser, mut shared) = (None, None);
        for value in values {
            let Ok(value) = value.to_str() else {
                must_ask = true;
                continue;
            };
            for directive in value.split(',') {
                let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
                let seconds = || value.trim().trim_matches('"').parse().unwrap_or(0);
                match name.trim().to_ascii_lowercase().as_str() {
                    "no-store" => store = Store::Nobody,
                    "private" => store = store.max(Store::Browsers),
                    "no-cache" => must_ask = true,
                    "max-age" => browser = Some(seconds()),
                    "s-maxage" => shared = Some(seconds()),
                    _ => {}
                }
            }
        }
        let browser = browser.filter(|_| !must_ask).unwrap_or(0);
        let shared = shared.filter(|_| !must_ask).unwrap_or(browser);
        Some(Allowed { store, browser, shared })
    }

    /// What both allow.
    pub(super) fn and(self, other: Allowed) -> Allowed {
        Allowed {
            store: self.store.max(other.store),
            browser: self.browser.min(other.browser),
            shared: self.shared.min(other.shared),
        }
    }

    /// The value that allows this and no more.
    pub(super) fn header(self) -> HeaderValue {
        let Allowed { store, browser, shared } = self;
        let text = match (store, browser, shared) {
            (Store::Nobody, ..) => return HeaderValue::from_static("no-store"),
            (Store::Browsers, 0, _) => return HeaderValue::from_static("private, no-cache"),
            (Store::Everybody, 0, 0) => return HeaderValue::from_static("no-cache"),
            (Store::Browsers, ..) => format!("private, max-age={browser}"),
            (Store::Everybody, ..) if browser == shared => format!("max-age={browser}"),
            (Store::Everybody, ..) => format!("max-age={browser}, s-maxage={shared}"),
        };
        HeaderValue::try_from(text).expect("letters, digits and punctuation of ASCII")
    }
}

#[cfg(test)]
mod tests {
    use http::header::CACHE_CONTROL;
    use proptest::prelude::*;

    use super::*;

    fn by(value: &str) -> Allowed {
        let headers =
            HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_str(value).unwrap())]);
        Allowed::by(&headers, &CACHE_CONTROL).unwrap()
    }

    #[test]
    fn both_allow_what_the_stricter_one_allows() {
        for (one, other, both) in [
            ("no-cache", "no-store", "no-store"),
            ("max-age=60", "no-cache", "no-cache"),
            ("public, max-age=60", "max-age=5, must-revalidate", "max-age=5"),
            ("max-age=60, s-maxage=600", "max-age=90", "max-age=60, s-maxage=90"),
            ("max-age=60", "Private", "private, no-cache"),
            ("private, max-age=60", "max-age=70", "private, max-age=60"),
            ("max-age=\"7\"", "max-age=8", "max-age=7"),
            ("public", "max-age=8", "no-cache"),
            ("max-age=x", "max-age=8", "no-cache"),
            ("max-age=9, no-cache=\"set-cookie\"", "max-age=8", "no-cache"),
            ("s-maxage=9", "max-age=8", "max-age=0, s-maxage=8"),
        ] {
            assert_eq!(by(one).and(by(other)).header(), both, "{one} and {other}");
            assert_eq!(by(other).and(by(one)).header(), both, "{other} and {one}");
        }
        assert_eq!(Allowed::by(&HeaderMap::new(), &CACHE_CONTROL), None);
    }

    proptest! {
        #[test]
        fn a_value_says_what_is_allowed(one in "[ -~]{0,40}", other in "(private|no-cache|no-store|max-age=[0-9]{1,3}|,|, s-maxage=[0-9]){0,5}") {
            let both = by(&one).and(by(&other));
            let again = by(both.header().to_str().unwrap());
            prop_assert!(again.store == both.store && again.browser <= both.browser && again.shared <= both.shared.max(both.browser));
            prop_assert_eq!(both.and(by(&one)), both);
        }
    }
}
