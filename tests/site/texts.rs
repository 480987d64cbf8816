//! Compressible texts, and replies with caching headers of their own.

use headwater::prelude::*;
use serde::Deserialize;

/// A page of this number of KiB.
#[controller("texts.lines")]
pub(crate) async fn lines(Path((kibibytes, name)): Path<(usize, String)>) -> Reply {
    html(text_of(kibibytes, &name))
}

fn text_of(kibibytes: usize, name: &str) -> String {
    let mut text = String::new();
    let mut line = 0;
    while text.len() < kibibytes << 10 {
        line += 1;
        text.push_str(&format!(
            "<li id=\"{name}-{line}\">The miller sleeps in room {line}.</li>\n"
        ));
    }
    text.truncate(kibibytes << 10);
    text
}

/// A reply with the headers that the path names.
#[controller("texts.headers")]
pub(crate) async fn headers(Path(kind): Path<String>) -> Reply {
    let reply = html(text_of(8, &kind));
    match kind.as_str() {
        "tag" => reply.header("etag", "\"mine\""),
        "weak-tag" => reply.header("etag", "W/\"mine\""),
        "no-tag" => reply.header("etag", "mine"),
        "date" => reply.header("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        "control" => {
            reply.header("cache-control", "max-age=7").header("cdn-cache-control", "max-age=8")
        }
        "vary" => {
            reply.append_header("vary", "X-Mark, Accept-Encoding").append_header("vary", "Cookie")
        }
        "groups" => reply.group("headers").header("cache-groups", "\"mine\""),
        "no-transform" => reply.header("cache-control", "public, no-transform"),
        "encoded" => reply.header("content-encoding", "x-mine"),
        "digest" => reply.header("repr-digest", "sha-256=:AA==:"),
        "image" => reply.header("content-type", "image/png"),
        "missing" => reply.with_status(404),
        _ => reply.group("headers").group("a b").group("c,d").group("grün").group("\"e\\"),
    }
}

/// The requested reply to an unsafe request.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    status: Option<u16>,
    /// The value of `Cache-Group-Invalidation`.
    #[serde(default)]
    groups: Option<String>,
    /// A group that is invalidated while the controller runs.
    #[serde(default)]
    write: Option<String>,
}

/// Replies as the form requests, and changes nothing else.
#[controller("texts.change")]
pub(crate) async fn change(cluster: Cluster, Form(wanted): Form<Wanted>) -> Result<Reply> {
    if let Some(group) = wanted.write {
        cluster.invalidate(Invalidation::new().group(group)).await?;
    }
    let reply = text("changed").with_status(wanted.status.unwrap_or(200));
    Ok(match wanted.groups {
        Some(groups) => reply.header("cache-group-invalidation", groups),
        None => reply,
    })
}

/// Sends `Cache-Group-Invalidation` with any request, which only replies to unsafe requests may do.
#[controller("texts.named")]
pub(crate) async fn named() -> Reply {
    text("read").header("cache-group-invalidation", "\"named:two\"")
}

/// A text as in a mail.
#[controller("texts.mail")]
pub(crate) async fn mail(texts: Texts) -> String {
    texts.text("en", &t!("mail", name = "Ana"))
}
