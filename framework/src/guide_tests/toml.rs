use std::collections::BTreeMap;

use super::blocks::{self, Block};
use crate::config::Config;
use crate::dispatch::Table;

fn load_config(block: &Block, text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("project.toml");
    std::fs::write(&file, text).unwrap();
    if let Err(problems) = Config::load(Some(&file), std::iter::empty()) {
        panic!("{block}:\n{problems}");
    }
}

fn load_routes(block: &Block, text: &str) {
    if let Err(problems) = Table::parse(text, "dispatch.conf") {
        panic!("{block}:\n{problems}");
    }
}

/// Returns the file name in the first line, such as `# admin/dispatch.conf`.
fn file_of(block: &Block) -> Option<&str> {
    let name = block.text.lines().next()?.strip_prefix("# ")?;
    (name.ends_with(".conf") || name.ends_with(".toml")).then_some(name)
}

/// Loads a dispatch table of several files.
fn load_files(files: &BTreeMap<String, Block>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, block) in files {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, &block.text).unwrap();
    }
    let Some(block) = files.get("dispatch.conf") else {
        panic!("{:?} without dispatch.conf", files.keys())
    };
    if let Err(problems) = Table::load(&folder.path().join("dispatch.conf")) {
        panic!("{block}:\n{problems}");
    }
}

#[test]
fn all_toml_of_the_guide_loads() {
    let mut files: BTreeMap<String, BTreeMap<String, Block>> = BTreeMap::new();
    for block in blocks::in_language("toml") {
        let text = block.text.as_str();
        match (block.mark.as_deref(), file_of(&block)) {
            (Some("lines of a route"), _) => {
                for line in text.lines().filter(|line| !line.is_empty()) {
                    let route = "[[route]]\npath = \"/{id}\"\ncontroller = \"x\"\n";
                    load_routes(&block, &format!("{route}{line}\n"));
                }
            }
            (Some(mark), _) if mark.starts_with("refused") => {}
            (_, Some(name)) if name.ends_with(".conf") => {
                let name = name.to_owned();
                files.entry(block.page.clone()).or_default().insert(name, block);
            }
            (_, Some(name)) if name.ends_with("Cargo.toml") => parse(&block),
            _ if text.contains("[[route]]") || text.contains("[[error]]") => {
                load_routes(&block, text);
            }
            _ if text.contains("[dependencies]") => parse(&block),
            _ => load_config(&block, text),
        }
    }
    assert!(!files.is_empty());
    for files in files.values() {
        load_files(files);
    }
}

/// Only the syntax of `Cargo.toml` is checked, because its content is for cargo.
fn parse(block: &Block) {
    if let Err(error) = block.text.parse::<toml::Table>() {
        panic!("{block}: {error}");
    }
}

#[test]
fn refused_examples_of_the_guide_are_refused_with_the_messages_shown() {
    let blocks = blocks::all();
    let mut refused = 0;
    for (index, block) in blocks.iter().enumerate() {
        if block.mark.as_deref().is_some_and(|mark| mark.starts_with("refused")) {
            let problems = Table::parse(&block.text, "dispatch.conf").unwrap_err().sorted();
            let lines: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
            assert_eq!(lines, blocks[index + 1].text, "{block}");
            refused += 1;
        }
    }
    assert!(refused > 0);
}

#[test]
fn all_json_of_the_guide_is_json() {
    for block in blocks::in_language("json") {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&block.text) {
            panic!("{block}: {error}");
        }
    }
}
