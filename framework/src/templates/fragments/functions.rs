//! The functions behind the rewritten tags, and `part(url="/parts/badge", fallback="…")`.

use tera::{Error, Kwargs, State, Tera, TeraResult, Value};

use super::arguments::{self, FragmentKey};
use super::mentions::{Token, tokens};
use super::render;
use crate::pieces::Part;
use crate::templates::scanner::{self, Statement};

/// A function that returns whether the body of a fragment must be evaluated.
pub(super) const OPEN: &str = "__headwater_open";
/// The argument of [`OPEN`] with the fragment's number within the site.
pub(super) const PLACE: &str = "place";
/// A filter that receives the body of a fragment.
pub(super) const CLOSE: &str = "__headwater_close";
/// A function that returns the text of the cached fragment.
pub(super) const FOUND: &str = "__headwater_found";

/// The name of the function that marks the place of a message.
const FLASH: &str = "flash";

/// Returns whether a template has a place for messages.
pub(in crate::templates) fn calls_flash(text: &str) -> bool {
    scanner::statements(text).any(|statement| {
        let inside = match statement {
            Statement::Output(output) => output,
            Statement::Tag(tag) => tag.rest(),
        };
        let is_call = |pair: &[Token<'_>]| pair == [Token::Word(FLASH), Token::Sign("(")];
        tokens(&text[inside]).windows(2).any(is_call)
    })
}

/// Adds `part` and `flash`, which a site may replace.
pub(in crate::templates) fn register_part(tera: &mut Tera) {
    tera.register_function("part", part);
    tera.register_function(FLASH, flash);
}

/// Adds the functions behind the rewritten tags, and replaces others with these names.
pub(in crate::templates) fn register(tera: &mut Tera) {
    tera.register_function(OPEN, open);
    tera.register_filter(CLOSE, close);
    tera.register_function(FOUND, |_: Kwargs, _: &State<'_>| {
        render::running(render::Render::found)
    });
}

fn open(arguments: Kwargs, state: &State<'_>) -> TeraResult<bool> {
    let kind = arguments::kind_of(&arguments)?;
    let known = render::running(|render| Ok(render.known()))?;
    let place = arguments.must_get::<usize>(PLACE)?;
    let place =
        known.places.get(place).ok_or_else(|| Error::message("there is no such fragment"))?;
    let row = match arguments.get::<&Value>("row")? {
        None => None,
        Some(row) => Some(known.row(row).ok_or_else(|| arguments::is_no_row(row))?),
    };
    let id = match row {
        None => arguments::id_of(&arguments)?,
        Some(row) => arguments::id_of_row(&place.name, row),
    };
    let secret = render::running(|render| Ok(render.secret().map(str::to_owned)))?;
    let depends = known.dependence(place, row, state, secret.as_deref());
    let kind = kind.filter(|_| depends.has_key);
    let key = FragmentKey { id, escaped: state.autoescaping_enabled(), values: depends.digest };
    let fragments = render::fragments()?;
    if let Some(fragment) = kind.and_then(|kind| fragments.find(&key, kind)) {
        render::running(|render| render.find(&key, fragment))?;
        return Ok(false);
    }
    let groups = arguments::groups(&arguments)?;
    render::running(|render| {
        render.open(key, kind, &groups, &depends);
        Ok(true)
    })
}

fn close(body: &str, _: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    render::running(|render| render.close(body))
}

fn flash(_: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    render::running(|render| render.part(Part::flash()))
}

fn part(arguments: Kwargs, state: &State<'_>) -> TeraResult<Value> {
    let url = arguments.must_get::<&str>("url")?;
    let fallback = match arguments.get::<&Value>("fallback")? {
        Some(fallback) => state.escape_if_needed(fallback)?.into_bytes().into(),
        None => Default::default(),
    };
    let unknown =
        arguments.iter().find(|(name, _)| !matches!(name.as_str(), Some("url" | "fallback")));
    if let Some((name, _)) = unknown {
        return Err(Error::message(format!("a part takes `url` and `fallback`, but no `{name}`")));
    }
    render::running(|render| render.part(Part::new(url, fallback)))
}
