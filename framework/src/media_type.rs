//! Media types: that of a file or template, by its name's extension; which of them are text, and in
//! which of them the text of values must be escaped.

use std::path::Path;

use ::http::HeaderValue;

/// Returns the value for `Content-Type`: text is UTF-8, and an unknown type is bytes.
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

/// Returns the type of extensions that the table of `mime_guess` lacks, or for which it has an
/// obsolete type (RFC 9239).
fn better_known(name: &Path) -> Option<&'static str> {
    match name.extension()?.to_str()? {
        "br" => Some("application/x-brotli"),
        // Listed because it is looked up for each page that is made.
        "html" => Some("text/html; charset=utf-8"),
        "mjs" => Some("text/javascript"),
        "zst" => Some("application/zstd"),
        _ => None,
    }
}

/// Returns whether content of this type is text or written as text, which compresses well. Images,
/// films and fonts are compressed already.
pub(crate) fn is_text(value: &HeaderValue) -> bool {
    const TEXT: [&str; 6] = [
        "application/javascript",
        "application/json",
        "application/wasm",
        "application/x-ndjson",
        "application/xml",
        "application/yaml",
    ];
    let essence = essence(value).to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TEXT.contains(&essence.as_str())
}

/// Returns whether content of this type is parsed as HTML or XML, where `<` and `&` in a value
/// would be taken for markup. This decides both which templates escape values, and with which types
/// their output may be sent.
pub(crate) fn is_markup(value: &HeaderValue) -> bool {
    let ends = ["/html", ".html", "/xml", "+xml", "/xsl", "/x-opml", "/hta", "+html"];
    let essence = essence(value).as_bytes();
    ends.iter().any(|end| {
        let start = essence.len().checked_sub(end.len());
        start.is_some_and(|start| essence[start..].eq_ignore_ascii_case(end.as_bytes()))
    })
}

/// Returns whether content of this type is JSON.
pub(crate) fn is_json(value: &HeaderValue) -> bool {
    let essence = essence(value).to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}

/// Returns whether browsers treat content of this type as a page.
pub(crate) fn is_html(value: &HeaderValue) -> bool {
    let essence = essence(value);
    ["text/html", "application/xhtml+xml"].iter().any(|html| essence.eq_ignore_ascii_case(html))
}

/// Returns the type without its parameters.
fn essence(value: &HeaderValue) -> &str {
    let value = value.to_str().unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_are_written_as_text_are_text() {
        for text in ["text/html; charset=utf-8", "Application/JSON", "image/svg+xml", "text/x"] {
            assert!(is_text(&HeaderValue::from_static(text)), "{text}");
        }
        for other in ["image/png", "application/octet-stream", "", "application/text/html"] {
            assert!(!is_text(&HeaderValue::from_static(other)), "{other}");
        }
    }

    #[test]
    fn html_and_xml_are_markup_under_every_extension() {
        for name in [
            "a.html",
            "a.htm",
            "a.HTML",
            "a.shtml",
            "a.xhtml",
            "a.xml",
            "a.svg",
            "feed.rss",
            "feed.atom",
            "a.rdf",
            "a.xsl",
            "a.xslt",
            "a.xsd",
            "a.kml",
            "a.gpx",
            "a.opml",
            "a.mathml",
            "a.wsdl",
        ] {
            let media_type = of(name);
            assert!(is_markup(&media_type), "{name}: {media_type:?}");
        }
        for name in ["a.txt", "a.json", "a.js", "a.css", "a.csv", "a.ics", "a.md", "a", "html"] {
            let media_type = of(name);
            assert!(!is_markup(&media_type), "{name}: {media_type:?}");
        }
        for written in ["TEXT/HTML;charset=x", "text/vnd.turbo-stream.html", " application/xml "] {
            assert!(is_markup(&HeaderValue::from_static(written)), "{written}");
        }
    }

    #[test]
    fn text_is_utf_8_and_an_unknown_type_is_bytes() {
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
