//! Cookies, headers, and steps around a controller.

use headwater::extract::NotInKey;
use headwater::prelude::*;

use crate::accounts::Account;

/// Shows the cookie `name`. On a cached route, reading it must be refused.
#[controller("visits.cookie")]
pub(crate) async fn cookie(cookies: Result<Cookies, NotInKey>) -> Result<Reply> {
    Ok(text(cookies?.get("name").unwrap_or("nobody").to_owned()))
}

/// Sets a cookie on a cached route: the reply must not be stored.
#[controller("visits.set_cookie")]
pub(crate) async fn set_cookie() -> Reply {
    text("baked").cookie(("name", "somebody"))
}

/// Shows the header `x-shown`, and sends one of its own.
#[controller("visits.headers")]
pub(crate) async fn headers(headers: HeaderMap) -> Reply {
    let shown = headers.get("x-shown").and_then(|value| value.to_str().ok());
    text(shown.unwrap_or("nothing").to_owned()).header("x-site", "test-site")
}

/// Chooses the variant by the header `x-variant`: `no`, `named NAME`, `key KEY`, or by a property of the visitor:
/// `cookie NAME`, `member`, `language`, `scheme`, `remote`. `spin MILLISECONDS` computes for a while.
pub(crate) fn variant(visitor: &headwater::Visitor<'_>) -> Variant {
    let header = visitor.header("x-variant");
    match header.map(|value| value.split_once(' ').unwrap_or((value, ""))) {
        Some(("cookie", name)) => Variant::named(visitor.cookie(name).unwrap_or_default()),
        Some(("member", _)) => match visitor.session::<Account>() {
            Some(_) => Variant::named("member"),
            None => Variant::named("guest"),
        },
        Some(("language", _)) => Variant::named(visitor.language()),
        Some(("scheme", _)) => Variant::named(visitor.scheme().as_str()),
        Some(("remote", _)) => Variant::named(visitor.remote().to_string()),
        Some(("spin", milliseconds)) => {
            crate::computed::spin(milliseconds.parse().unwrap_or_default());
            Variant::yes()
        }
        Some(("no", _)) => Variant::no(),
        Some(("named", name)) => Variant::named(name),
        Some(("key", key)) => Variant::key(key).group("keyed"),
        _ => Variant::yes(),
    }
}

/// The visitor, as determined by the step before the controller.
#[derive(Clone)]
pub(crate) struct Visitor(String);

/// Admits visitors that have a name.
pub(crate) async fn admit(request: &mut Request) -> Result<(), Reply> {
    let header = request.parts.header("x-visitor").map_err(IntoReply::into_reply)?;
    match header.and_then(|value| value.to_str().ok()).map(str::to_owned) {
        Some(name) => {
            request.parts.extensions.insert(Visitor(name));
            Ok(())
        }
        None => Err(text("what is your name?").with_status(403)),
    }
}

/// Marks every reply.
pub(crate) async fn stamp(reply: Reply) -> Reply {
    reply.header("x-stamped", "yes")
}

/// Greets an admitted visitor.
#[controller("visits.stepped")]
#[before(admit)]
#[after(stamp)]
pub(crate) async fn stepped(Extension(visitor): Extension<Visitor>) -> Reply {
    text(format!("welcome, {}", visitor.0))
}
