//! GET of a cached page by a signed-in visitor: without a part, with a part that shows the session and is rendered for
//! each request, and with a cached part for each user.

use super::setting::{Protocol, Setting};
use super::side::Side;
use super::turns::{self, Turns};
use crate::Result;
use crate::arguments::Arguments;
use crate::contestant::field::Field;
use crate::http1::Connection;
use crate::load::Request;

/// Measures the three pages in turns.
pub(crate) fn run(arguments: &Arguments) -> Result<Vec<Turns>> {
    let field = Field::with_sessions(arguments)?;
    let ours = field.headwater()?;
    let signed_in = Connection::open(ours.http1)?.post("/sign-in", "text/plain", "")?;
    let cookie = signed_in.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    let headers = format!("cookie: {}\r\n", cookie.ok_or("the sign-in sets no cookie")?);
    let request = |path: &str, body_bytes| Request {
        path: path.to_owned(),
        headers: headers.clone(),
        status: 200,
        body_bytes,
    };
    let mut connection = Connection::open(ours.http1)?;
    let plain = connection.get_with("/plain", &headers)?;
    let bytes = plain.head.content_length;
    for path in ["/of-the-session", "/of-the-user"] {
        if connection.get_with(path, &headers)?.body() != plain.body() {
            return Err(format!("{path} is another page").into());
        }
    }
    let sides = [
        Side::cached(ours.clone(), request("/plain", bytes)).named("without a part"),
        Side::uncached(ours.clone(), request("/of-the-session", bytes)).named("of the session"),
        Side::uncached(ours, request("/of-the-user", bytes)).named("of the user"),
    ];
    let title = format!("a cached page of {bytes} bytes for a signed-in visitor");
    let setting = Setting::new(arguments, Protocol::Http1, arguments.some_connections());
    Ok(vec![turns::take(title, setting, &sides, Vec::new())?])
}
