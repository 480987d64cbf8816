//! A recipe exchange: lists by tag and by author, comments, favourites, and the same as JSON.
//!
//! - [`kitchen`]: the data, and how each update changes them. [`update`]: the updates. [`seed`]: those of a
//!   new site.
//! - [`lists`], [`recipes`], [`api`]: the controllers that read.
//! - [`changes`]: the controllers that write. [`form`]: what they accept.
//! - [`fresh`]: fresh copies of pages.
//!
//! No page and no update names a group: a page depends on the rows that it has read.

mod api;
mod changes;
mod form;
mod fresh;
mod kitchen;
mod lists;
mod recipes;
mod seed;
#[cfg(test)]
mod tests;
mod update;

use std::process::ExitCode;

use headwater::prelude::*;

fn main() -> ExitCode {
    app().run()
}

fn app() -> App {
    App::new()
        .state::<kitchen::Kitchen>()
        .seed::<kitchen::Kitchen>(seed::updates)
        .variant(fresh::on_request)
        .controllers(controllers![
            lists::all,
            lists::tag,
            lists::author,
            recipes::show,
            recipes::new,
            recipes::form,
            changes::publish,
            changes::edit,
            changes::delete,
            changes::comment,
            changes::favourite,
            api::list,
            api::show,
        ])
}
