//! A recipe exchange: lists by tag and by author, pictures, comments and favourites, in two languages and as JSON.
//!
//! [`kitchen`] has the data, [`changes`] the controllers that write, [`pages`] those that read, and [`visitors`]
//! signing in and out. No page and no update names a group: a page depends on the rows that it has read.

mod changes;
mod kitchen;
mod pages;
mod seed;
#[cfg(test)]
mod tests;
mod visitors;

use std::process::ExitCode;

use headwater::prelude::*;

fn main() -> ExitCode {
    app().run()
}

fn app() -> App {
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
}
