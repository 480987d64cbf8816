//! The limits of a node's use of its machine, whatever its visitors do.

mod admin;
mod descriptors;
mod memory;

use headwater_tests::Site;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");

fn site() -> Site {
    Site::test_site(PROGRAM)
}
