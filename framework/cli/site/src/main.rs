//! @title@: the site's data and controllers, and the program that runs them.

mod notes;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use headwater::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    app().run()
}

/// Returns the site, for `main` and for tests.
fn app() -> App {
    App::new()
        .state::<notes::Notes>()
        .controllers(controllers![notes::show, notes::leave])
}
