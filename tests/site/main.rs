//! A site made to be tested: whatever it serves shows how old it is, and its controllers do what
//! controllers should not.
//!
//! - [`accounts`]: visitors who sign in, and how their sessions end.
//! - [`answers`]: every kind of answer that a controller can give.
//! - [`board`]: pages that are nothing but a version, and the update that raises one.
//! - [`counter`]: a number that grows whenever a controller runs, and ways to invalidate it.
//! - [`bodies`]: large requests and replies.
//! - [`visits`]: cookies, headers, and steps around a controller.
//! - [`failures`]: panics, errors, delays, templates that do not render.
//! - [`computed`]: templates, controllers and variants that compute for long.
//! - [`flights`]: a controller that takes its time and counts its runs.
//! - [`moods`]: pages that come out as their visitors have set them.
//! - [`forms`]: forms with rules.
//! - [`gallery`]: pictures that are uploaded, and a page that refers to them.
//! - [`notes`]: lines of text that are kept as they were sent.
//! - [`texts`]: what is worth compressing, and replies that say how they are to be cached.
//! - [`probe`]: what a controller can read of a request, shown as it is.

mod accounts;
mod answers;
mod board;
mod bodies;
mod computed;
mod counter;
mod failures;
mod flights;
mod forms;
mod gallery;
mod moods;
mod notes;
mod probe;
mod texts;
mod visits;

use std::convert::Infallible;
use std::process::ExitCode;

use headwater::prelude::*;

/// One state more, so that the site has another model of its data: with the variable `TEST_SITE_DRAFTS`.
#[derive(Clone, Default, State)]
struct Drafts {
    count: Value<u64>,
}

impl Updates for Drafts {
    const NAME: &'static str = "drafts";
    type Update = u64;
    type Output = ();
    type Refusal = Infallible;

    fn apply(&mut self, count: u64, _: &mut At) -> Result<(), Infallible> {
        self.count.set(count);
        Ok(())
    }
}

fn main() -> ExitCode {
    let app = match std::env::var_os("TEST_SITE_DRAFTS") {
        Some(_) => App::new().state::<Drafts>(),
        None => App::new(),
    };
    app.state::<board::Board>()
        .state::<notes::Notes>()
        .state::<gallery::Gallery>()
        .controllers(controllers![
            accounts::sign_in,
            accounts::me,
            accounts::greet,
            accounts::corner,
            accounts::sign_out,
            accounts::renew,
            accounts::noted,
            board::page,
            board::grouped,
            board::top,
            board::templated,
            board::slow,
            board::all,
            board::raise,
            board::raise_thrice,
            counter::next,
            counter::lines,
            counter::forget,
            counter::forget_if,
            counter::invalidate,
            bodies::upload,
            bodies::read,
            bodies::download,
            bodies::filled,
            visits::cookie,
            visits::set_cookie,
            visits::headers,
            visits::stepped,
            failures::panic,
            failures::error_page,
            failures::sleep,
            failures::broken_template,
            failures::no_such_template,
            computed::compute,
            flights::slow,
            flights::runs,
            forms::dinner,
            forms::order,
            forms::show,
            forms::take,
            forms::number,
            moods::show,
            moods::set,
            gallery::list,
            gallery::hang,
            gallery::remove,
            gallery::synchronize,
            notes::list,
            notes::whole,
            notes::add,
            notes::remove,
            notes::add_and_fill_the_disk,
            probe::show,
            probe::header,
            probe::headers,
            probe::visit,
            probe::query,
            probe::form,
            probe::json_body,
            probe::day,
            probe::multipart,
            answers::give,
            texts::lines,
            texts::headers,
            texts::change,
            texts::named,
            texts::mail,
            answers::program,
        ])
        .session::<accounts::Account>("/sign-in")
        .controllers(controllers![answers::inner].wrap(answers::framed))
        .templates(computed::in_templates)
        .variant(visits::variant)
        .run()
}
