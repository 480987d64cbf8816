use regex::Regex;

use super::blocks;
use super::html::compile;

/// Returns the names of filters in `text`: within inline code, and in `the filter `name``.
fn names(text: &str) -> Vec<String> {
    let code = Regex::new("`[^`\n]+`").unwrap();
    let piped = Regex::new(r"[)\w\]] \| ([a-z_]+)").unwrap();
    let named = Regex::new("filters? `([a-z_]+)`").unwrap();
    let mut names: Vec<String> = Vec::new();
    for code in code.find_iter(text).filter(|code| code.as_str().contains(['{', '~'])) {
        names.extend(piped.captures_iter(code.as_str()).map(|found| found[1].to_owned()));
    }
    names.extend(named.captures_iter(text).map(|found| found[1].to_owned()));
    names
}

#[test]
fn every_filter_named_in_the_guide_or_a_message_exists() {
    let mut texts = blocks::pages();
    let mut folders = vec![blocks::root().join("framework/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                // Tests define their own filters.
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                if !path
                    .components()
                    .any(|part| part.as_os_str().to_string_lossy().contains("tests"))
                {
                    texts.push((path.display().to_string(), text));
                }
            }
        }
    }
    let mut seen = Vec::new();
    for (place, text) in texts {
        for name in names(&text) {
            if seen.contains(&name) {
                continue;
            }
            let template = format!("{{{{ value | {name} }}}}");
            if let Err(problems) = compile("page.html", &template) {
                panic!("{place} names the filter `{name}`: {problems}");
            }
            seen.push(name);
        }
    }
    for name in ["urlencode", "json_encode", "safe", "date"] {
        assert!(seen.iter().any(|seen| seen == name), "`{name}` was not found in {seen:?}");
    }
}
