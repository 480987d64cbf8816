//! A site made to be tested: whatever it serves shows how old it is, and its controllers do what
//! controllers should not.
//!
//! - [`board`]: pages that are nothing but a version, and the update that raises one.
//! - [`counter`]: a number that grows whenever a controller runs, and ways to invalidate it.
//! - [`bodies`]: large requests and replies.
//! - [`visits`]: cookies, headers, and steps around a controller.
//! - [`failures`]: panics, errors, delays, templates that do not render.

mod board;
mod bodies;
mod counter;
mod failures;
mod visits;

use std::process::ExitCode;

use headwater::prelude::*;

fn main() -> ExitCode {
    App::new()
        .state::<board::Board>()
        .controllers(controllers![
            board::page,
            board::templated,
            board::slow,
            board::all,
            board::raise,
            counter::next,
            counter::forget,
            counter::forget_if,
            counter::invalidate,
            bodies::upload,
            bodies::read,
            bodies::download,
            bodies::filled,
            visits::cookie,
            visits::set_cookie,
            visits::headers,
            visits::stepped,
            failures::panic,
            failures::error_page,
            failures::sleep,
            failures::broken_template,
            failures::no_such_template,
        ])
        .variant(visits::variant)
        .run()
}
