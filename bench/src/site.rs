//! The site that is measured: a cached page, one with parts, and notes that make the first one wrong.

use std::path::{Path, PathBuf};

use headwater::app::App;
use headwater::log::Invalidation;
use headwater::prelude::*;

use crate::contestant::PAGE_BYTES;

/// How many parts the page with parts has.
const PARTS: usize = 3;

/// How long each of them is, in bytes.
const PART_BYTES: usize = 512;

const PROJECT: &str = r#"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[link]
listen = "127.0.0.1:0"
[trace]
level = "warn"
"#;

const DISPATCH: &str = r#"
[[route]]
path = "/page"
controller = "page"
groups = ["page"]

[[route]]
path = "/text"
controller = "text"

[[route]]
path = "/page-with-parts"
template = "parts.html"

[[route]]
path = "/parts/{number}"
controller = "part"

[[route]]
path = "/notes"
methods = ["POST"]
controller = "notes.write"

[[route]]
path = "/files/{*path}"
files = "files"
"#;

/// The folder in the docroot, and where its files are for visitors.
pub(crate) const FILES: &str = "files";

/// The name of a large file there. Who wants it makes it.
pub(crate) const LARGE: &str = "large.bin";

/// The site's code.
pub(crate) fn app() -> App {
    App::new().state::<Notes>().controllers(controllers![page, text_page, part, write])
}

/// Writes the site's files into `folder`.
pub(crate) fn write_files(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(docroot(folder))?;
    std::fs::write(folder.join("project.toml"), PROJECT)?;
    std::fs::write(folder.join("dispatch.conf"), DISPATCH)?;
    std::fs::create_dir(folder.join("templates"))?;
    std::fs::write(folder.join("templates/parts.html"), page_with_parts())
}

/// A page that is as long as the other one with its parts.
fn page_with_parts() -> String {
    let mut page = String::new();
    for number in 0..PARTS {
        page += &filler(PAGE_BYTES / (PARTS + 1) - PART_BYTES);
        page += &format!("{{{{ part(url=\"/parts/{number}\") }}}}");
    }
    page + &filler(PAGE_BYTES / (PARTS + 1))
}

fn filler(bytes: usize) -> String {
    "headwater ".repeat(bytes.div_ceil(10))[..bytes].to_owned()
}

#[controller("part")]
async fn part() -> Reply {
    html(filler(PART_BYTES))
}

/// The folder of the files, inside the site's `folder`.
pub(crate) fn docroot(folder: &Path) -> PathBuf {
    folder.join("docroot").join(FILES)
}

#[controller("page")]
async fn page() -> Reply {
    html(filler(PAGE_BYTES))
}

/// Text that gets shorter when it is compressed, though not by everything.
#[controller("text")]
async fn text_page() -> Reply {
    const WORDS: [&str; 16] = [
        "river",
        "weir",
        "ferry",
        "the",
        "of",
        "miller",
        "mill",
        "and",
        "water",
        "<p>",
        "</p>\n",
        "a",
        "bridge",
        "wheel",
        "sluice",
        "\"headwater\"",
    ];
    let (mut text, mut state) = (String::new(), 1_u32);
    while text.len() < PAGE_BYTES {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        text.push_str(WORDS[(state >> 28) as usize]);
        text.push(' ');
    }
    text.truncate(PAGE_BYTES);
    html(text)
}

/// Answers with the receipt.
#[controller("notes.write")]
async fn write(notes: Data<Notes>, note: String) -> Result<Reply> {
    let (_, receipt) = notes.update_with_receipt(note).await?;
    Ok(json(&receipt))
}

#[derive(Clone, Default)]
struct Notes {
    count: u64,
    bytes: u64,
}

impl State for Notes {
    const NAME: &'static str = "notes";
    type Update = String;
    type Output = u64;

    fn apply(&mut self, note: String, _: At) -> u64 {
        self.count += 1;
        self.bytes += note.len() as u64;
        self.count
    }

    fn invalidates(_: &String) -> Invalidation {
        Invalidation::new().group("page")
    }
}
