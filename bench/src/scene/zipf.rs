//! Many cached pages, of which a few are asked for often and most seldom, as visitors do.

use super::pages::USUAL;
use super::turns::{self, Protocol, Setting, Side, Turns};
use crate::arguments::Arguments;
use crate::contestant::Kind;
use crate::contestant::field::Field;
use crate::{Result, fill, tools, wrk, zipf};

/// Fills everybody's cache, and asks for pages of it.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Turns>> {
    if let Some(missing) = tools::WRK.missing() {
        return Err(missing.into());
    }
    let field = Field::start(arguments, &[Kind::NginxCache, Kind::Varnish, Kind::Axum])?;
    let pages = arguments.pages();
    let paths = zipf::requests(pages).map(|number| fill::path("zipf", USUAL, number));
    let paths = wrk::file_of_paths(paths)?;
    let mut sides = Vec::new();
    for contestant in field.contestants() {
        fill::fill(&contestant, "zipf", USUAL, pages)?;
        sides.push(Side::mix(contestant, paths.path()));
    }
    let title = format!("{pages} cached pages of {USUAL} bytes, asked for as Zipf has it");
    let mut setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    setting.load_generator = "wrk";
    Ok(vec![turns::take(title, setting, &sides, field.left_out.clone())?])
}
