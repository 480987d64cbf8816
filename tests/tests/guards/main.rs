//! What stands between a stranger's page and the site: requests that it sends in a visitor's name.

mod forgery;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
