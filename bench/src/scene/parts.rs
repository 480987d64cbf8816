//! GET of a cached page with three cached parts: headwater's `part`, Varnish with ESI, nginx with SSI.
//! They are compared with a cached page of the same length without parts.

use super::pages::{self, USUAL};
use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::content::PAGE_WITH_PARTS_BYTES;
use crate::contestant::Kind;
use crate::contestant::field::Field;
use crate::load::Request;

/// Measures all contestants in turns.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Turns>> {
    let field = Field::start(arguments, &[Kind::NginxCache, Kind::Varnish])?;
    let ours = field.headwater()?;
    let mut sides = Vec::new();
    for contestant in field.contestants() {
        let path = match contestant.kind {
            Kind::NginxCache => "/page-with-ssi",
            Kind::Varnish => "/page-with-esi",
            _ => "/page-with-parts",
        };
        sides.push(Side::cached(contestant, Request::of_page(path, PAGE_WITH_PARTS_BYTES)));
    }
    let one_piece = Request::of_page(pages::path(USUAL), USUAL);
    sides.push(Side::cached(ours, one_piece).named("headwater, 1 piece"));
    let title = format!("a cached page with three cached parts, together {USUAL} bytes");
    let setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    Ok(vec![turns::take(title, setting, &sides, field.left_out.clone())?])
}
