//! The recipe site with its data in maps and its groups named by hand. Six are missing, and
//! `tests/walk` must find them.
//!
//! - [`kitchen`]: the data, and what each update invalidates.
//! - [`pages`]: the controllers that read.
//! - [`changes`]: the controllers that write. [`form`]: what they accept.
//! - [`fresh`], [`seed`]: fresh copies, the recipes of a new site.

mod kitchen;
mod pages;

#[path = "../src/changes.rs"]
mod changes;
#[path = "../src/form.rs"]
mod form;
#[path = "../src/fresh.rs"]
mod fresh;
#[path = "../src/seed.rs"]
mod seed;

use std::process::ExitCode;

use headwater::prelude::*;

use changes::{comment, delete, edit, favourite, publish};
use pages::{api_list, api_show, edit_form, list, new, show};

fn main() -> ExitCode {
    App::new()
        .state::<kitchen::Kitchen>()
        .seed::<kitchen::Kitchen>(seed::updates)
        .variant(fresh::on_request)
        .controllers(controllers![list, show, new, edit_form, api_list, api_show])
        .controllers(controllers![publish, edit, delete, comment, favourite])
        .run()
}
