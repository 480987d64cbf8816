//! A recipe exchange: lists by tag and by author, comments, favourites, and the same as JSON.
//!
//! [`kitchen`] is the data, [`form`] what readers enter, [`changes`] takes it, [`pages`] shows all of it. [`fresh`] is for tests. No page and no
//! update names a group: a page depends on the rows that it has read.

mod changes;
mod form;
mod fresh;
mod kitchen;
mod pages;
mod seed;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use headwater::prelude::*;

use changes::{comment, delete, edit, favourite, publish};
use pages::{api_list, api_show, edit_form, list, new, show};

fn main() -> ExitCode {
    app().run()
}

fn app() -> App {
    App::new()
        .state::<kitchen::Kitchen>()
        .seed::<kitchen::Kitchen>(seed::updates)
        .variant(fresh::on_request)
        .controllers(controllers![list, show, new, edit_form, api_list, api_show])
        .controllers(controllers![publish, edit, delete, comment, favourite])
}
