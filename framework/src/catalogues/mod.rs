//! The site's texts in its languages: Fluent catalogues, `locales/<tag>/*.ftl`, loaded all at once.
//!
//! - [`Catalogues::load`] (`load`): reads the files; what is wrong in them is a problem with its line.
//! - [`Catalogues::text`]: the text of a key in a language.
//! - `message`: what a message names; `compared`: what the catalogues lack among each other.
//! - `formats`: numbers and moments in a language; `functions`: what catalogues call to write them.
//!
//! # Which text is shown
//!
//! That of the language; else that of a language of the site that is left when parts of its tag are taken away (`de` for
//! `de-CH`); else that of the site's first language; else that which is built in, of the same languages and in English. So
//! a catalogue for `de-CH` needs only what differs from `de`. A key that no catalogue has is shown itself.
//!
//! # What is bounded
//!
//! A catalogue is a file of the site, but a mistake in one must not end the process either: there are limits for the size
//! and the number of files and for how deep braces may nest, because the parser and the formatter recurse. Messages that
//! lead back to themselves are cut by `fluent-bundle`, and so is a message with more than 100 placeables in all, so that
//! none grows without bound. What is made of a text is bounded as all output of templates is.
//!
//! # No marks of isolation
//!
//! Fluent can put U+2068 and U+2069 around each argument, so that a name in Arabic does not turn round the sentence around
//! it. Here it does not: most texts stand in attributes, titles, mails and JSON, where these marks are compared, searched
//! and copied with the text, and HTML has `<bdi>` and `dir="auto"` for the others. A catalogue can write the marks itself
//! where they are wanted: `{"\u2068"}{ $name }{"\u2069"}`.

mod compared;
mod formats;
mod functions;
mod load;
mod message;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue};

pub(crate) use crate::http::direction;
use formats::Formats;
pub(crate) use formats::{Digits, MOST_DIGITS, Style};
#[cfg(debug_assertions)]
pub(crate) use load::built_in;
use message::Message;

/// The catalogues of all languages of a site.
#[derive(Default)]
pub(crate) struct Catalogues {
    /// In the order of the site's languages.
    all: Vec<Catalogue>,
}

/// The texts of one language.
struct Catalogue {
    /// The tag, as the site writes it.
    tag: Box<str>,
    bundle: FluentBundle<FluentResource>,
    formats: Arc<Formats>,
    /// The site's own messages, and their attributes as `message.attribute`.
    messages: BTreeMap<String, Message>,
    /// Where else a text is looked for, in this order: places in the list of catalogues.
    fallbacks: Vec<usize>,
}

/// The stack that the formatter may take for messages that name each other, until it has met as many placeables as it follows. Without
/// optimization 128 KiB are not enough.
const STACK: usize = 512 * 1024;

/// What is built in in English: it stands in for what no language of the site has.
static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::empty("en", &[]));

/// An argument of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number, by which plural forms are chosen.
    Number(f64),
}

impl<'a> From<&'a serde_json::Value> for Argument<'a> {
    fn from(value: &'a serde_json::Value) -> Argument<'a> {
        match (value.as_f64(), value.as_str()) {
            (Some(number), _) => Argument::number(number, value.to_string()),
            (None, Some(text)) => Argument::Text(text.into()),
            (None, None) => Argument::Text(value.to_string().into()),
        }
    }
}

impl Argument<'_> {
    /// A number that is `written` so. What a floating-point number cannot hold is shown as it is.
    pub(crate) fn number(number: f64, written: String) -> Argument<'static> {
        match written.parse::<i128>() {
            Ok(whole) if number as i128 != whole => Argument::Text(written.into()),
            _ => Argument::Number(number),
        }
    }
}

/// What is built in in English for this key; where there is nothing, the key.
pub(crate) fn english<'a>(
    key: &str,
    arguments: impl Iterator<Item = (&'a str, &'a serde_json::Value)>,
) -> String {
    let arguments = arguments.map(|(name, value)| (name.into(), value.into()));
    Catalogues::default().text("en", key, arguments).unwrap_or_else(|| key.to_owned())
}

/// What is shown in the place of a text that no catalogue has: its key. The log says so.
pub(crate) fn missing(key: &str, lang: &str) -> String {
    tracing::warn!(key, lang, "no catalogue has this text");
    key.to_owned()
}

impl std::fmt::Debug for Catalogues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|catalogue| &catalogue.tag)).finish()
    }
}

impl Catalogues {
    /// The tags of the site's languages.
    pub(crate) fn languages(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|catalogue| &*catalogue.tag)
    }

    /// How numbers and moments are written in the language of this tag.
    pub(crate) fn formats(&self, lang: &str) -> &Formats {
        static OTHERS: LazyLock<Formats> = LazyLock::new(|| Formats::of("en"));
        let own = self.all.iter().find(|catalogue| &*catalogue.tag == lang);
        own.map_or(&*OTHERS, |catalogue| &catalogue.formats)
    }

    /// The text of `key` in the language of this tag, with its arguments. `None` if there is none in any language of the
    /// site that may stand in for it, and none is built in.
    pub(crate) fn text<'a>(
        &self,
        lang: &str,
        key: &str,
        arguments: impl IntoIterator<Item = (Cow<'a, str>, Argument<'a>)>,
    ) -> Option<String> {
        let own = self.all.iter().find(|catalogue| &*catalogue.tag == lang);
        let others = own.map_or(&[][..], |own| &own.fallbacks).iter();
        let others = others.filter_map(|place| self.all.get(*place));
        let (id, attribute) = match key.split_once('.') {
            Some((id, attribute)) => (id, Some(attribute)),
            None => (key, None),
        };
        let all = own.into_iter().chain(others);
        let (catalogue, pattern) = all.chain([&*ENGLISH]).find_map(|catalogue| {
            let message = catalogue.bundle.get_message(id)?;
            let pattern = match attribute {
                None => message.value()?,
                Some(attribute) => message.get_attribute(attribute)?.value(),
            };
            Some((catalogue, pattern))
        })?;
        let arguments = arguments.into_iter().map(|(name, argument)| {
            let value = match argument {
                Argument::Text(text) => FluentValue::String(text),
                Argument::Number(number) => FluentValue::from(number),
            };
            (name, value)
        });
        let (arguments, mut errors) = (FluentArgs::from_iter(arguments), Vec::new());
        let text = stacker::maybe_grow(STACK, STACK, || {
            catalogue.bundle.format_pattern(pattern, Some(&arguments), &mut errors)
        });
        for error in errors {
            let (lang, cause) = (&*catalogue.tag, sentence(&error));
            tracing::warn!(key, lang, cause, "a text is not complete");
        }
        Some(text.into_owned())
    }
}

fn sentence(error: &FluentError) -> String {
    match error {
        FluentError::ResolverError(error) => error.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
