//! The header `Content-Security-Policy`, from `[csp]` in `project.toml`.

use std::fmt;

use http::HeaderValue;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::inline::{InlineHashes, InlineKind};
use crate::problem::nearest;

/// The placeholder for the hashes of a page's inline scripts or styles.
const HASHES: &str = "'hashes'";

/// The default directives. They forbid things that sites hardly ever do on purpose.
const DEFAULT: [(&str, &str); 4] = [
    ("base-uri", "'self'"),
    ("form-action", "'self'"),
    ("frame-ancestors", "'self'"),
    ("object-src", "'none'"),
];

/// The known directives (Content Security Policy Level 3, section 6, and later additions).
const KNOWN: [&str; 26] = [
    "base-uri",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "report-to",
    "report-uri",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "trusted-types",
    "upgrade-insecure-requests",
    "worker-src",
];

/// Keywords, which must be quoted.
const QUOTED: [&str; 9] = [
    "hashes",
    "none",
    "report-sample",
    "self",
    "strict-dynamic",
    "unsafe-eval",
    "unsafe-hashes",
    "unsafe-inline",
    "wasm-unsafe-eval",
];

/// The policy that pages send in `Content-Security-Policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentPolicy {
    /// Directives with their sources, sorted by name.
    directives: Vec<(&'static str, String)>,
    /// The header of a page without inline blocks.
    plain: Option<HeaderValue>,
}

impl Default for ContentPolicy {
    fn default() -> ContentPolicy {
        let default = DEFAULT.into_iter().map(|(name, sources)| (name, sources.to_owned()));
        ContentPolicy::of(default.collect())
    }
}

impl ContentPolicy {
    fn of(directives: Vec<(&'static str, String)>) -> ContentPolicy {
        let mut policy = ContentPolicy { directives, plain: None };
        policy.plain = policy.written(&InlineHashes::default());
        policy
    }

    /// Returns the same policy with a static header value, for the responses of a node.
    pub(super) fn lasting(&self) -> ContentPolicy {
        ContentPolicy { plain: self.plain.as_ref().and_then(lasting), ..self.clone() }
    }

    /// Returns the header of a page with these inline blocks.
    pub(super) fn header(&self, inline: &InlineHashes) -> Option<HeaderValue> {
        match inline.is_empty() {
            true => self.plain.clone(),
            false => self.written(inline),
        }
    }

    /// Returns whether blocks of this kind are allowed by their hashes.
    pub(crate) fn hashes(&self, kind: InlineKind) -> bool {
        let mut directives = self.directives.iter();
        directives.any(|(name, sources)| governs(name, kind) && sources.contains(HASHES))
    }

    fn written(&self, inline: &InlineHashes) -> Option<HeaderValue> {
        let mut text = String::new();
        for (name, sources) in &self.directives {
            text.push_str(if text.is_empty() { "" } else { "; " });
            text.push_str(name);
            for source in sources.split_ascii_whitespace() {
                if source != HASHES {
                    text.extend([" ", source]);
                    continue;
                }
                for kind in [InlineKind::Script, InlineKind::Style] {
                    let hashes = inline.of_kind(kind).filter(|_| governs(name, kind));
                    hashes.for_each(|hash| text.extend([" ", hash]));
                }
            }
        }
        // Text of the configuration is visible ASCII.
        HeaderValue::try_from(text).ok().filter(|text| !text.is_empty())
    }
}

/// Copies a value into static memory. Nearly every response contains it, and cloning a shared value would make all
/// cores write to one reference count. A node has few such values, so leaking them is no problem.
pub(super) fn lasting(value: &HeaderValue) -> Option<HeaderValue> {
    value.to_str().ok().map(|text| HeaderValue::from_static(text.to_owned().leak()))
}

/// Returns whether a directive governs inline blocks of this kind.
fn governs(directive: &str, kind: InlineKind) -> bool {
    match directive {
        "default-src" => true,
        "script-src" | "script-src-elem" => kind == InlineKind::Script,
        "style-src" | "style-src-elem" => kind == InlineKind::Style,
        _ => false,
    }
}

/// Checks the sources of a directive; an error explains the problem and contains the correction.
fn check(directive: &str, sources: &str) -> Result<(), String> {
    let sources: Vec<&str> = sources.split_ascii_whitespace().collect();
    for source in &sources {
        if !source.bytes().all(|byte| byte.is_ascii_graphic() && !b";,".contains(&byte)) {
            return Err(format!(
                "`{source}` is not a source: write visible ASCII without `;` and `,`, each directive as a key of its own"
            ));
        }
        if QUOTED.contains(source) {
            return Err(format!(
                "without quotes `{source}` is the name of a host; write \"'{source}'\""
            ));
        }
    }
    if sources.contains(&HASHES) {
        if ![InlineKind::Script, InlineKind::Style].iter().any(|kind| governs(directive, *kind)) {
            return Err(format!(
                "`{HASHES}` stands for those of inline scripts and styles; write it in script-src, style-src or \
                 default-src"
            ));
        }
        if sources.contains(&"'unsafe-inline'") {
            return Err(format!(
                "beside `{HASHES}` browsers ignore `'unsafe-inline'`; leave one of them out"
            ));
        }
    }
    Ok(())
}

impl Serialize for ContentPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.directives.iter().map(|(name, sources)| (name, sources)))
    }
}

