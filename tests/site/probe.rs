//! The parts of a request that a controller can read, shown unchanged.

use std::collections::BTreeMap;

use headwater::extract::NotInKey;
use headwater::prelude::*;
use serde::{Deserialize, Serialize};

/// The parts of a request that a controller of any route may read.
#[derive(Serialize)]
struct Seen {
    method: String,
    uri: String,
    captures: BTreeMap<String, String>,
    variant: Option<String>,
    body: String,
}

/// Shows the request.
#[controller("probe.show")]
pub async fn show(request: Request) -> Result<Reply> {
    let Request { parts, body } = request;
    let body = body.collect(parts.body_limit).await?;
    Ok(json(&Seen {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        captures: parts.params.iter().cloned().collect(),
        variant: parts.variant,
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}

/// Shows one header, by its name.
#[controller("probe.header")]
pub async fn header(Path(name): Path<String>, headers: Headers) -> Result<Reply> {
    let values: Vec<String> =
        headers.get_all(&name)?.map(|value| value.to_str().unwrap_or("?").to_owned()).collect();
    Ok(json(&values))
}

/// Shows all headers.
#[controller("probe.headers")]
pub async fn headers(headers: Result<HeaderMap, NotInKey>) -> Result<Reply> {
    let headers = headers?;
    let shown: BTreeMap<&str, &str> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or("?")))
        .collect();
    Ok(json(&shown))
}

/// Shows the visitor's address and the request's id.
#[controller("probe.visit")]
pub async fn visit(
    remote: Result<Remote, NotInKey>,
    id: Result<RequestId, NotInKey>,
) -> Result<Reply> {
    let (Remote(address), RequestId(id)) = (remote?, id?);
    Ok(text(format!("{} {id}", address.map(|address| address.to_string()).unwrap_or_default())))
}

/// An order.
#[derive(Serialize, Deserialize)]
pub struct Order {
    thing: String,
    count: u32,
    #[serde(default)]
    gift: bool,
}

/// Shows the order in the query.
#[controller("probe.query")]
pub async fn query(Query(order): Query<Order>) -> Reply {
    json(&order)
}

/// Shows the order in a form.
#[controller("probe.form")]
pub async fn form(Form(order): Form<Order>) -> Reply {
    json(&order)
}

/// Shows the order in JSON.
#[controller("probe.json")]
pub async fn json_body(Json(order): Json<Order>) -> Reply {
    json(&order)
}

/// Shows the values in the path, by position and type.
#[controller("probe.day")]
pub async fn day(Path((year, month, day)): Path<(u16, u8, u8)>) -> Reply {
    text(format!("{year}-{month:02}-{day:02}"))
}

/// Shows the names and lengths of the fields of a form with files.
#[controller("probe.multipart")]
pub async fn multipart(mut form: Multipart) -> Result<Reply> {
    let mut shown = Vec::new();
    while let Some(mut field) = form.next_field().await? {
        let name = field.name().to_owned();
        let file = field.file_name().map(str::to_owned);
        let mut length = 0;
        while let Some(piece) = field.chunk().await? {
            length += piece.len();
        }
        shown.push((name, file, length));
    }
    Ok(json(&shown))
}
