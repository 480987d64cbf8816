//! What stands between strangers and the site: requests that their pages send in a visitor's name, what pages may
//! load and run, and how often a visitor may ask.

mod forgery;
mod headers;
mod rates;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
