use std::fmt;
use std::path::{Path, PathBuf};

/// A block of code in a page.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The name of the page.
    pub(super) page: String,
    /// The line on which the block begins.
    pub(super) line: usize,
    /// The language after the opening fence.
    pub(super) language: String,
    /// The text of an HTML comment directly before the block.
    pub(super) mark: Option<String>,
    pub(super) text: String,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ({})", self.page, self.line, self.language)
    }
}

/// Returns the root of the repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns every page that users read, with its name.
pub(super) fn pages() -> Vec<(String, String)> {
    let root = root();
    let mut files = vec![root.join("README.md"), root.join("docs/project-toml.md")];
    let guide = std::fs::read_dir(root.join("docs/guide")).unwrap();
    files.extend(guide.map(|entry| entry.unwrap().path()));
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let read = |file: PathBuf| {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&file).unwrap())
    };
    files.into_iter().map(read).collect()
}

/// Returns all blocks of all pages, in order.
pub(super) fn all() -> Vec<Block> {
    let blocks: Vec<Block> = pages().iter().flat_map(|(page, text)| of_page(page, text)).collect();
    assert!(blocks.len() > 80, "the guide has more than {} blocks", blocks.len());
    blocks
}

pub(super) fn in_language(language: &str) -> Vec<Block> {
    let blocks: Vec<Block> = all().into_iter().filter(|block| block.language == language).collect();
    assert!(!blocks.is_empty(), "no block in {language}");
    blocks
}

fn of_page(page: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut mark: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    page: page.to_owned(),
                    line: index + 1,
                    language: language.trim().to_owned(),
                    mark: mark.take(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => {
                let comment =
                    line.trim().strip_prefix("<!--").and_then(|line| line.strip_suffix("-->"));
                mark = comment.map(|comment| comment.trim().to_owned());
            }
        }
    }
    assert!(open.is_none(), "{page}: a block without an end");
    blocks
}

#[test]
fn each_block_has_a_known_language() {
    const KNOWN: [&str; 12] = [
        "console", "diff", "fluent", "html", "ini", "js", "json", "nginx", "rust", "text", "toml",
        "yaml",
    ];
    for block in all() {
        assert!(KNOWN.contains(&block.language.as_str()), "{block}");
    }
}
