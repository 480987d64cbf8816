//! The Weir: a community news site, and what a first site on headwater looks like.
//!
//! - [`site`]: the data, and the updates that change it.
//! - [`stories`], [`comments`], [`session`], [`pages`], [`api`]: the controllers that
//!   `dispatch.conf` names.
//! - [`field`], [`picture`]: what visitors may enter.
//! - [`reader`]: what pages depend on beside their address and their language.
//! - [`seed`]: what the site starts with.
//!
//! Templates are in `templates/`, what the interface says in each language in `locales/`, style sheet and pictures in `docroot/assets/`, what visitors send
//! in `docroot/uploads/`.

mod api;
mod comments;
mod field;
mod pages;
mod picture;
mod reader;
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
        .variant(reader::by_reader)
        .function("reader", reader::reader)
        .controllers(controllers![
            stories::index,
            stories::list,
            stories::show,
            stories::create,
            comments::create,
            session::open,
            session::close,
            session::language,
            api::list,
            api::show,
            pages::normal_cache,
            pages::forget,
            pages::current_time,
        ])
        .run()
}
