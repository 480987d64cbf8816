//! Pages that are made for each request: one by a controller on the back end, with a template of 30
//! rows, and one from a template without values.

use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::Kind;
use crate::contestant::field::Field;
use crate::http1::Connection;
use crate::load::Request;

/// Measures a page of 30 rows: front end, link, controller, and back for the template.
pub(crate) fn rows(arguments: &Arguments) -> Result<Vec<Turns>> {
    run(arguments, "/rows", "a page of 30 rows, made for each request")
}

/// Measures a template that needs the front end only.
pub(crate) fn template(arguments: &Arguments) -> Result<Vec<Turns>> {
    run(arguments, "/static", "a static template, rendered for each request")
}

fn run(arguments: &Arguments, path: &str, title: &str) -> Result<Vec<Turns>> {
    let field = Field::start(arguments, &[Kind::NginxAxum, Kind::Axum])?;
    let mut sides: Vec<Side<'_>> = Vec::new();
    let mut page: Option<Vec<u8>> = None;
    for contestant in field.contestants() {
        let answer = Connection::open(contestant.http1)?.get(path)?;
        let expected = page.get_or_insert_with(|| answer.body().to_vec());
        if answer.body() != &expected[..] {
            return Err(format!("{}: {path} is another page", contestant.kind.name()).into());
        }
        let request = Request::of_page(path, answer.head.content_length);
        sides.push(Side::uncached(contestant, request));
    }
    let bytes = page.map_or(0, |page| page.len());
    let setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    let title = format!("{title}, {bytes} bytes");
    Ok(vec![turns::take(title, setting, &sides, field.left_out.clone())?])
}
