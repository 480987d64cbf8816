//! Measures headwater beside bare hyper.

fn main() {}
