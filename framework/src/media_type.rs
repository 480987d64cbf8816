//! Which media type a file or template has, by its name's extension, and which are text.

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

/// Whether content of this type is text or something written as text, which gets much shorter when
/// it is compressed. Images, films and fonts are compressed already.
pub(crate) fn is_text(value: &HeaderValue) -> bool {
    const TEXT: [&str; 6] = [
        "application/javascript",
        "application/json",
        "application/wasm",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
    ];
    let Ok(value) = value.to_str() else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TEXT.contains(&essence.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_text_is_text() {
        for text in ["text/html; charset=utf-8", "Application/JSON", "image/svg+xml", "text/x"] {
            assert!(is_text(&HeaderValue::from_static(text)), "{text}");
        }
        for other in ["image/png", "application/octet-stream", "", "application/text/html"] {
            assert!(!is_text(&HeaderValue::from_static(other)), "{other}");
        }
    }

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
