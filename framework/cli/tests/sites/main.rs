//! What the program `headwater` makes: sites, which are compiled, tested and run with what the workspace has built
//! already.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

mod dev;
mod generated;
mod harness;
mod new;
mod tutorial;
