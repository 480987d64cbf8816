//! The blocks of the guide, the README and the reference of `project.toml`, put before what reads
//! them in a site: routes and configuration are loaded, templates compiled, commands parsed.
//! `tests/guide` compiles those in Rust.
//!
//! What a block is follows from what it says: `[[route]]` stands in a table, a first line
//! `# admin/dispatch.conf` names a file beside the page's other files, everything else in TOML is
//! `project.toml`. Blocks in Fluent are the catalogues that all templates may ask. Where that does not tell, a comment that readers do not see stands before it:
//! `<!-- lines of a route -->` (each line is a key of one), `<!-- refused: the next block says why -->`.

mod blocks;
mod console;
mod filters;
mod html;
mod links;
mod toml;
