//! Every kind of answer that a controller can give.

use headwater::prelude::*;

/// Returns the answer that the path names.
#[controller("answers.give")]
pub async fn give(Path(kind): Path<String>) -> Result<Reply> {
    Ok(match kind.as_str() {
        "template" => template("page.html").with("page", 7).with("version", "<one>"),
        "redirect" => redirect_to("/answers/text"),
        "permanent" => redirect_permanent("/answers/text"),
        "html" => html("<p>by hand</p>"),
        "text" => text("grüße"),
        "json" => json(&["a", "b"]),
        "bytes" => bytes("application/pdf", "%PDF"),
        "created" => text("made").with_status(201),
        "nothing" => status(204),
        "teapot" => return Err(Error::new(418, "This is a teapot.")),
        "forbidden" => return Err(forbidden()),
        "failed" => {
            let number: u32 = "x".parse()?;
            text(number.to_string())
        }
        "cookies" => text("baked")
            .cookie(("first", encode_cookie_value("one two")))
            .cookie(Cookie::build(("second", "2")).path("/").http_only(true).build()),
        "headers" => text("marked")
            .append_header("x-mark", "one")
            .append_header("x-mark", "two")
            .header("cache-control", "max-age=60"),
        "too-short" => text("hello").header("content-length", "30"),
        "too-long" => text("hello").header("content-length", "3"),
        "connection" => text("hello")
            .header("connection", "close, x-mark")
            .header("transfer-encoding", "chunked")
            .header("upgrade", "tea")
            .header("x-mark", "kept from unconcerned readers"),
        "bodiless" => text("hello").with_status(204),
        "unchanged" => text("hello").with_status(304),
        "informal" => text("hello").with_status(100),
        "switching" => text("hello").with_status(101),
        "unknown-status" => text("hello").with_status(799),
        "fine-error" => return Err(Error::new(200, "All is well.")),
        "own-cache-status" => text("hello").header("cache-status", "headwater; hit"),
        "wrong-header" => text("never seen").header("x-wrong", "a\nb"),
        _ => return Err(not_found()),
    })
}

/// Sends this program's own file.
#[controller("answers.file")]
pub async fn program() -> Result<Reply> {
    file(std::env::current_exe()?).await
}

/// A wrapper around a controller, as a site may write one.
pub async fn framed(request: Request, next: headwater::controller::Next) -> Reply {
    let path = request.parts.uri.path().to_owned();
    next.run(request).await.header("x-framed", path)
}

/// The wrapped controller.
#[controller("answers.framed")]
pub async fn inner() -> Reply {
    text("framed")
}
