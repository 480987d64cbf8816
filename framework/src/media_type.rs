//! Which media type a file or template has, by its name's extension.

use std::path::Path;

use ::http::HeaderValue;

/// The value for `Content-Type`: text is UTF-8, and what is unknown is bytes.
pub(crate) fn of(name: impl AsRef<Path>) -> HeaderValue {
    let guess = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    if !guess.starts_with("text/") || guess.contains("charset") {
        return HeaderValue::from_static(guess);
    }
    HeaderValue::try_from(format!("{guess}; charset=utf-8"))
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_and_what_is_unknown_is_bytes() {
        assert_eq!(of("faq.html"), "text/html; charset=utf-8");
        assert_eq!(of("css/site.css"), "text/css; charset=utf-8");
        assert_eq!(of("weir.png"), "image/png");
        assert_eq!(of("no-extension"), "application/octet-stream");
    }
}
