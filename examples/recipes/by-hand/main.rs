//! The recipe site with its data in maps and its groups named by hand. Six groups are missing, and
//! `tests/walk` must find them.
//!
//! - [`kitchen`]: the data, and the groups that each update invalidates.
//! - [`pages`]: the controllers that read.
//! - [`changes`]: the controllers that write, and their forms.
//! - [`visitors`], [`seed`]: signing in and out, the recipes of a new site.

mod kitchen;
mod pages;

#[path = "../src/changes.rs"]
mod changes;
#[path = "../src/seed.rs"]
mod seed;
#[path = "../src/visitors.rs"]
mod visitors;

use std::process::ExitCode;

use headwater::prelude::*;

fn main() -> ExitCode {
    App::new()
        .state::<kitchen::Kitchen>()
        .seed::<kitchen::Kitchen>(seed::updates)
        .session::<changes::Author>("/session")
        .variant(visitors::variant)
        .form_page::<changes::Draft>("pages.new", "form.html")
        .form_page::<changes::Author>("visitors.form", "sign_in.html")
        .controllers(controllers![pages::{list, show, edit_form, api_list, api_show}])
        .controllers(controllers![changes::{publish, edit, delete, comment, favourite}])
        .controllers(controllers![visitors::{sign_in, sign_out}])
        .run()
}
