//! The values of a request that its page may show: its language, its scheme and its path.
//!
//! # Choosing the language
//!
//! A site declares its languages in `project.toml`. The language of a request is, in this order,
//!
//! 1. that of its path, where the route captures `lang` (`/{lang}/stories`): it must be one of the site's, in the
//!    site's spelling; otherwise there is no such page;
//! 2. that of the cookie that `language_cookie` of `project.toml` names, if it is one of the site's;
//! 3. the one that `Accept-Language` prefers most (`http/language.rs`), and without a preference the first.
//!
//! # Request values in keys
//!
//! A page that shows one of these values depends on it, so the value belongs in the page's key; in the key of any
//! other page, it would only cause copies. So the uses are determined when the site's files are loaded
//! ([`RequestUses`]):
//!
//! - A *template* declares its uses by its text and by the text of everything that it includes and extends and of the
//!   components that these call: by the names `lang`, `dir`, `scheme` and `path`, and by functions and filters that
//!   depend on the language (`templates/fragments/mentions`). A template whose text is unknown uses all values. A
//!   filter of the site's own that reads a value finds it only if the template names it.
//! - A *controller* declares its uses by its arguments, and by the templates that it names in `template!`.
//! - A *route* has the uses of its controller or template, and, if it caches errors, those of the error pages.
//!
//! Only the values in the key are then passed to the controller and to the template ([`RequestValues`]), so that a
//! page cannot depend on anything outside its key. If a template whose name was not known beforehand uses more values,
//! no page is made: the route adds these values to its keys from then on ([`GrowingUses`]), and the request is routed
//! again. No request finds the pages under the smaller keys any more. A page for one client only has no key, and gets
//! all values.
//!
//! The path is part of every key, unless the variant function has replaced it. A site with one language has no choice,
//! so its language is in no key.
//!
//! A fragment is shared with other pages. So its key contains none of the page's values except those that it uses
//! itself: they are in the digest of the names in its text (`templates/fragments/dependence.rs`).
//!
//! # Downstream caches
//!
//! Downstream caches distinguish responses by the address and `Vary`. The path and the scheme belong to the address. A
//! language that is not in the path was chosen by headers, and a page that depends on it lists them in `Vary`:
//! `Accept-Language`, and `Cookie` if the site has a cookie for it. For pages with parts, the rules are the same as
//! for other headers (`frontend/parts/sharing.rs`).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A set of request values, such as those that a template uses.
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
    /// Not a value: the path contains the language.
    pub const LANG_IN_PATH: RequestUses = RequestUses(8);
    /// All values.
    pub const ALL: RequestUses = RequestUses(7);

    /// Returns the value that a template's variable with this name contains.
    pub fn of_variable(name: &str) -> RequestUses {
        match name {
            "lang" | "dir" => RequestUses::LANG,
            "scheme" => RequestUses::SCHEME,
            "path" => RequestUses::PATH,
            _ => RequestUses::NONE,
        }
    }

    /// Returns the union of both sets.
    pub const fn and(self, other: RequestUses) -> RequestUses {
        RequestUses(self.0 | other.0)
    }

    /// Adds the values of `other`.
    pub fn add(&mut self, other: RequestUses) {
        *self = self.and(other);
    }

    /// Returns whether it contains all values of `other`.
    pub fn has(self, other: RequestUses) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns its values that `other` does not contain.
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

/// The request values that a route is known to use. The set may grow, and never shrinks.
#[derive(Debug, Default)]
pub struct GrowingUses(AtomicU8);

impl GrowingUses {
    /// Returns the current set.
    pub fn get(&self) -> RequestUses {
        RequestUses(self.0.load(Ordering::Relaxed))
    }

    /// Adds values that were found to be used.
    pub fn add(&self, uses: RequestUses) {
        self.0.fetch_or(uses.0, Ordering::Relaxed);
    }
}

/// The values on which a page may depend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RequestValues {
    /// The tag of its language, in the site's spelling.
    pub lang: Option<Arc<str>>,
    /// `http` or `https`.
    pub scheme: Option<&'static str>,
    /// The canonical path that matched the page's route.
    pub path: Option<Arc<str>>,
    /// The range of the path that contains the language, if there is one.
    pub lang_in_path: Option<Range<usize>>,
}

impl RequestValues {
    /// Returns the values in `uses` only.
    pub(crate) fn only(&self, uses: RequestUses) -> RequestValues {
        let RequestValues { lang, scheme, path, lang_in_path } = self.clone();
        RequestValues {
            lang: lang.filter(|_| uses.has(RequestUses::LANG)),
            scheme: scheme.filter(|_| uses.has(RequestUses::SCHEME)),
            path: path.filter(|_| uses.has(RequestUses::PATH)),
            lang_in_path,
        }
    }

    /// Returns the set of values that are present.
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

    /// Returns the path with another language, if it contains one.
    pub(crate) fn path_in(&self, lang: &str) -> Option<String> {
        let (path, place) = (self.path.as_deref()?, self.lang_in_path.clone()?);
        Some([path.get(..place.start)?, lang, path.get(place.end..)?].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_language_is_translated_to_another() {
        let values = RequestValues {
            path: Some("/blog/de/rain".into()),
            lang_in_path: Some(6..8),
            ..RequestValues::default()
        };
        assert_eq!(values.path_in("pt-BR").as_deref(), Some("/blog/pt-BR/rain"));
        assert_eq!(RequestValues { lang_in_path: None, ..values }.path_in("de"), None);
    }
}
