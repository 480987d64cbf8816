//! Writes the guide's blocks in Rust into one module for each page.
//!
//! All blocks of a page are in one module, so that they may use one another, and the items in `src/contexts.rs` that
//! the page assumes. A block that is not made of items has an HTML comment before it:
//!
//! - `<!-- statements: ARGUMENTS -->`: the body of an `async fn` with these arguments;
//! - `<!-- methods of an App -->`, `<!-- an expression -->`;
//! - `<!-- a part of PAGE -->`: each of its lines occurs in that file.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

struct Block {
    line: usize,
    mark: String,
    text: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = root.join("docs/guide");
    println!("cargo::rerun-if-changed={}", guide.display());
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(guide)? {
        pages.push(entry?.path());
    }
    pages.sort();
    let mut modules = String::new();
    for page in pages {
        println!("cargo::rerun-if-changed={}", page.display());
        let blocks = blocks(&fs::read_to_string(&page)?);
        if blocks.is_empty() || page.ends_with("guide/README.md") {
            continue;
        }
        let name = page.file_stem().unwrap_or_default().to_string_lossy();
        let name = name.to_lowercase().replace('-', "_");
        writeln!(modules, "pub mod {name} {{\nuse crate::contexts::{name}::*;")?;
        for block in blocks {
            write_block(&mut modules, &root, &page, &block)?;
        }
        modules.push_str("}\n");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("guide.rs");
    Ok(fs::write(out, modules)?)
}

fn write_block(
    modules: &mut String,
    root: &Path,
    page: &Path,
    Block { line, mark, text }: &Block,
) -> Result<(), Box<dyn Error>> {
    writeln!(modules, "// {}:{line}", page.display())?;
    if let Some(other) = mark.strip_prefix("a part of ") {
        let whole = fs::read_to_string(root.join(other))?;
        let missing = text.lines().find(|line| !whole.contains(line.trim()));
        return match missing {
            Some(missing) => Err(format!("{}:{line}: {missing}", page.display()).into()),
            None => Ok(()),
        };
    }
    if let Some(arguments) = mark.strip_prefix("statements:") {
        let end = if text.trim_end().ends_with(';') { "Ok(text(\"\"))" } else { "" };
        writeln!(
            modules,
            "async fn statements_{line}({arguments}) -> Result<Reply> {{\n{text}{end}\n}}"
        )?;
        return Ok(());
    }
    match mark.as_str() {
        "methods of an App" => writeln!(modules, "fn app_{line}() -> App {{ App::new(){text} }}")?,
        "an expression" => writeln!(modules, "fn expression_{line}() {{ let _ = {text}; }}")?,
        _ => writeln!(modules, "{}", text.replace("fn main()", &format!("fn main_{line}()")))?,
    }
    Ok(())
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut mark = "";
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line);
            let inside: Vec<&str> = inside.take_while(|line| !line.starts_with("```")).collect();
            if language == "rust" {
                let text = inside.join("\n");
                blocks.push(Block { line: index + 1, mark: mark.to_owned(), text });
            }
            mark = "";
        } else if !line.is_empty() {
            let comment = line.strip_prefix("<!--").and_then(|line| line.strip_suffix("-->"));
            mark = comment.unwrap_or_default().trim();
        }
    }
    blocks
}