impl<'de> Deserialize<'de> for ContentPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ContentPolicy, D::Error> {
        struct Directives;
        impl<'de> Visitor<'de> for Directives {
            type Value = ContentPolicy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("directives, like script-src = \"'self' 'hashes'\"")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContentPolicy, A::Error> {
                let mut directives = ContentPolicy::default().directives;
                while let Some(Name(name)) = map.next_key()? {
                    let sources = map.next_value_seed(Sources(name))?;
                    directives.retain(|(known, _)| *known != name);
                    directives.extend(sources.map(|sources| (name, sources)));
                }
                directives.sort_unstable();
                Ok(ContentPolicy::of(directives))
            }
        }
        deserializer.deserialize_map(Directives)
    }
}

/// The name of a directive.
struct Name(&'static str);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        let name = String::deserialize(deserializer)?;
        KNOWN.into_iter().find(|known| *known == name).map(Name).ok_or_else(|| {
            de::Error::custom(match nearest(&name, KNOWN) {
                Some(near) => format!("`{name}` is not a directive; did you mean `{near}`?"),
                None => format!("`{name}` is not a directive; known are {}", KNOWN.join(", ")),
            })
        })
    }
}

/// The sources of the directive with this name; `None` if the site omits the directive.
struct Sources(&'static str);

impl<'de> DeserializeSeed<'de> for Sources {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Sources {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sources, like \"'self'\", or false for no `{}`", self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<String>, E> {
        check(self.0, text).map_err(E::custom)?;
        Ok(Some(text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")))
    }

    fn visit_bool<E: de::Error>(self, is_said: bool) -> Result<Option<String>, E> {
        match is_said {
            false => Ok(None),
            true => Err(E::custom(format!("write the sources of `{}`, \"\" for none", self.0))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> ContentPolicy {
        toml::from_str(text).unwrap()
    }

    fn written(policy: &ContentPolicy, inline: &InlineHashes) -> String {
        policy.header(inline).map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn directives_of_the_site_override_the_defaults() {
        let none = InlineHashes::default();
        let default =
            "base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'";
        assert_eq!(written(&ContentPolicy::default(), &none), default);
        let text = "form-action = \"'self'  https://pay.example\"\nframe-ancestors = false\nupgrade-insecure-requests = ''";
        assert_eq!(
            written(&policy(text), &none),
            "base-uri 'self'; form-action 'self' https://pay.example; object-src 'none'; upgrade-insecure-requests"
        );
        let nothing =
            "base-uri = false\nform-action = false\nframe-ancestors = false\nobject-src = false";
        assert_eq!(policy(nothing).header(&none), None);
    }

    #[test]
    fn hashes_appear_in_the_directives_of_their_kind() {
        let text = "script-src = \"'self' 'hashes'\"\nstyle-src = \"'hashes'\"\nform-action = false\n\
                    base-uri = false\nframe-ancestors = false\nobject-src = false";
        let policy = policy(text);
        assert!(policy.hashes(InlineKind::Script) && policy.hashes(InlineKind::Style));
        assert!(!ContentPolicy::default().hashes(InlineKind::Script));
        assert_eq!(written(&policy, &InlineHashes::default()), "script-src 'self'; style-src");
        let mut inline = InlineHashes::of(InlineKind::Script, "a");
        let [script] = inline.of_kind(InlineKind::Script).collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(written(&policy, &inline), format!("script-src 'self' {script}; style-src"));
        inline.extend(&InlineHashes::of(InlineKind::Style, "b"));
        assert!(written(&policy, &inline).contains("; style-src 'sha256-"));
    }

    #[test]
    fn sources_that_browsers_silently_ignore_are_rejected() {
        for (text, advice) in [
            ("script-scr = \"'self'\"", "did you mean `script-src`?"),
            ("script-src = \"self\"", "write \"'self'\""),
            ("script-src = \"'self'; style-src 'self'\"", "a key of its own"),
            ("img-src = \"'hashes'\"", "write it in script-src"),
            ("script-src = \"'hashes' 'unsafe-inline'\"", "leave one of them out"),
            ("script-src = true", "\"\" for none"),
            ("script-src = 1", "or false for no `script-src`"),
        ] {
            let error = toml::from_str::<ContentPolicy>(text).unwrap_err();
            assert!(error.message().contains(advice), "{text}: {}", error.message());
        }
    }
}
