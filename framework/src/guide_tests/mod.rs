//! Tests of the code blocks in the guide, the README and the reference of `project.toml`, with the parsers that a site
//! uses: routes and configuration are loaded, templates compiled, commands parsed. `tests/guide` compiles the blocks in
//! Rust.
//!
//! The kind of a block follows from its content. TOML with `[[route]]` is a dispatch table, TOML with a first line such
//! as `# admin/dispatch.conf` is a file of that name beside the page's other files, and all other TOML is
//! `project.toml`. Blocks in Fluent are the catalogues for all templates. Where the content is not enough, an HTML
//! comment precedes the block: `<!-- lines of a route -->` (each line is a key of a route),
//! `<!-- refused: the next block says why -->`.

mod blocks;
mod console;
mod filters;
mod html;
mod links;
mod toml;
