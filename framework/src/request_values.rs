//! What a page may show of the request that asks for it: its language, its scheme and its path.
//!
//! # How the language is chosen
//!
//! A site names its languages in `project.toml`. The language of a request is, in this order,
//!
//! 1. that of its path, where the route captures `lang` (`/{lang}/stories`): it must be one of the site's, as the site
//!    writes it, or there is no such page;
//! 2. that of the cookie that `language_cookie` of `project.toml` names, if it is one of the site's;
//! 3. the one that `Accept-Language` wants most (`http/language.rs`), and if it wants none, the first.
//!
//! # How it comes into a key
//!
//! A page that shows one of these values depends on it, so it belongs into the page's key; on a page that does not, it
//! would only make copies. So it is found out when the site's files are loaded ([`RequestUses`]):
//!
//! - a *template* says it by itself, with all that it includes and extends and the components that these call:
//!   by the names `lang`, `dir`, `scheme` and `path`, and by functions and filters that go by the language
//!   (`templates/fragments/mentions`). A template whose text is not known uses all; a filter of the site's own that looks for
//!   one finds it only where the template names it;
//! - a *controller* says it by its arguments, and by the templates that stand in it as `template!`;
//! - a *route* uses what its controller or template uses, and where it caches errors, what their pages use.
//!
//! What is in the key, and nothing else, is then handed to the controller and to the template ([`RequestValues`]), so that
//! a page cannot depend on what its key does not hold. A template whose name was not known beforehand, and which names
//! more, makes no page: the route has these values in its keys from there on ([`GrowingUses`]), and the request is routed
//! again. What was kept under the lesser keys is found by no request any more. A page for one client alone has no key, and
//! gets all of them.
//!
//! The path is a part of each key but of one that the variant function has put in its place. A site with one language has
//! nothing to choose, so its language is in no key.
//!
//! A fragment is found in other pages too. So its key has none of the page's values, but those that it uses itself: they
//! are in the digest of what it names (`templates/fragments/dependence.rs`).
//!
//! # Caches further out
//!
//! They know the address and `Vary`. The path and the scheme belong to the address. A language that the path does not say
//! was chosen by headers, and a page that depends on it names them in `Vary`: `Accept-Language`, and `Cookie` where the
//! site has a cookie for it. Part by part this is the same as for other headers (`frontend/parts/sharing.rs`).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Which values of the request something uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestUses(u8);

impl RequestUses {
    /// None.
    pub const NONE: RequestUses = RequestUses(0);
    /// Its language.
    pub const LANG: RequestUses = RequestUses(1);
    /// Its scheme.
    pub const SCHEME: RequestUses = RequestUses(2);
    /// Its path.
    pub const PATH: RequestUses = RequestUses(4);
    /// Not a value: that the path says the language.
    pub const LANG_IN_PATH: RequestUses = RequestUses(8);
    /// All of them.
    pub const ALL: RequestUses = RequestUses(7);

    /// What a template's variable of this name stands for.
    pub fn of_variable(name: &str) -> RequestUses {
        match name {
            "lang" | "dir" => RequestUses::LANG,
            "scheme" => RequestUses::SCHEME,
            "path" => RequestUses::PATH,
            _ => RequestUses::NONE,
        }
    }

    /// What either uses.
    pub const fn and(self, other: RequestUses) -> RequestUses {
        RequestUses(self.0 | other.0)
    }

    /// Adds what `other` uses.
    pub fn add(&mut self, other: RequestUses) {
        *self = self.and(other);
    }

    /// Whether it uses all that `other` uses.
    pub fn has(self, other: RequestUses) -> bool {
        self.0 & other.0 == other.0
    }

    /// What it uses and `other` does not.
    pub fn without(self, other: RequestUses) -> RequestUses {
        RequestUses(self.0 & !other.0)
    }
}

impl fmt::Display for RequestUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (RequestUses::LANG, "`lang`"),
            (RequestUses::SCHEME, "`scheme`"),
            (RequestUses::PATH, "`path`"),
        ];
        let mut names =
            names.into_iter().filter(|(value, _)| self.has(*value)).map(|(_, name)| name);
        f.write_str(names.next().unwrap_or("nothing"))?;
        names.try_for_each(|name| write!(f, " and {name}"))
    }
}

/// What a route is known to use: it may turn out to be more, and is never less.
#[derive(Debug, Default)]
pub struct GrowingUses(AtomicU8);

impl GrowingUses {
    /// What is known now.
    pub fn get(&self) -> RequestUses {
        RequestUses(self.0.load(Ordering::Relaxed))
    }

    /// Adds what has turned out.
    pub fn add(&self, uses: RequestUses) {
        self.0.fetch_or(uses.0, Ordering::Relaxed);
    }
}

/// The values, as far as a page may depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestValues {
    /// The tag of its language, as the site writes it.
    pub lang: Option<Arc<str>>,
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// The canonical path that the page's route was found with.
    pub path: Option<Arc<str>>,
    /// Where in the path its language stands, if the path says it.
    pub lang_in_path: Option<Range<usize>>,
}

impl RequestValues {
    /// Those that `uses` names.
    pub(crate) fn only(&self, uses: RequestUses) -> RequestValues {
        let RequestValues { lang, scheme, path, lang_in_path } = self.clone();
        RequestValues {
            lang: lang.filter(|_| uses.has(RequestUses::LANG)),
            scheme: scheme.filter(|_| uses.has(RequestUses::SCHEME)),
            path: path.filter(|_| uses.has(RequestUses::PATH)),
            lang_in_path,
        }
    }

    /// What of them is there.
    pub(crate) fn known(&self) -> RequestUses {
        let mut known = RequestUses::NONE;
        for (is_there, value) in [
            (self.lang.is_some(), RequestUses::LANG),
            (self.scheme.is_some(), RequestUses::SCHEME),
            (self.path.is_some(), RequestUses::PATH),
        ] {
            if is_there {
                known.add(value);
            }
        }
        known
    }

    /// The path in another language, if the path says which.
    pub(crate) fn path_in(&self, lang: &str) -> Option<String> {
        let (path, place) = (self.path.as_deref()?, self.lang_in_path.clone()?);
        Some([path.get(..place.start)?, lang, path.get(place.end..)?].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_there_in_each_language_if_it_says_one() {
        let values = RequestValues {
            path: Some("/blog/de/rain".into()),
            lang_in_path: Some(6..8),
            ..RequestValues::default()
        };
        assert_eq!(values.path_in("pt-BR").as_deref(), Some("/blog/pt-BR/rain"));
        assert_eq!(RequestValues { lang_in_path: None, ..values }.path_in("de"), None);
    }
}
