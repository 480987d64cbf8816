use std::borrow::Cow;
use std::fmt::Write as _;

/// Identifies an entry: its id, and everything else that distinguishes the answers to one URL.
///
/// The id is the canonical path and query (or the replacement from the site's variant function).
/// Patterns are matched with the id, so one pattern matches an entry in all its variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key<'a> {
    text: Cow<'a, str>,
    id: usize,
}

impl<'a> Key<'a> {
    /// Returns the key of content that depends on nothing but its id.
    pub fn of_id(id: impl Into<Cow<'a, str>>) -> Key<'a> {
        let text = id.into();
        Key { id: text.len(), text }
    }

    /// Returns the key of a fragment in content of the key `within`: it has all dependencies of the
    /// content, but not the content's own id. `escaped` (whether its values are escaped) and a
    /// digest of the values distinguish it from fragments that must not replace it.
    pub fn of_fragment(
        id: &str,
        escaped: bool,
        values: Option<u128>,
        within: &Key<'_>,
    ) -> Key<'static> {
        // No other key has such a sign after its id, so content never has the key of a fragment.
        let form = if escaped { "\n:" } else { "\n;" };
        let mut text = [id, form].concat();
        if let Some(values) = values {
            // Writing to a string cannot fail.
            let _ = write!(text, "{values:x}");
        }
        text.push_str(&within.text[within.id..]);
        Key { text: Cow::Owned(text), id: id.len() }
    }

    /// Returns the same key without the dependencies of these names.
    pub fn without(&self, is_left_out: impl Fn(&str) -> bool) -> Key<'static> {
        let kept = self.dependencies().into_iter().filter(|(name, _)| !is_left_out(name));
        let key = KeyBuilder::new(self.id().to_owned());
        kept.fold(key, |key, (name, value)| key.depends_on(name, value)).build()
    }

    /// Returns the key with this text, whose first `id` bytes are the id.
    pub(super) fn of_parts(text: &'a str, id: usize) -> Key<'a> {
        Key { text: Cow::Borrowed(text), id: id.min(text.len()) }
    }

    /// Returns the names and values that the content depends on besides its id, as they were
    /// [given](KeyBuilder::depends_on). Empty for a fragment.
    pub fn dependencies(&self) -> Vec<(&str, &str)> {
        let mut values = Vec::new();
        let mut rest = &self.text[self.id..];
        while let Some((name, value, after)) = rest.strip_prefix('\n').and_then(|dependency| {
            let (name, dependency) = split_counted(dependency)?;
            let (value, after) = split_counted(dependency)?;
            Some((name, value, after))
        }) {
            values.push((name, value));
            rest = after;
        }
        values
    }

    /// Returns the id, which patterns are matched with.
    pub fn id(&self) -> &str {
        &self.text[..self.id]
    }

    /// Returns the whole key, as it is compared and hashed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the same key without borrowed data.
    pub fn into_owned(self) -> Key<'static> {
        Key { text: Cow::Owned(self.text.into_owned()), id: self.id }
    }

    pub(super) fn into_stored(self) -> (Box<str>, usize) {
        (self.text.into_owned().into_boxed_str(), self.id)
    }
}

/// Splits a text that is preceded by its length in bytes and a colon from the rest.
fn split_counted(text: &str) -> Option<(&str, &str)> {
    let (length, text) = text.split_once(':')?;
    text.split_at_checked(length.parse().ok()?)
}

/// Builds the key of content that depends on more than its id.
#[derive(Debug)]
pub(crate) struct KeyBuilder<'a> {
    key: Key<'a>,
}

impl<'a> KeyBuilder<'a> {
    /// Starts with the id.
    pub(crate) fn new(id: impl Into<Cow<'a, str>>) -> KeyBuilder<'a> {
        KeyBuilder { key: Key::of_id(id) }
    }

    /// Adds a value that the content depends on. Names and values may contain anything: their
    /// lengths are part of the key, so that no two different lists of values give the same key.
    pub(crate) fn depends_on(mut self, name: &str, value: &str) -> KeyBuilder<'a> {
        let text = self.key.text.to_mut();
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{}:{name}{}:{value}", name.len(), value.len());
        self
    }

    /// Returns the finished key.
    pub(crate) fn build(self) -> Key<'a> {
        self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_plain_key_borrows_its_id() {
        let key = Key::of_id("/index.html");
        assert!(matches!(key.text, Cow::Borrowed(_)));
        assert_eq!(key.id(), key.as_str());
    }

    #[test]
    fn a_fragment_has_the_dependencies_of_the_content_around_it() {
        let german = KeyBuilder::new("/a").depends_on("", "de").build();
        let key = Key::of_fragment("fragment:x", true, None, &german);
        assert_eq!(key.id(), "fragment:x");
        let other = KeyBuilder::new("/b").depends_on("", "de").build();
        assert_eq!(key, Key::of_fragment("fragment:x", true, None, &other));
        assert_ne!(key, Key::of_fragment("fragment:x", true, Some(0), &other));
        assert_ne!(key, Key::of_fragment("fragment:x", false, None, &other));
        assert_ne!(key, Key::of_fragment("fragment:x", true, None, &Key::of_id("/a")));
        assert_ne!(key, KeyBuilder::new("fragment:x").depends_on("", "de").build());
    }

    proptest! {
        #[test]
        fn different_dependencies_give_different_keys(
            left in proptest::collection::vec((".{0,6}", ".{0,6}"), 0..4),
            right in proptest::collection::vec((".{0,6}", ".{0,6}"), 0..4),
        ) {
            let key = |values: &[(String, String)]| {
                let builder = KeyBuilder::new("/a");
                values.iter().fold(builder, |builder, (name, value)| builder.depends_on(name, value)).build()
            };
            prop_assert_eq!(left == right, key(&left) == key(&right));
            let named = left.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let key = key(&left);
            prop_assert_eq!(key.dependencies(), named.collect::<Vec<_>>());
            prop_assert_eq!(key.id(), "/a");
            prop_assert_eq!(&key.without(|_| false), &key);
            prop_assert_eq!(key.without(|_| true), Key::of_id("/a"));
        }
    }
}
