//! Protection of the site: cross-site requests, the sources that pages may load and run, and the rate of a visitor's
//! requests.

mod forgery;
mod headers;
mod rates;

const PROGRAM: &str = env!("CARGO_BIN_EXE_test-site");
