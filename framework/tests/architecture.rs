//! The allowed dependencies between modules, as listed in `docs/architecture.md`, compared with the sources; and the
//! existence of the files that the documentation names.
//!
//! Modules are listed from the top down, each with those that it may use. These must be below it, so there are no
//! cycles. Code that is only compiled for tests may use any module.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A module, and the modules that it may use.
type Allowed = (&'static str, &'static [&'static str]);

/// The modules of `framework/src`.
const MODULES: &[Allowed] = &[
    (
        "prelude",
        &[
            "app",
            "frontend",
            "controller",
            "form",
            "paging",
            "extract",
            "reply",
            "request",
            "dispatch",
            "session",
            "state",
            "log",
            "http",
            "slug",
        ],
    ),
    (
        "test",
        &["app", "config", "extract", "session", "state", "log", "body", "media_type", "problem"],
    ),
    (
        "app",
        &[
            "cli",
            "config",
            "admin",
            "frontend",
            "backend",
            "raw",
            "form",
            "checkpoint",
            "controller",
            "extract",
            "reply",
            "link",
            "request",
            "cache",
            "templates",
            "dispatch",
            "docroot",
            "session",
            "state",
            "log",
            "server",
            "files",
            "catalogues",
            "http",
            "inline",
            "computation",
            "claim",
            "body",
            "cache_type",
            "clock",
            "problem",
            "request_values",
            "shown",
        ],
    ),
    ("cli", &["config", "form", "checkpoint", "log", "catalogues", "http", "problem"]),
    ("config", &["frontend", "checkpoint", "session", "http", "problem", "units"]),
    ("admin", &["checkpoint", "state", "log", "body", "problem"]),
    (
        "frontend",
        &[
            "raw",
            "link",
            "request",
            "cache",
            "templates",
            "dispatch",
            "docroot",
            "session",
            "log",
            "server",
            "files",
            "http",
            "inline",
            "pieces",
            "computation",
            "body",
            "budget",
            "clock",
            "media_type",
            "problem",
            "request_values",
            "shown",
        ],
    ),
    (
        "backend",
        &[
            "controller",
            "reply",
            "link",
            "request",
            "checkpoint",
            "docroot",
            "state",
            "session",
            "log",
            "http",
            "claim",
            "body",
            "budget",
            "clock",
            "problem",
        ],
    ),
    ("raw", &["controller", "reply", "request", "dispatch", "body"]),
    ("paging", &["controller", "extract", "reply", "request", "state"]),
    ("form", &["controller", "extract", "reply", "request", "catalogues", "cache_type"]),
    (
        "controller",
        &["extract", "reply", "request", "log", "files", "http", "body", "media_type", "shown"],
    ),
    (
        "extract",
        &["catalogues", "reply", "request", "docroot", "state", "session", "log", "http", "body"],
    ),
    ("reply", &["session", "log", "http", "packed", "body", "cache_type"]),
    (
        "link",
        &[
            "request",
            "session",
            "log",
            "computation",
            "claim",
            "body",
            "budget",
            "cache_type",
            "clock",
            "problem",
        ],
    ),
    ("request", &["docroot", "state", "session", "log", "http", "body", "budget"]),
    ("cache", &["log", "http", "inline", "pieces", "clock"]),
    (
        "templates",
        &[
            "catalogues",
            "inline",
            "packed",
            "pieces",
            "media_type",
            "problem",
            "request_values",
            "slug",
            "units",
            "zoned",
        ],
    ),
    ("dispatch", &["http", "cache_type", "problem", "request_values", "units"]),
    ("checkpoint", &["docroot", "state", "session", "log", "private"]),
    ("docroot", &["state", "log", "encoded", "files", "clock", "private"]),
    ("state", &["log", "packed", "slug"]),
    ("session", &["log", "http", "encoded"]),
    ("log", &["private"]),
    ("server", &["http", "body"]),
    ("files", &["http", "body", "media_type", "problem"]),
    ("catalogues", &["http", "problem", "zoned"]),
    ("http", &[]),
    ("inline", &[]),
    ("packed", &[]),
    ("pieces", &[]),
    ("computation", &[]),
    ("claim", &["private"]),
    ("body", &["budget"]),
    ("budget", &[]),
    ("cache_type", &["units"]),
    ("clock", &[]),
    ("encoded", &[]),
    ("media_type", &[]),
    ("private", &[]),
    ("problem", &[]),
    ("request_values", &[]),
    ("shown", &[]),
    ("slug", &[]),
    ("units", &[]),
    ("zoned", &[]),
];

/// The modules of `framework/src/frontend`; `frontend` is its `mod.rs`.
const FRONTEND: &[Allowed] = &[
    (
        "frontend",
        &[
            "front_end_parts",
            "parts",
            "dispatcher",
            "pages",
            "auditor",
            "maker",
            "follower",
            "docroot",
            "router",
            "respond",
            "advice",
            "group_words",
            "notice",
            "sessions",
            "settings",
            "flash",
            "page_headers",
            "content_policy",
            "sample",
            "counters",
            "failure",
            "end_to_end",
            "escape",
        ],
    ),
    ("front_end_parts", &["docroot", "router", "advice", "sessions", "settings"]),
    ("parts", &["dispatcher", "pages", "maker", "router", "respond", "settings"]),
    ("dispatcher", &["pages", "maker", "docroot", "router", "respond", "settings", "failure"]),
    (
        "pages",
        &["auditor", "maker", "router", "respond", "advice", "settings", "counters", "failure"],
    ),
    ("auditor", &["maker", "router", "notice", "settings", "counters"]),
    (
        "maker",
        &[
            "router",
            "advice",
            "sessions",
            "settings",
            "counters",
            "failure",
            "end_to_end",
            "page_headers",
            "escape",
        ],
    ),
    ("follower", &["docroot", "sessions", "advice"]),
    ("docroot", &["page_headers", "failure"]),
    ("router", &["respond", "notice", "sessions", "settings", "flash", "failure", "end_to_end"]),
    ("respond", &[]),
    ("advice", &["group_words", "notice"]),
    ("group_words", &[]),
    ("notice", &["page_headers", "escape"]),
    ("sessions", &[]),
    ("settings", &["flash", "page_headers", "sample"]),
    ("flash", &["escape"]),
    ("page_headers", &["content_policy"]),
    ("content_policy", &[]),
    ("sample", &[]),
    ("counters", &[]),
    ("failure", &[]),
    ("end_to_end", &[]),
    ("escape", &[]),
];

/// Modules by name, with the modules that they use and the files of the uses.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<PathBuf>>>;

#[test]
fn modules_use_only_those_that_the_list_allows() {
    let mut arrows = arrows("src", "crate::");
    // They name all modules, and use none of them.
    arrows.remove("lib");
    arrows.remove("internals");
    // The paths of macros look the same.
    let modules: BTreeSet<String> = arrows.keys().cloned().collect();
    arrows.values_mut().for_each(|uses| uses.retain(|to, _| modules.contains(to)));
    check(MODULES, &arrows);
}

#[test]
fn owners_in_the_front_end_use_only_those_that_the_list_allows() {
    let mut arrows = arrows("src/frontend", "crate::frontend::");
    let text = fs::read_to_string(folder("src/frontend/mod.rs")).unwrap();
    let declared = Regex::new(r"(?m)^mod (\w+);").unwrap();
    for found in declared.captures_iter(&text) {
        add(&mut arrows, "frontend", &found[1], Path::new("mod.rs"));
    }
    check(FRONTEND, &arrows);
}

#[test]
fn the_front_end_lists_its_owners_in_this_order() {
    let text = fs::read_to_string(folder("src/frontend/mod.rs")).unwrap();
    let row = Regex::new(r"(?m)^//! \| `(\w+)` \|").unwrap();
    let documented: Vec<&str> =
        row.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(documented.len() > 5, "only {documented:?}");
    let is_documented = |name: &&str| documented.contains(name);
    let listed: Vec<&str> = FRONTEND.iter().map(|(name, _)| *name).filter(is_documented).collect();
    assert_eq!(documented, listed);
}

#[test]
fn the_documentation_lists_the_modules_in_this_order() {
    let text = fs::read_to_string(folder("../docs/architecture.md")).unwrap();
    let start = text.find("\n## Modules").expect("a section on modules");
    let rows = text[start..].lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let name = Regex::new(r"`(\w+)`").unwrap();
    let documented: Vec<String> = rows
        .flat_map(|row| {
            let names = row.split('|').nth(1).unwrap().to_owned();
            name.captures_iter(&names).map(|found| found[1].to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let listed: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented, listed);
}

#[test]
fn the_files_that_the_documentation_names_exist() {
    let root = folder("..");
    let folders = [root.join("framework/src"), root.join("docs"), root.clone()];
    // A path in code or in a link: with a slash, or of a source file.
    let path = Regex::new(r"[`(]((?:[\w.-]+/)+[\w.-]*|\w+\.rs)[`)]").unwrap();
    for page in ["architecture.md", "glossary.md"] {
        let text = fs::read_to_string(root.join("docs").join(page)).unwrap();
        let named = path.captures_iter(&text).map(|found| found.get(1).unwrap().as_str());
        let named: Vec<&str> = named.collect();
        assert!(named.len() > 20, "{page} names only {named:?}");
        let is_there = |name: &&&str| folders.iter().any(|folder| folder.join(name).exists());
        let missing: Vec<&&str> = named.iter().filter(|name| !is_there(name)).collect();
        assert!(missing.is_empty(), "{page} names {missing:?}");
    }
}

/// Returns a path in the framework's folder.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Collects the uses between the modules in a folder, whose own path is `root`. Items of its `mod.rs` belong to the
/// module with the folder's name.
fn arrows(name: &str, root: &str) -> Arrows {
    let path = Regex::new(&format!(r"\b{root}(\w+|\{{)|\b((?:super::)+)(\w+|\{{)")).unwrap();
    let itself = Path::new(name).file_name().unwrap().to_str().unwrap();
    let mut arrows = Arrows::new();
    for (file, text) in sources(&folder(name)) {
        let module = module_path(&file);
        let from = module.first().map_or(itself, String::as_str);
        arrows.entry(from.to_owned()).or_default();
        for found in path.captures_iter(&text) {
            let to = match (found.get(1), found.get(2)) {
                (Some(to), _) => to.as_str(),
                // A path within the module is not a use of another one.
                (None, Some(supers)) if supers.as_str().matches("super").count() < module.len() => {
                    continue;
                }
                (None, _) => found.get(3).unwrap().as_str(),
            };
            let is_item = to.starts_with(char::is_uppercase);
            add(&mut arrows, from, if is_item { itself } else { to }, &file);
        }
    }
    arrows
}

fn add(arrows: &mut Arrows, from: &str, to: &str, file: &Path) {
    assert!(to != "{", "{}: write a `use` for each module", file.display());
    if from != to {
        let uses = arrows.entry(from.to_owned()).or_default();
        uses.entry(to.to_owned()).or_default().insert(file.to_owned());
    }
}

fn check(list: &[Allowed], arrows: &Arrows) {
    let mut wrong = Vec::new();
    for (place, (module, allowed)) in list.iter().enumerate() {
        let below = |name: &&str| list[place + 1..].iter().any(|(below, _)| below == name);
        for name in allowed.iter().filter(|name| !below(name)) {
            wrong.push(format!("the list lets `{module}` use `{name}`, which is not below it"));
        }
        for (to, files) in arrows.get(*module).into_iter().flatten() {
            if !allowed.contains(&to.as_str()) {
                wrong.push(format!("`{module}` must not use `{to}`: {files:?}"));
            }
        }
    }
    for module in arrows.keys().filter(|name| !list.iter().any(|(known, _)| known == *name)) {
        wrong.push(format!("`{module}` is not in the list"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the module path of a file, relative to the folder that its own path is relative to.
fn module_path(file: &Path) -> Vec<String> {
    let path = file.with_extension("");
    let mut names: Vec<String> =
        path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    names.pop_if(|name| name == "mod");
    names
}

/// Returns the files below a folder, by their paths in it, without comments and without code that is only compiled for
/// tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if name == "tests" || name.ends_with("_tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = for_production(&fs::read_to_string(&path).unwrap());
                files.push((path.strip_prefix(folder).unwrap().to_owned(), text));
            }
        }
    }
    assert!(files.len() > 20, "only {} files", files.len());
    files
}

fn for_production(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.trim() == "#[cfg(test)]" {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indent}}}");
            // An item without braces ends at the end of its line.
            let mut item = lines.by_ref().skip_while(|line| line.trim_start().starts_with("#["));
            if item.next().is_some_and(|line| !line.trim_end().ends_with(['}', ';'])) {
                lines.by_ref().find(|line| *line == end);
            }
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}
