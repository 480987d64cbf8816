use std::collections::BTreeSet;

use regex::Regex;

use super::blocks;

/// Returns the fragments that links to a page may have: the slugs of its headings, and its ids.
fn places(text: &str) -> BTreeSet<String> {
    let link = Regex::new(r"\[([^\]]*)\]\([^)]*\)").unwrap();
    let id = Regex::new(r#"<a id="([^"]+)">"#).unwrap();
    let left_out = Regex::new(r"[^\w\- ]").unwrap();
    let headings = prose(text).filter_map(|(_, line)| line.strip_prefix('#'));
    let headings = headings.map(|line| {
        let shown = link.replace_all(line.trim_start_matches('#').trim(), "$1").to_lowercase();
        left_out.replace_all(&shown, "").replace(' ', "-")
    });
    headings.chain(id.captures_iter(text).map(|found| found[1].to_owned())).collect()
}

/// Returns the lines outside of blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let is_fence = line.trim_start().starts_with("```");
        in_block ^= is_fence;
        (!in_block && !is_fence).then_some((number, line))
    })
}

#[test]
fn every_link_leads_to_an_existing_file_and_fragment() {
    let to = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let root = blocks::root();
    let mut seen = 0;
    for (page, text) in blocks::pages() {
        for (number, line) in prose(&text) {
            for found in to.captures_iter(line) {
                let link = &found[1];
                if link.contains("://") || link.starts_with("mailto:") {
                    continue;
                }
                seen += 1;
                let (file, place) = link.split_once('#').unwrap_or((link, ""));
                let target = match file {
                    "" => root.join(&page),
                    file => root.join(&page).parent().unwrap().join(file),
                };
                assert!(target.exists(), "{page}:{number}: there is no {file}");
                if !place.is_empty() {
                    let places = places(&std::fs::read_to_string(target).unwrap());
                    assert!(places.contains(place), "{page}:{number}: there is no place {link}");
                }
            }
        }
    }
    assert!(seen > 200, "only {seen} links were found");
}
