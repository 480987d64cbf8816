//! The Weir: a community news site, and an example of a first site on headwater.
//!
//! - [`site`]: the data, and the updates that change it.
//! - [`stories`], [`comments`], [`session`], [`pages`], [`api`]: the controllers of the routes in `dispatch.conf`.
//! - [`picture`]: the pictures of stories.
//! - [`seed`]: the first data of a new site.
//!
//! Templates are in `templates/`, the texts of the interface in each language in `locales/`, style sheet and pictures
//! in `docroot/assets/`, visitors' uploads in `docroot/uploads/`.

mod api;
mod comments;
mod pages;
mod picture;
mod seed;
mod session;
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
        .session::<session::Reader>("/session")
        .variant(session::audience)
        .controllers(controllers![
            stories::index,
            stories::list,
            stories::show,
            stories::new,
            stories::create,
            comments::create,
            session::form,
            session::open,
            session::close,
            session::me,
            session::badge,
            api::list,
            api::show,
            pages::normal_cache,
            pages::forget,
            pages::current_time,
        ])
        .run()
}
