//! The Rust of the guide. `build.rs` collects it, `contexts` has the items that its pages assume,
//! and `cargo test` compiles it and runs its tests.

#[cfg(test)]
mod contexts;

/// One module for each page.
#[cfg(test)]
#[allow(warnings, missing_docs, clippy::all, clippy::pedantic)]
mod guide {
    include!(concat!(env!("OUT_DIR"), "/guide.rs"));
}
