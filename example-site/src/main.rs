//! A community news site: what a first site on headwater looks like.

fn main() {}
