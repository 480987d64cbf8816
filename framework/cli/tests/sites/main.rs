//! Tests of the sites that `headwater` makes. They are compiled, tested and run with the workspace's build.

#![allow(clippy::unwrap_used, reason = "a failed test is to panic")]

mod dev;
mod generated;
mod harness;
mod new;
mod tutorial;
