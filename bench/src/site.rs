//! The measured site, as headwater runs it.

use std::convert::Infallible;
use std::path::PathBuf;

use headwater::prelude::*;

use crate::content::{self, LONGEST};
use crate::{forum, personal};

const PROJECT: &str = r#"
[http]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[link]
listen = "127.0.0.1:0"
[cache]
bytes = "4 GiB"
[trace]
level = "warn"
"#;

const DISPATCH: &str = r#"
[[route]]
path = "/page/{bytes}"
controller = "page"
groups = ["page"]

[[route]]
path = "/mix/{set}/{bytes}/{number}"
controller = "mix"
groups = ["mix:{set}"]

[[route]]
path = "/page-with-parts"
template = "parts.html"

[[route]]
path = "/parts/{number}"
controller = "part"

[[route]]
path = "/rows"
controller = "rows"
cache = "no_cache"

[[route]]
path = "/static"
template = "static.html"
cache = "no_cache"

[[route]]
path = "/notes"
methods = ["POST"]
controller = "notes.write"

[[route]]
path = "/files/{*path}"
files = "files"
"#;

/// The length of the pages with sessions, without their parts.
const PAGE_BYTES: usize = 8 << 10;

/// The folder in the docroot, and the path of its files for visitors.
pub(crate) const FILES: &str = "files";

/// The name of a large file in this folder, which the scene that needs it creates.
pub(crate) const LARGE: &str = "large.bin";

/// Builds the site's code.
pub(crate) fn app() -> App {
    let app = App::new().state::<Notes>().state::<forum::Forum>().controllers(controllers![
        page,
        mix,
        part,
        rows,
        write,
        forum::join,
        forum::publish,
        forum::edit,
        forum::count,
    ]);
    match std::env::var_os(personal::SECRET) {
        Some(_) => personal::added_to(app),
        None => app,
    }
}

/// Writes the site's files into `folder`.
pub(crate) fn write_files(folder: &std::path::Path) -> std::io::Result<()> {
    let templates = folder.join("templates");
    std::fs::create_dir_all(docroot(folder))?;
    std::fs::write(folder.join("project.toml"), PROJECT)?;
    std::fs::write(folder.join("dispatch.conf"), format!("{DISPATCH}{}", forum::DISPATCH))?;
    std::fs::create_dir(&templates)?;
    let parts =
        content::page_with_parts(|number| format!("{{{{ part(url=\"/parts/{number}\") }}}}"));
    std::fs::write(templates.join("parts.html"), parts)?;
    std::fs::write(templates.join("rows.html"), content::ROWS)?;
    std::fs::write(templates.join("static.html"), content::STATIC)
}

/// Adds the routes and templates for sessions to the files in `folder`.
pub(crate) fn add_sessions(folder: &std::path::Path) -> std::io::Result<()> {
    let dispatch = format!("{DISPATCH}{}{}", forum::DISPATCH, personal::DISPATCH);
    std::fs::write(folder.join("dispatch.conf"), dispatch)?;
    let page =
        |part: &str| content::text(PAGE_BYTES / 2, 0) + part + &content::text(PAGE_BYTES / 2, 1);
    for (name, template) in personal::templates(page) {
        std::fs::write(folder.join("templates").join(name), template)?;
    }
    Ok(())
}

/// Returns the folder of the files, inside the site's `folder`.
pub(crate) fn docroot(folder: &std::path::Path) -> PathBuf {
    folder.join("docroot").join(FILES)
}

#[controller("page")]
async fn page(Path(bytes): Path<usize>) -> Reply {
    html(content::text(bytes.min(LONGEST), 0))
}

#[controller("mix")]
async fn mix(Path((_, bytes, number)): Path<(String, usize, u64)>) -> Reply {
    html(content::text(bytes.min(LONGEST), number))
}

#[controller("part")]
async fn part(Path(number): Path<usize>) -> Reply {
    html(content::part(number))
}

#[controller("rows")]
async fn rows() -> Reply {
    template("rows.html").with("title", "Stories").with("stories", content::stories())
}

/// Writes a note and returns the receipt.
#[controller("notes.write")]
async fn write(mut notes: DataMut<Notes>, note: String) -> Result<Reply> {
    let (_, receipt) = notes.update_with_receipt(note).await?;
    Ok(json(&receipt))
}

#[derive(Clone, Default, State)]
struct Notes {
    count: Value<u64>,
}

impl Updates for Notes {
    const NAME: &'static str = "notes";
    type Update = String;
    type Output = u64;
    type Refusal = Infallible;

    /// Pages do not read the notes, so an update invalidates their group explicitly.
    fn apply(&mut self, _: String, at: &mut At) -> Result<u64, Infallible> {
        self.count.update(|count| *count += 1);
        at.invalidate(Invalidation::new().group("page"));
        Ok(*self.count.get())
    }
}
