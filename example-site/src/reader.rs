//! The reader of a page, as far as pages depend on it: the site's variant function.

use std::collections::BTreeMap;

use headwater::prelude::*;
use headwater::tera::{Kwargs, TeraResult, Value};

/// The languages of the interface, as in `project.toml`.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// The reader of a page, as far as the page shows it. It is written as the name of the page's variant: `reader`, and on the
/// two pages that show more of one visitor, `reader Ada`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reader<'a> {
    /// Whether the reader has signed in.
    pub signed_in: bool,
    /// The name that the reader has signed in with; empty where the page does not show it.
    pub name: &'a str,
}

/// The class of those who have signed in, in the name of a variant.
const SIGNED_IN: &str = "reader";

/// What a page depends on beside its address and its language: whether its reader has signed in, and as little more as
/// possible.
///
/// Most visitors have not signed in. Their pages have no part, so each is cached whole, in every
/// content coding. Pages of the other class have the badge as a part, which holds the name.
pub fn by_reader(visitor: &Visitor<'_>) -> Variant {
    let path = visitor.uri().path();
    let name = visitor.cookie("session").and_then(decode_cookie_value).unwrap_or_default();
    if name.is_empty() || path.starts_with("/api/") {
        Variant::yes()
    } else if matches!(path, "/session" | "/parts/badge") {
        // Neither of the two is cached: there would be an entry for each name.
        Variant::named(format!("{SIGNED_IN} {name}"))
    } else {
        Variant::named(SIGNED_IN)
    }
}

impl<'a> Reader<'a> {
    /// The reader of the variant with this name.
    pub fn of_variant(variant: &'a str) -> Reader<'a> {
        match variant.strip_prefix(SIGNED_IN) {
            None => Reader::default(),
            Some(name) => Reader { signed_in: true, name: name.trim_start() },
        }
    }
}

/// What templates call `reader()`.
pub fn reader(_: Kwargs, page: &RenderedPage<'_>) -> TeraResult<BTreeMap<&'static str, Value>> {
    let Reader { signed_in, name } = Reader::of_variant(page.variant());
    Ok(BTreeMap::from([("signed_in", signed_in.into()), ("name", name.into())]))
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
    fn readers_differ_by_class_except_where_a_page_shows_their_name() {
        let named = Variant::named;
        for path in ["/", "/list?page=2", "/stories/rain", "/nowhere"] {
            assert_eq!(variant(path, "language=de"), Variant::yes());
            assert_eq!(variant(path, "session="), Variant::yes());
            for name in ["Ada", "Grace Hopper", "reader"] {
                assert_eq!(variant(path, &format!("session={name}")), named("reader"));
            }
        }
        assert_eq!(variant("/parts/badge", "session=Ada B."), named("reader Ada B."));
        assert_eq!(variant("/session", ""), Variant::yes());
        assert_eq!(variant("/api/stories", "session=Ada"), Variant::yes());
    }

    #[test]
    fn a_variant_names_the_kind_of_reader() {
        let reader = |signed_in, name| Reader { signed_in, name };
        assert_eq!(Reader::of_variant(""), reader(false, ""));
        assert_eq!(Reader::of_variant("reader"), reader(true, ""));
        assert_eq!(Reader::of_variant("reader Ada B."), reader(true, "Ada B."));
    }
}
