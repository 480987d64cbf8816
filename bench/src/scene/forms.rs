//! GET of a cached page by a client that has it already (304), and by a client that accepts it compressed.

use std::time::{Duration, Instant};

use super::pages::{self, USUAL};
use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::field::Field;
use crate::contestant::{Contestant, Kind};
use crate::http1::Connection;
use crate::load::Request;

/// The longest time until the page is compressed.
const PATIENCE: Duration = Duration::from_secs(10);

const OTHERS: [Kind; 5] =
    [Kind::NginxFile, Kind::NginxCache, Kind::Varnish, Kind::Axum, Kind::NginxAxum];

/// Measures a 304.
pub(crate) fn not_modified(arguments: &Arguments) -> Result<Vec<Turns>> {
    run(arguments, "a 304 for a cached page", |contestant| {
        let page = Connection::open(contestant.http1)?.get(&pages::path(USUAL))?;
        let tag = page.header("etag").ok_or("the page has no tag")?;
        let headers = format!("if-none-match: {tag}\r\n");
        Ok(Request { path: pages::path(USUAL), headers, status: 304, body_bytes: 0 })
    })
}

/// Measures a page in gzip.
pub(crate) fn gzip(arguments: &Arguments) -> Result<Vec<Turns>> {
    run(arguments, "a cached page in gzip", |contestant| {
        let headers = "accept-encoding: gzip\r\n".to_owned();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut connection = Connection::open(contestant.http1)?;
            let page = connection.get_with(&pages::path(USUAL), &headers)?;
            if page.header("content-encoding") == Some("gzip") {
                let body_bytes = page.head.content_length;
                return Ok(Request { path: pages::path(USUAL), headers, status: 200, body_bytes });
            }
            if Instant::now() > deadline {
                return Err("the page was not compressed".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    })
}

/// Compares with the other contestants, and with the uncompressed whole page.
fn run(
    arguments: &Arguments,
    title: &str,
    form: impl Fn(&Contestant) -> Result<Request>,
) -> Result<Vec<Turns>> {
    let mut field = Field::start(arguments, &OTHERS)?;
    let ours = field.headwater()?;
    let request = form(&ours)?;
    let bare = field.add_bare(arguments, &request.path, &request.headers)?;
    let mut sides = Vec::new();
    for contestant in field.contestants() {
        let request = form(&contestant);
        let request = request.map_err(|error| format!("{}: {error}", contestant.kind.name()))?;
        sides.push(Side::cached(contestant, request));
    }
    sides.extend(bare.map(|bare| Side::cached(bare, request)));
    let as_it_is = Request::of_page(pages::path(USUAL), USUAL);
    sides.push(Side::cached(ours, as_it_is).named("headwater, as is"));
    let title = format!("{title} of {USUAL} bytes");
    let setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    Ok(vec![turns::take(title, setting, &sides, field.left_out.clone())?])
}
