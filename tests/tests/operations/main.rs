//! The work of operators: status, checks, invalidation by hand, start and stop.

mod admin;
mod check;
mod cluster;
mod commands;
mod reload;
mod single_node;
mod stopping;

use std::sync::LazyLock;

use headwater_tests::{Cluster, Shared, Site};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

pub(crate) fn site() -> Site {
    Site::test_site(PROGRAM).project("[link]\nlease = \"2s\"\n")
}

pub(crate) static CLUSTER: LazyLock<Shared> =
    LazyLock::new(|| Shared::start(|| Cluster::start(site(), 2)));
