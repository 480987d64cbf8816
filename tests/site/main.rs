//! A site for the tests: all of its pages show how old they are, and its controllers do what controllers should not do.
//!
//! - [`accounts`]: visitors who sign in, and the end of their sessions.
//! - [`answers`]: every kind of answer that a controller can give.
//! - [`board`]: pages that consist of a version only, and the update that raises one.
//! - [`counter`]: a number that is incremented whenever a controller runs, and ways to invalidate it.
//! - [`bodies`]: large requests and replies.
//! - [`visits`]: cookies, headers, and steps around a controller.
//! - [`failures`]: panics, errors, delays, templates that do not render.
//! - [`computed`]: templates, controllers and variants that compute for long.
//! - [`flights`]: a slow controller that counts its runs.
//! - [`moods`]: pages whose content visitors change without an invalidation.
//! - [`forms`]: forms with rules.
//! - [`gallery`]: uploaded pictures, and a page that refers to them.
//! - [`notes`]: lines of text that are stored as they were sent.
//! - [`texts`]: compressible texts, and replies with caching headers of their own.
//! - [`probe`]: the parts of a request that a controller can read, shown unchanged.

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

/// A second state, with which the site has another data model; the variable `TEST_SITE_DRAFTS` adds it.
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
