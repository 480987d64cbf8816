//! The Weir: a community news site, and what a first site on headwater looks like.
//!
//! - [`site`]: the data, and the updates that change it.
//! - [`stories`], [`comments`], [`pages`], [`api`]: the controllers that `dispatch.conf` names.
//! - [`field`]: what visitors may enter.
//! - [`seed`]: what the site starts with.
//!
//! Templates are in `templates/`, style sheet and pictures in `docroot/assets/`.

mod api;
mod comments;
mod field;
mod pages;
mod seed;
mod site;
mod stories;

use std::process::ExitCode;

use headwater::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    App::new()
        .state::<site::Site>()
        .seed::<site::Site>(seed::updates)
        .controllers(controllers![
            stories::index,
            stories::list,
            stories::show,
            stories::create,
            comments::create,
            api::list,
            api::show,
            pages::normal_cache,
            pages::forget,
            pages::current_time,
        ])
        .run()
}
