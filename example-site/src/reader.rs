//! The reader of a page, as far as pages depend on it: the site's variant function.

use std::collections::BTreeMap;

use headwater::prelude::*;
use headwater::tera::{Kwargs, TeraResult, Value};

/// The languages of the interface, the usual one first, as in `project.toml`.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// The reader of a page, as far as the page shows it. It is written as the name of the page's variant:
/// `de` or `de reader`, and on the two pages that show more of one visitor, `de https` and
/// `de https Ada`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reader<'a> {
    /// One of the [`LANGUAGES`].
    pub language: &'static str,
    /// Whether the reader has signed in.
    pub signed_in: bool,
    /// `http` or `https`; empty where the page does not show it.
    pub scheme: &'a str,
    /// The name that the reader has signed in with; empty where the page does not show it.
    pub name: &'a str,
}

/// The class of those who have signed in, in the name of a variant.
const SIGNED_IN: &str = "reader";

/// What a page depends on beside its address: its reader's language, whether the reader has signed
/// in, and as little more as possible.
///
/// Most visitors have not signed in. Their pages have no part, so each is cached whole, in every
/// content coding. Pages of the other class have the badge as a part, which holds the name.
pub fn by_reader(visitor: &Visitor<'_>) -> Variant {
    let path = visitor.uri().path();
    if path.starts_with("/api/") {
        return Variant::yes();
    }
    let chosen = visitor.cookie("language");
    let chosen = chosen.and_then(|tag| visitor.languages().get(tag));
    let language = chosen.unwrap_or_else(|| visitor.language());
    let name = visitor.cookie("session").and_then(decode_cookie_value).unwrap_or_default();
    if matches!(path, "/session" | "/parts/badge") {
        // Neither of the two is cached: there would be an entry for each name.
        Variant::named(format!("{language} {} {name}", visitor.scheme()))
    } else if name.is_empty() {
        Variant::named(language)
    } else {
        Variant::named(format!("{language} {SIGNED_IN}"))
    }
}

impl<'a> Reader<'a> {
    /// The reader of the variant with this name.
    pub fn of_variant(variant: &'a str) -> Reader<'a> {
        let mut words = variant.splitn(3, ' ');
        let language = words.next().unwrap_or_default();
        let language = LANGUAGES.into_iter().find(|known| *known == language);
        let language = language.unwrap_or(LANGUAGES[0]);
        match words.next().unwrap_or_default() {
            SIGNED_IN => Reader { language, signed_in: true, ..Reader::default() },
            scheme => {
                let name = words.next().unwrap_or_default();
                Reader { language, signed_in: !name.is_empty(), scheme, name }
            }
        }
    }
}

/// What templates call `reader()`.
pub fn reader(_: Kwargs, page: &RenderedPage<'_>) -> TeraResult<BTreeMap<&'static str, Value>> {
    let Reader { language, signed_in, scheme, name } = Reader::of_variant(page.variant());
    Ok(BTreeMap::from([
        ("language", language.into()),
        ("signed_in", signed_in.into()),
        ("scheme", scheme.into()),
        ("name", name.into()),
    ]))
}

#[cfg(test)]
mod tests {
    use headwater::{Languages, Origin, Scheme};

    use super::*;

    fn variant(path: &str, cookie: &str) -> Variant {
        let request = http::Request::get(path).header("cookie", cookie).body(()).unwrap();
        let (parts, ()) = request.into_parts();
        let origin = Origin { remote: [192, 0, 2, 1].into(), scheme: Scheme::Https };
        by_reader(&Visitor::new(&parts, origin, &Languages::new(LANGUAGES)))
    }

    #[test]
    fn readers_differ_by_language_and_class_except_where_a_page_shows_their_name() {
        let named = Variant::named;
        for path in ["/", "/list?page=2", "/stories/rain", "/nowhere"] {
            assert_eq!(variant(path, "language=de"), named("de"));
            assert_eq!(variant(path, "session="), named("en"));
            for name in ["Ada", "Grace Hopper", "reader"] {
                assert_eq!(variant(path, &format!("session={name}")), named("en reader"));
            }
        }
        assert_eq!(variant("/parts/badge", "session=Ada B."), named("en https Ada B."));
        assert_eq!(variant("/session", ""), named("en https "));
        assert_eq!(variant("/api/stories", "session=Ada"), Variant::yes());
    }

    #[test]
    fn a_variant_names_the_kind_of_reader() {
        let reader = |signed_in, scheme, name| Reader { language: "de", signed_in, scheme, name };
        assert_eq!(Reader::of_variant("de"), reader(false, "", ""));
        assert_eq!(Reader::of_variant("de reader"), reader(true, "", ""));
        assert_eq!(Reader::of_variant("de https "), reader(false, "https", ""));
        assert_eq!(Reader::of_variant("de http Ada B."), reader(true, "http", "Ada B."));
        assert_eq!(Reader::of_variant("tlh").language, "en");
    }
}
