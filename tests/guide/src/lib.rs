//! The Rust of the guide. `build.rs` collects it, `contexts` has what its pages assume, and
//! `cargo test` compiles it and runs the tests in it.

#[cfg(test)]
mod contexts;

/// One module for each page.
#[cfg(test)]
#[allow(warnings, missing_docs, clippy::all, clippy::pedantic)]
mod guide {
    include!(concat!(env!("OUT_DIR"), "/guide.rs"));
}
