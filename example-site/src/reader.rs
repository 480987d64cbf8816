//! Who reads a page, as far as pages depend on it: the site's variant function.

use std::collections::BTreeMap;

use headwater::prelude::*;
use headwater::tera::{Kwargs, State, TeraResult};

/// The languages of the interface, the usual one first, as in `project.toml`.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// Somebody who reads a page. It is written as the name of the page's variant: `de`, or, where the
/// page shows more of its reader, `de https` and `de https Ada`.
#[derive(Debug, PartialEq, Eq)]
pub struct Reader<'a> {
    /// One of the [`LANGUAGES`].
    pub language: &'static str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The name that the reader has signed in with; empty if there is none.
    pub name: &'a str,
}

/// What a page depends on beside its address: its reader's language, and as little more as possible.
pub fn by_reader(visitor: &Visitor<'_>) -> Variant {
    let path = visitor.uri().path();
    if path.starts_with("/api/") {
        return Variant::yes();
    }
    let chosen = visitor.cookie("language");
    let chosen = chosen.and_then(|tag| visitor.languages().get(&tag));
    let language = chosen.unwrap_or_else(|| visitor.language());
    if !matches!(path, "/session" | "/parts/badge") {
        return Variant::named(language);
    }
    // Neither of the two is cached: there would be an entry for each name.
    let name = visitor.cookie("session").unwrap_or_default();
    Variant::named(format!("{language} {} {name}", visitor.scheme()))
}

impl<'a> Reader<'a> {
    /// The reader of the variant with this name.
    pub fn of_variant(variant: &'a str) -> Reader<'a> {
        let mut words = variant.splitn(3, ' ');
        let language = words.next().unwrap_or_default();
        let language = LANGUAGES.into_iter().find(|known| *known == language);
        Reader {
            language: language.unwrap_or(LANGUAGES[0]),
            scheme: words.next().unwrap_or("http"),
            name: words.next().unwrap_or_default(),
        }
    }
}

/// The language of the page that is rendered.
pub fn language(template: &State<'_>) -> TeraResult<&'static str> {
    Ok(Reader::of_variant(&variant(template)?).language)
}

/// What templates call `reader()`.
pub fn reader(_: Kwargs, template: &State<'_>) -> TeraResult<BTreeMap<&'static str, String>> {
    let variant = variant(template)?;
    let Reader { language, scheme, name } = Reader::of_variant(&variant);
    let values = [("language", language), ("scheme", scheme), ("name", name)];
    Ok(values.into_iter().map(|(key, value)| (key, value.to_owned())).collect())
}

/// The name of the page's variant: each template has it.
fn variant(template: &State<'_>) -> TeraResult<String> {
    Ok(template.get("variant")?.unwrap_or_default())
}
