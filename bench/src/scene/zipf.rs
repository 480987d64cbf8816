//! Many cached pages, of which a few are asked for often and most seldom, as visitors do. They are
//! not asked for in gzip, so they are not kept in gzip, except by axum, and by a second headwater
//! that is set up as it is without configuration and encodes pages while they are asked for.

use super::pages::USUAL;
use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::arguments::Arguments;
use crate::contestant::field::Field;
use crate::contestant::headwater::Cluster;
use crate::contestant::{Kind, Runs, memory};
use crate::{Result, fill, tools, wrk, zipf};

/// Fills each contestant's cache, and asks for pages of it.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Turns>> {
    if let Some(missing) = tools::WRK.missing() {
        return Err(missing.into());
    }
    let field = Field::without_codings(arguments, &[Kind::NginxCache, Kind::Varnish, Kind::Axum])?;
    let pages = arguments.pages();
    let paths = zipf::requests(pages).map(|number| fill::path("zipf", USUAL, number));
    let paths = wrk::file_of_paths(paths)?;
    let mut sides = Vec::new();
    for contestant in field.contestants() {
        fill::fill(&contestant, "zipf", USUAL, pages)?;
        sides.push(Side::mix(contestant, paths.path()));
    }
    let encoding = Cluster::start(1, &memory())?;
    fill::fill(&encoding.contestant(), "zipf", USUAL, pages)?;
    sides.push(Side::mix(encoding.contestant(), paths.path()).named("headwater, encoding"));
    let title = format!("{pages} cached pages of {USUAL} bytes, asked for as Zipf has it");
    let mut setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    setting.load_generator = "wrk";
    Ok(vec![turns::take(title, setting, &sides, field.left_out.clone())?])
}
