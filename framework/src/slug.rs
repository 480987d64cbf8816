use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Latin letters that are transcribed by more than dropping an accent: those of German, and those that Unicode
/// does not decompose.
const SPELLED: [(char, &str); 16] = [
    ('ä', "ae"),
    ('ö', "oe"),
    ('ü', "ue"),
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ø', "o"),
    ('đ', "d"),
    ('ð', "d"),
    ('ħ', "h"),
    ('ı', "i"),
    ('ĸ', "k"),
    ('ł', "l"),
    ('ŋ', "ng"),
    ('ŧ', "t"),
    ('þ', "th"),
];

/// Returns a text as a part of an address: lower-case letters, digits and single hyphens. The filter `slugify`
/// has the same result.
///
/// Latin letters lose their accents, whether precomposed or combining (`é` becomes `e`; `ü` becomes `ue`, as in
/// German), and ligatures and full-width letters are decomposed (Unicode's form NFKD). Letters of other scripts
/// stay, with their marks: addresses may contain them, and their readers prefer them to any transcription. The
/// slug of a text without letters and digits is empty.
///
/// Updates may depend on it: the result for a text stays the same in later versions.
///
/// ```
/// assert_eq!(headwater::slug("Crème brûlée!"), "creme-brulee");
/// assert_eq!(headwater::slug("Über Größe"), "ueber-groesse");
/// ```
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.nfc().flat_map(char::to_lowercase) {
        let taken_apart = || letter.nfkd().filter(|part| !is_combining_mark(*part));
        if is_combining_mark(letter) {
            // It belongs to a letter of another script, or is an accent.
            if slug.ends_with(|before: char| !before.is_ascii()) {
                slug.push(letter);
            }
        } else if let Some((_, spelled)) = SPELLED.iter().find(|(known, _)| *known == letter) {
            slug.push_str(spelled);
        } else if letter.is_alphanumeric() {
            match taken_apart().all(|part| part.is_ascii_alphanumeric()) {
                true => slug.extend(taken_apart().map(|part| part.to_ascii_lowercase())),
                false => slug.push(letter),
            }
        } else if !slug.is_empty() && !slug.ends_with('-') && !matches!(letter, '\'' | '’') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    // A mark may now be next to its letter.
    if slug.is_ascii() { slug } else { slug.nfc().collect() }
}

/// Returns the slugs of the texts between commas, sorted and without duplicates: the tags that a visitor has
/// entered, for example.
///
/// ```
/// assert_eq!(headwater::slugs("Soup, one pot,, SOUP"), ["one-pot", "soup"]);
/// ```
pub fn slugs(texts: &str) -> Vec<String> {
    let slugs = texts.split(',').map(slug).filter(|slug| !slug.is_empty());
    slugs.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_becomes_a_part_of_an_address() {
        assert_eq!(slug("  Rain -- again & again!  "), "rain-again-again");
        assert_eq!(slug("Über Größe: Café, Ægir’s Łódź"), "ueber-groesse-cafe-aegirs-lodz");
        assert_eq!(slug("Crème brûlée, Phở, ﬁn, Ａ²"), "creme-brulee-pho-fin-a2");
        assert_eq!(slug("1½"), "1½");
        assert_eq!(slug("雨 2026"), "雨-2026");
        assert_eq!(slug("?!"), "");
    }

    #[test]
    fn precomposed_and_combining_accents_are_equal() {
        assert_eq!(slug("e\u{301}cole"), "ecole");
        assert_eq!(slug("u\u{308}ber"), slug("über"));
        assert_eq!(slug("и\u{306}"), "й");
        assert_eq!(slug("हिन्दी が"), "हिन्दी-が");
    }

    proptest! {
        #[test]
        fn a_slug_has_no_hyphen_at_an_end_and_no_two_in_a_row(text in "[a-z ÄéŁİ雨иहि\u{94d}\u{306}\u{308}ﬁ½'./-]*") {
            let slug = slug(&text);
            prop_assert!(!slug.starts_with('-') && !slug.ends_with('-') && !slug.contains("--"));
            prop_assert!(!slug.contains(['/', '.', ' ', '\'']));
            prop_assert_eq!(super::slug(&slug), slug);
        }
    }
}
