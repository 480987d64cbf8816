//! Fresh copies of pages, which tests compare with those in the caches.

use headwater::prelude::*;

/// The site's variant function: a request with `x-fresh: 1` is answered by a page that is made anew and not kept; all
/// others share their pages.
pub fn on_request(visitor: &Visitor<'_>) -> Variant {
    match visitor.header("x-fresh") {
        Some("1") => Variant::no(),
        _ => Variant::yes(),
    }
}
