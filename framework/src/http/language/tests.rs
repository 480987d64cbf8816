use std::time::{Duration, Instant};

use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn preferred(site: &[&str], lines: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(ACCEPT_LANGUAGE, HeaderValue::from_str(line).unwrap());
    }
    Languages::new(site).preferred(&headers).unwrap().to_owned()
}

#[test]
fn a_visitor_gets_the_language_that_is_wanted_most() {
    let site = ["en", "de", "pt-BR", "zh-Hant", "fr"];
    for (field, expected) in [
        ("de", "de"),
        ("DE", "de"),
        ("de-CH-1996, en;q=0.9", "de"),
        ("en;q=0.5, de;q=0.7, fr;q=0.6", "de"),
        ("fr, de", "fr"),
        ("zh-Hant-TW", "zh-Hant"),
        ("zh-Hant-a-extended-x-private", "zh-Hant"),
        ("pt-BR, en;q=0.9", "pt-BR"),
        ("tlh, *;q=0.1", "en"),
        ("en;q=0.1, *", "de"),
        ("tlh", "en"),
        ("", "en"),
        ("x, ;;q, de;q=zero, 漢, fr;q=0.2", "fr"),
    ] {
        assert_eq!(preferred(&site, &[field]), expected, "{field}");
    }
    assert_eq!(preferred(&site, &["en;q=0.2", "fr;q=0.3"]), "fr", "lines are one list");
    assert_eq!(preferred(&site, &[]), "en");
}

#[test]
fn a_visitor_that_accepts_no_language_of_the_site_gets_a_near_one_or_the_first() {
    let site = ["en-GB", "pt-BR", "de"];
    assert_eq!(preferred(&site, &["pt"]), "pt-BR");
    assert_eq!(preferred(&site, &["pt, de;q=0.1"]), "pt-BR", "the higher weight wins");
    assert_eq!(preferred(&site, &["pt;q=0.1, de"]), "de");
    assert_eq!(preferred(&site, &["pt, pt-BR;q=0, de;q=0.1"]), "de");
    assert_eq!(preferred(&site, &["pt-PT"]), "en-GB");
    assert_eq!(preferred(&site, &["en;q=0"]), "pt-BR");
    assert_eq!(preferred(&site, &["en;q=0, pt;q=0, de;q=0"]), "en-GB");
    assert_eq!(preferred(&site, &["en;q=0, *"]), "pt-BR");
    assert_eq!(
        preferred(&site, &["en;q=0, en-GB"]),
        "en-GB",
        "a language that is named is not refused"
    );
}

#[test]
fn a_language_is_found_by_the_script_that_it_is_written_in() {
    for (site, field, expected) in [
        (&["en", "zh-Hans", "zh-Hant"][..], "zh-TW", "zh-Hant"),
        (&["en", "zh-Hans", "zh-Hant"], "zh-tw, en;q=0.9", "zh-Hant"),
        (&["en", "zh-Hans", "zh-Hant"], "zh-HK, zh;q=0.9", "zh-Hant"),
        (&["en", "zh-Hant", "zh-Hans"], "zh-SG", "zh-Hans"),
        (&["en", "zh-Hant", "zh-Hans"], "zh, en;q=0.9", "zh-Hans"),
        (&["en", "zh-CN", "zh-TW"], "zh-Hant-HK", "zh-TW"),
        (&["en", "zh-CN", "zh-TW"], "zh-Hant", "zh-TW"),
        (&["en", "zh", "zh-Hant"], "zh-MO", "zh-Hant"),
        (&["en", "zh", "zh-Hant"], "zh-CN", "zh"),
        (&["en", "zh"], "zh-TW", "zh"),
        (&["en", "zh-Hant"], "zh", "zh-Hant"),
        (&["en", "zh-Hans"], "zh-TW, en;q=0.1", "en"),
        (&["en", "sr-Latn", "sr-Cyrl"], "sr", "sr-Cyrl"),
        (&["en", "sr", "sr-Latn"], "sr-ME", "sr-Latn"),
        (&["en", "zh-Hant"], "zh-TW, zh-Hant;q=0", "en"),
    ] {
        assert_eq!(preferred(site, &[field]), expected, "{site:?}: {field}");
    }
}

#[test]
fn a_tag_is_what_bcp_47_calls_one() {
    for tag in ["en", "de-CH", "zh-Hant-TW", "es-419", "sl-rozaj-biske-1994", "en-x-pirate"] {
        assert_eq!(Languages::check(tag), Ok(()), "{tag}");
    }
    for tag in ["", "e", "*", "-", "en-", "-en", "en--us", "en us", "platt-deutschisch", "en-x"] {
        assert!(Languages::check(tag).is_err(), "{tag}");
    }
    let error = Languages::check("pt_BR").unwrap_err();
    assert!(error.ends_with("write \"pt-BR\""), "{error}");
}

#[test]
fn a_language_is_found_by_its_tag_only() {
    let languages = Languages::new(["en", "de-CH"]);
    assert_eq!(languages.get("DE-ch"), Some("de-CH"));
    assert_eq!(languages.get("de"), None);
    assert_eq!(languages.iter().collect::<Vec<_>>(), ["en", "de-CH"]);
    assert!(Languages::default().is_empty());
    assert_eq!(Languages::default().preferred(&HeaderMap::new()), None);
    assert_eq!(Languages::new(["en"; 100]).iter().count(), Languages::MOST);
}

