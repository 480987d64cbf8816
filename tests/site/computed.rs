//! Code that computes for as long as the request specifies, and blocks its thread.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use headwater::prelude::*;
use headwater::tera::{Kwargs, State, Tera};

/// Computes for this number of milliseconds.
pub(crate) fn spin(milliseconds: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(milliseconds) {
        spin_loop();
    }
}

/// Adds `spin(ms=…)` to the templates.
pub(crate) fn in_templates(tera: &mut Tera) {
    tera.register_function("spin", |arguments: Kwargs, _: &State<'_>| {
        let milliseconds = arguments.must_get::<&str>("ms")?.parse();
        let milliseconds =
            milliseconds.map_err(|_| headwater::tera::Error::message("no number"))?;
        spin(milliseconds);
        Ok(format!("rendered for {milliseconds} ms"))
    });
}

/// Computes before it answers.
#[controller("computed.answer")]
pub(crate) async fn compute(Path(milliseconds): Path<u64>) -> Reply {
    spin(milliseconds);
    text(format!("computed for {milliseconds} ms"))
}
