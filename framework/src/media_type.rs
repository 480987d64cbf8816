//! Which media type a file or template has, by its name's extension.

use std::path::Path;

use ::http::HeaderValue;

/// The value for `Content-Type`: text is UTF-8, and what is unknown is bytes.
pub(crate) fn of(name: impl AsRef<Path>) -> HeaderValue {
    let name = name.as_ref();
    let guess = better_known(name).or_else(|| mime_guess::from_path(name).first_raw());
    let guess = guess.unwrap_or("application/octet-stream");
    if !guess.starts_with("text/") || guess.contains("charset") {
        return HeaderValue::from_static(guess);
    }
    HeaderValue::try_from(format!("{guess}; charset=utf-8"))
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

/// Types that the table of `mime_guess` lacks, or has as they were once (RFC 9239).
fn better_known(name: &Path) -> Option<&'static str> {
    match name.extension()?.to_str()? {
        "br" => Some("application/x-brotli"),
        "mjs" => Some("text/javascript"),
        "zst" => Some("application/zstd"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_and_what_is_unknown_is_bytes() {
        assert_eq!(of("faq.html"), "text/html; charset=utf-8");
        assert_eq!(of("css/site.css"), "text/css; charset=utf-8");
        for (name, media_type) in [
            ("weir.png", "image/png"),
            ("weir.avif", "image/avif"),
            ("weir.webp", "image/webp"),
            ("weir.svg", "image/svg+xml"),
            ("font.woff2", "font/woff2"),
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("app.wasm", "application/wasm"),
            ("site.webmanifest", "application/manifest+json"),
            ("feed.json", "application/json"),
            ("site.css.gz", "application/gzip"),
            ("site.css.br", "application/x-brotli"),
            ("site.css.zst", "application/zstd"),
            ("LOUD.PNG", "image/png"),
        ] {
            assert_eq!(of(name), media_type, "{name}");
        }
        assert_eq!(of("no-extension"), "application/octet-stream");
    }
}
