//! The recipe site with its data in maps and its groups named by hand. Six are missing, and
//! `tests/walk` must find them.
//!
//! - [`kitchen`]: the data, and what each update invalidates.
//! - [`lists`], [`recipes`], [`api`]: the controllers that read.
//! - [`changes`]: the controllers that write. [`form`]: what they accept. [`update`]: what they log.
//! - [`fresh`], [`seed`]: fresh copies, the recipes of a new site.

mod api;
mod kitchen;
mod lists;
mod recipes;

#[path = "../src/changes.rs"]
mod changes;
#[path = "../src/form.rs"]
mod form;
#[path = "../src/fresh.rs"]
mod fresh;
#[path = "../src/seed.rs"]
mod seed;
#[path = "../src/update.rs"]
mod update;

use std::process::ExitCode;

use headwater::prelude::*;

fn main() -> ExitCode {
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
        .run()
}
