//! Many cached pages, of which a few are requested often and most rarely, as by visitors. They are
//! not requested in gzip, so they are not stored in gzip, except by axum, and by a second headwater
//! without configuration, which encodes pages during the measurement.

use super::pages::USUAL;
use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::arguments::Arguments;
use crate::contestant::field::Field;
use crate::contestant::headwater::Cluster;
use crate::contestant::{Kind, Runs, memory};
use crate::{Result, fill, tools, wrk, zipf};

/// Fills each contestant's cache and requests its pages.
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
    let title =
        format!("{pages} cached pages of {USUAL} bytes, requested with a Zipf distribution");
    let mut setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    setting.load_generator = "wrk";
    Ok(vec![turns::take(title, setting, &sides, field.left_out.clone())?])
}
