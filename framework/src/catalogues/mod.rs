//! The site's texts in its languages: Fluent catalogues, `locales/<tag>/*.ftl`, loaded all at once.
//!
//! - [`Catalogues::load`] (`load`): reads the files; errors are problems with their lines.
//! - [`Catalogues::text`]: the text of a key in a language.
//! - `message`: the references in a message; `compared`: compares the catalogues with each other.
//! - `formats`: numbers and moments in a language; `functions`: the formatting functions of catalogues.
//!
//! # Fallbacks
//!
//! A text is looked up in this order:
//!
//! 1. the language itself;
//! 2. the site's languages that result from removing parts of its tag (`de` for `de-CH`);
//! 3. the site's first language;
//! 4. the built-in texts of the same languages, and of English.
//!
//! So a catalogue for `de-CH` contains only its differences from `de`. If no catalogue has a key, the key itself is
//! shown.
//!
//! # Limits
//!
//! A catalogue is a file of the site, but a mistake in it must not end the process. So the size and number of files
//! and the nesting of braces are limited, because the parser and the formatter recurse. `fluent-bundle` cuts messages
//! that lead back to themselves, and messages with more than 100 placeables in total, so that no text grows without
//! bound. Text in pages is also subject to the limit on the output of templates.
//!
//! # No isolation marks
//!
//! Fluent can put U+2068 and U+2069 around each argument, so that an Arabic name does not change the direction of the
//! sentence around it. This is disabled: most texts are in attributes, titles, mails and JSON, where these marks
//! would be compared, searched and copied with the text, and for the others HTML has `<bdi>` and `dir="auto"`. A
//! catalogue can write the marks itself where they are needed: `{"\u2068"}{ $name }{"\u2069"}`.

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
    /// The tag, as the site spells it.
    tag: Box<str>,
    bundle: FluentBundle<FluentResource>,
    formats: Arc<Formats>,
    /// The site's own messages, and their attributes as `message.attribute`.
    messages: BTreeMap<String, Message>,
    /// The other catalogues to look in, in this order, as indexes into the list of catalogues.
    fallbacks: Vec<usize>,
}

/// The stack that the formatter may use for messages that refer to each other, up to the limit on placeables. Without
/// optimization 128 KiB are not enough.
const STACK: usize = 512 * 1024;

/// The built-in English texts, the last fallback.
static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::empty("en", &[]));

/// An argument of a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number, which selects plural forms.
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
    /// Returns a number that is `written` so, or its text if a floating-point number cannot represent it.
    pub(crate) fn number(number: f64, written: String) -> Argument<'static> {
        match written.parse::<i128>() {
            Ok(whole) if number as i128 != whole => Argument::Text(written.into()),
            _ => Argument::Number(number),
        }
    }
}

/// Returns the built-in English text for this key; without one, the key.
pub(crate) fn english<'a>(
    key: &str,
    arguments: impl Iterator<Item = (&'a str, &'a serde_json::Value)>,
) -> String {
    let arguments = arguments.map(|(name, value)| (name.into(), value.into()));
    Catalogues::default().text("en", key, arguments).unwrap_or_else(|| key.to_owned())
}

/// Returns the replacement for a missing text, its key, and logs a warning.
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
    /// Returns the tags of the site's languages.
    pub(crate) fn languages(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|catalogue| &*catalogue.tag)
    }

    /// Returns the formats of the language with this tag.
    pub(crate) fn formats(&self, lang: &str) -> &Formats {
        static OTHERS: LazyLock<Formats> = LazyLock::new(|| Formats::of("en"));
        let own = self.all.iter().find(|catalogue| &*catalogue.tag == lang);
        own.map_or(&*OTHERS, |catalogue| &catalogue.formats)
    }

    /// Returns the text of `key` in the language with this tag, with its arguments. `None` if no fallback contains
    /// it.
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
