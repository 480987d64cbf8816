//! Scripts of languages that are written in several.
//!
//! The table is an extract of `likelySubtags` in the supplemental data of Unicode's CLDR (release 47). It contains the
//! languages with many speakers, and the regions whose usual script differs from that of the language. The full table
//! and its code (`icu_locale`) would be larger than the rest of this module.

/// A language, its usual script, and the regions with another usual script.
type Written = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const WRITTEN: [Written; 14] = [
    ("az", "Latn", &[("IQ", "Arab"), ("IR", "Arab"), ("RU", "Cyrl")]),
    ("bs", "Latn", &[]),
    ("ha", "Latn", &[("CM", "Arab"), ("SD", "Arab")]),
    ("kk", "Cyrl", &[("AF", "Arab"), ("CN", "Arab"), ("IR", "Arab"), ("MN", "Arab")]),
    ("ku", "Latn", &[("LB", "Arab")]),
    ("ky", "Cyrl", &[("CN", "Arab"), ("TR", "Latn")]),
    ("mn", "Cyrl", &[("CN", "Mong")]),
    ("pa", "Guru", &[("PK", "Arab")]),
    ("sd", "Arab", &[("IN", "Deva")]),
    ("sr", "Cyrl", &[("ME", "Latn"), ("RO", "Latn"), ("TR", "Latn")]),
    ("ug", "Arab", &[("KZ", "Cyrl"), ("MN", "Cyrl")]),
    ("uz", "Latn", &[("AF", "Arab"), ("CN", "Cyrl")]),
    ("yue", "Hant", &[("CN", "Hans")]),
    ("zh", "Hans", &[("HK", "Hant"), ("MO", "Hant"), ("TW", "Hant")]),
];

/// Returns the language of a tag and its script, if the language has several: `zh` and `Hant` for `zh-TW`.
pub(super) fn written(tag: &str) -> Option<(&'static str, &str)> {
    let mut parts = tag.split('-');
    let language = parts.next()?;
    let (language, usual, elsewhere) =
        WRITTEN.iter().find(|(known, ..)| known.eq_ignore_ascii_case(language))?;
    let Some(second) = parts.next() else { return Some((language, usual)) };
    if second.len() == 4 && second.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some((language, second));
    }
    let region = elsewhere.iter().find(|(region, _)| region.eq_ignore_ascii_case(second));
    Some((language, region.map_or(usual, |(_, script)| script)))
}

/// Scripts that are written from right to left.
const FROM_THE_RIGHT: [&str; 10] =
    ["Adlm", "Arab", "Aran", "Hebr", "Mand", "Mend", "Nkoo", "Rohg", "Syrc", "Thaa"];

/// Languages whose usual script is one of these, except those in [`WRITTEN`].
const LANGUAGES_FROM_THE_RIGHT: [&str; 22] = [
    "ar", "arc", "bal", "ckb", "dv", "fa", "glk", "he", "iw", "khw", "ks", "lrc", "mzn", "nqo",
    "pnb", "ps", "sdh", "skr", "syr", "ur", "yi", "ji",
];

/// Returns the direction in which the language of this tag is written, as a value for HTML's `dir`.
pub(crate) fn direction(tag: &str) -> &'static str {
    let among =
        |list: &[&str], word: &str| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let script = parts.next().filter(|part| part.len() == 4);
    let is_from_the_right = match script.or_else(|| written(tag).map(|(_, script)| script)) {
        Some(script) => among(&FROM_THE_RIGHT, script),
        None => among(&LANGUAGES_FROM_THE_RIGHT, language),
    };
    if is_from_the_right { "rtl" } else { "ltr" }
}

/// Returns whether two tags have the same language and script, according to [`WRITTEN`].
pub(super) fn are_written_alike(one: &str, other: &str) -> bool {
    match (written(one), written(other)) {
        (Some(one), Some(other)) => one.0 == other.0 && one.1.eq_ignore_ascii_case(other.1),
        _ => false,
    }
}
