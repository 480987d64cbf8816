//! GET of a cached page, over HTTP/1.1 with few and with many connections, and over HTTP/2.

use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::arguments::Arguments;
use crate::contestant::Kind;
use crate::contestant::field::Field;
use crate::load::Request;
use crate::{Result, tools};

/// The lengths of the pages, in bytes.
pub(crate) const SIZES: [usize; 3] = [1 << 10, 8 << 10, 64 << 10];

/// The length of the page in most scenes.
pub(crate) const USUAL: usize = 8 << 10;

const OTHERS: [Kind; 5] =
    [Kind::NginxFile, Kind::NginxCache, Kind::Varnish, Kind::Axum, Kind::NginxAxum];

/// Returns the path of the page of this many bytes.
pub(crate) fn path(bytes: usize) -> String {
    format!("/page/{bytes}")
}

/// Measures all contestants in turns with each page.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Turns>> {
    let mut field = Field::start(arguments, &OTHERS)?;
    let mut tables = Vec::new();
    for bytes in SIZES.into_iter().filter(|bytes| arguments.takes_size(*bytes)) {
        let request = Request::of_page(path(bytes), bytes);
        let bare = field.add_bare(arguments, &request.path, "")?;
        let contestants = || field.contestants().chain(bare.clone());
        let title = format!("a cached page of {bytes} bytes");
        for connections in &arguments.connections {
            let sides: Vec<_> =
                contestants().map(|contestant| Side::cached(contestant, request.clone())).collect();
            let setting = Setting::new(arguments, Protocol::Http1, *connections);
            tables.push(turns::take(&title, setting, &sides, field.left_out.clone())?);
        }
        if bytes == USUAL {
            tables.extend(http2(arguments, &title, contestants(), &request, &field.left_out)?);
        }
    }
    Ok(tables)
}

/// Measures over HTTP/2, if h2load is installed.
fn http2(
    arguments: &Arguments,
    title: &str,
    contestants: impl Iterator<Item = crate::contestant::Contestant>,
    request: &Request,
    left_out: &[String],
) -> Result<Option<Turns>> {
    if tools::H2LOAD.path().is_none() {
        return Ok(None);
    }
    let sides: Vec<_> = contestants
        .filter(|contestant| contestant.http2.is_some())
        .map(|contestant| Side::cached(contestant, request.clone()))
        .collect();
    let setting = Setting::new(arguments, Protocol::Http2, arguments.some_connections());
    turns::take(title, setting, &sides, left_out.to_vec()).map(Some)
}
