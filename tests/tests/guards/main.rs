//! What stands between strangers and the site: requests that their pages send in a visitor's name, and what
//! pages may load and run.

mod forgery;
mod headers;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