#[test]
fn a_hostile_field_takes_no_longer_than_a_short_one() {
    let site: Vec<String> = (0..Languages::MOST).map(|n| format!("aa-{n:08}")).collect();
    let languages = Languages::new(&site);
    let long = "a-".repeat(30_000);
    let many = "bb-b-b-b-b-b-b-b-b-b-b-b-b-b-b-b-b;q=0.001,".repeat(1_500);
    let commas = ",".repeat(60_000);
    let start = Instant::now();
    for field in [long, many, commas] {
        let headers =
            HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_str(&field).unwrap())]);
        for _ in 0..100 {
            assert_eq!(languages.preferred(&headers), Some("aa-00000000"));
        }
    }
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(3), "300 fields took {taken:?}");
}

/// The same choice, as the RFCs describe it and written for readability: everything is sorted
/// first, and every language is compared with every range.
fn by_the_book(site: &[String], members: &[(String, u16)]) -> String {
    let below = |tag: &str, range: &str| {
        tag == range || tag.strip_prefix(range).is_some_and(|rest| rest.starts_with('-'))
    };
    let truncations = |range: &str| {
        let mut parts: Vec<&str> = range.split('-').collect();
        let mut all = Vec::new();
        while !parts.is_empty() {
            all.push(parts.join("-"));
            parts.pop();
            while parts.last().is_some_and(|last| last.len() == 1) {
                parts.pop();
            }
        }
        all
    };
    let named = members.iter().filter(|(range, _)| range != "*");
    let refused: Vec<&String> = site
        .iter()
        .filter(|tag| named.clone().any(|(range, q)| *q == 0 && below(tag, range)))
        .collect();
    let find = |range: &str, refused: &[&String]| {
        let truncations = truncations(range);
        let found = truncations
            .iter()
            .enumerate()
            .find(|(index, tag)| site.contains(tag) && (*index == 0 || !refused.contains(tag)));
        let begun = || site.iter().find(|tag| below(tag, range) && !refused.contains(tag));
        found.map(|(_, tag)| tag).or_else(begun).cloned()
    };
    let taken: Vec<String> = named
        .clone()
        .filter(|(_, q)| *q > 0)
        .filter_map(|(range, _)| find(range, &[]))
        .chain(refused.iter().map(|tag| (*tag).clone()))
        .collect();
    let mut wanted: Vec<&(String, u16)> = members.iter().filter(|(_, q)| *q > 0).collect();
    wanted.sort_by_key(|(_, q)| std::cmp::Reverse(*q));
    let matches = wanted.iter().find_map(|(range, _)| match range.as_str() {
        "*" => site.iter().find(|tag| !taken.contains(tag)).cloned(),
        range => find(range, &refused),
    });
    let first = || site.iter().find(|tag| !refused.contains(tag)).cloned();
    matches.or_else(first).unwrap_or_else(|| site[0].clone())
}

fn tag() -> impl Strategy<Value = String> {
    "(aa|bb|cc)(-(dd|ee))?(-x-ff)?"
}

proptest! {
    #[test]
    fn the_choice_is_that_of_the_rfcs(
        site in proptest::collection::btree_set(tag(), 1..5),
        members in proptest::collection::vec((prop_oneof![4 => tag(), 1 => Just("*".to_owned())], 0u16..4), 0..6),
    ) {
        let site: Vec<String> = site.into_iter().collect();
        let field: Vec<String> =
            members.iter().map(|(range, q)| format!("{range};q=0.{q}")).collect();
        let tags: Vec<&str> = site.iter().map(String::as_str).collect();
        prop_assert_eq!(preferred(&tags, &[&field.join(", ")]), by_the_book(&site, &members));
        // Line breaks and letter case do not change the list.
        let lines: Vec<String> = field.iter().map(|member| member.to_ascii_uppercase()).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        prop_assert_eq!(preferred(&tags, &lines), by_the_book(&site, &members));
    }

    #[test]
    fn whatever_is_sent_the_answer_is_a_language_of_the_site(
        field in proptest::collection::vec(
            prop_oneof![Just(b','), Just(b';'), Just(b'='), Just(b'-'), Just(b'*'), Just(b'q'), any::<u8>()],
            0..200,
        ),
    ) {
        let field: Vec<u8> =
            field.into_iter().filter(|byte| *byte >= 32 && *byte != 127).collect();
        let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_bytes(&field).unwrap())]);
        let languages = Languages::new(["en", "de-CH", "q"]);
        prop_assert!(languages.iter().any(|tag| Some(tag) == languages.preferred(&headers)));
    }
}

#[test]
fn a_language_has_its_direction() {
    for tag in ["ar", "he-IL", "fa", "az-IR", "pa-Arab", "uz-Arab-AF", "UR"] {
        assert_eq!(direction(tag), "rtl", "{tag}");
    }
    for tag in ["en", "az", "pa", "ur-Latn", "zh-Hant", ""] {
        assert_eq!(direction(tag), "ltr", "{tag}");
    }
}
