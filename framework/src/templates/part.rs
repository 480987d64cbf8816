//! `part(url="/parts/badge", fallback="…")`: the place of another page of the site.

use std::cell::RefCell;

use bytes::Bytes;
use memchr::memmem;
use tera::{Kwargs, State, Tera, Value};

use crate::pieces::{Part, Pieces};

thread_local! {
    static PARTS: RefCell<Option<(String, Vec<Part>)>> = const { RefCell::new(None) };
}

pub(super) fn register(tera: &mut Tera) {
    tera.register_function("part", |arguments: Kwargs, state: &State<'_>| {
        let url = arguments.must_get::<&str>("url")?;
        let fallback = arguments.get::<Value>("fallback")?;
        let fallback =
            fallback.map(|value| match value.is_safe() || !state.autoescaping_enabled() {
                true => value.to_string(),
                false => escape(&value.to_string()),
            });
        let part = Part::new(url, fallback.unwrap_or_default().into());
        let mark = PARTS.with_borrow_mut(|parts| {
            let Some((mark, parts)) = parts else { return String::new() };
            parts.push(part);
            mark.clone()
        });
        tera::TeraResult::Ok(Value::safe_string(&mark))
    });
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Runs a render.
pub(super) fn around<R>(render: impl FnOnce() -> R) -> R {
    let mark = format!("\u{1}part {:032x}\u{1}", rand::random::<u128>());
    PARTS.set(Some((mark, Vec::new())));
    render()
}

/// Cuts the marks out of what the render has written.
pub(super) fn cut(output: Bytes) -> Pieces {
    let Some((mark, parts)) = PARTS.take() else { return output.into() };
    let mut pieces = Pieces::new();
    let mut start = 0;
    for (at, part) in memmem::find_iter(&output, mark.as_bytes()).zip(parts) {
        pieces.push_bytes(output.slice(start..at));
        pieces.push_part(part);
        start = at + mark.len();
    }
    pieces.push_bytes(output.slice(start..));
    pieces
}
